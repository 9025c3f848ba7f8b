"""Plate layouts of Europe, Britain, North America with Australia, India and Indonesia, after photographs of such plates."""

from __future__ import annotations

import numpy as np

from glyphs import Canvas
from plates import BLACK, BLUE, GREEN, RED, STATES, WHITE, YELLOW, Rng, band, board, code, die, main_text, near, pick, slogan, small


def european(rng: Rng) -> Canvas:
    ground = WHITE if rng.random() < 0.75 else pick(rng, (YELLOW, YELLOW, (200, 230, 210), (190, 40, 40)))
    c = board(rng, 4.6, ground)
    left = right = 0.0
    if rng.random() < 0.8:
        left = rng.uniform(0.07, 0.11)
        band(c, rng, 0, left)
    if rng.random() < 0.2:
        right = rng.uniform(0.07, 0.1)
        c.fill((1 - right, 0, 1, 1), near(rng, BLUE))
        c.text(code(rng, "99"), (1 - right + 0.01, 0.6, 0.99, 0.88), WHITE, small(rng))
    text = code(
        rng,
        pick(
            rng,
            (
                "AA-999-AA",
                "AA 999AA",
                "A AA 9999",
                "AA AA 999",
                "99-AAA-9",
                "9999 AAA",
                "AAA 999",
                "9A9 9999",
                "AA 99999",
                "AA 999-AA",
                "AAA-999",
            ),
        ),
    )
    main_text(
        c, rng, text, (left + 0.025, rng.uniform(0.1, 0.2), 0.98 - right, rng.uniform(0.8, 0.9)), GREEN if rng.random() < 0.04 else BLACK
    )
    if rng.random() < 0.35:  # inspection seals between the groups
        x = rng.uniform(0.28, 0.45)
        for y in (0.3, 0.68):
            c.disc(x, y, 0.15, near(rng, pick(rng, ((170, 175, 180), (220, 140, 30), (60, 120, 190), (190, 60, 50)))))
    return c


def british(rng: Rng) -> Canvas:
    c = board(rng, pick(rng, (4.7, 4.7, 4.7, 1.45)), pick(rng, (WHITE, YELLOW)))
    left = 0.0
    if rng.random() < 0.4:
        left = 0.09
        band(c, rng, 0, left, pick(rng, (BLUE, BLUE, GREEN)))
    rows = code(rng, pick(rng, ("AA99 AAA", "AA99 AAA", "A999 AAA", "AAA 999A", "A9 AAA"))).split(" ")
    if c.width / c.height < 2:
        main_text(c, rng, rows[0], (left + 0.05, 0.1, 0.95, 0.47), BLACK)
        main_text(c, rng, rows[1], (left + 0.05, 0.55, 0.95, 0.92), BLACK)
    else:
        main_text(c, rng, " ".join(rows), (left + 0.03, 0.15, 0.97, 0.85), BLACK)
    if rng.random() < 0.5:
        c.text(slogan(rng), (0.3, 0.92, 0.7, 0.985), BLACK, small(rng))
    return c


def american(rng: Rng) -> Canvas:
    """North America and Australia: 2:1, state above, slogan below, pictures, month stickers."""
    ground = pick(rng, (WHITE, WHITE, WHITE, (215, 228, 240), (240, 225, 190), YELLOW, (30, 60, 140), (40, 90, 60), (25, 25, 28)))
    dark = sum(ground) < 300
    ink = WHITE if dark else pick(rng, (BLACK, (25, 45, 110), (25, 45, 110), RED, GREEN, (120, 30, 40)))
    c = board(rng, 2.0, ground)
    if not dark and rng.random() < 0.5:
        c.gradient(
            (0, 0, 1, 1),
            near(rng, pick(rng, ((120, 170, 225), (245, 180, 120), (250, 220, 120), (200, 220, 200))), 20),
            near(rng, ground),
            False,
        )
    if rng.random() < 0.3:  # hills or skyline
        xs = np.linspace(0, 1, 9)
        tops = [(x, rng.uniform(0.45, 0.85)) for x in xs]
        c.polygon([(0, 1), *tops, (1, 1)], tuple(0.5 * np.add(c.rgb.mean((0, 1)), near(rng, pick(rng, (GREEN, BLUE, (150, 110, 90))), 25))))
    if rng.random() < 0.25:
        c.fill((0, 0, 1, 0.24), near(rng, pick(rng, (BLUE, RED, GREEN))))
        c.fill((0, 0.78, 1, 1), near(rng, pick(rng, (BLUE, RED, YELLOW))))
    accent = near(rng, pick(rng, (ink, RED, (25, 45, 110))), 10)
    c.text(pick(rng, STATES), (0.2, 0.05, 0.8, 0.21), accent, small(rng), rng.uniform(0.8, 1.6))
    left = 0.04
    if rng.random() < 0.2:  # emblem in front of the characters
        c.disc(0.14, 0.5, 0.17, near(rng, pick(rng, (RED, BLUE, GREEN, (230, 130, 30))), 25))
        c.disc(0.14, 0.5, 0.11, near(rng, (200, 190, 170), 30))
        left = 0.26
    text = code(
        rng,
        pick(
            rng,
            ("AAA 9999", "9AAA999", "AAA-9999", "AAA 999", "999 AAA", "AAAAAA", "AAAA", "999-AAA", "AAA\u00b7999", "AA99999", "AAAAAAA"),
        ),
    )
    main_text(c, rng, text, (left, 0.27, 0.96, 0.76), ink)
    if rng.random() < 0.8:
        c.text(slogan(rng), (0.15, 0.82, 0.85, rng.uniform(0.91, 0.96)), accent, small(rng))
    for x in (0.03, 0.86):
        if rng.random() < 0.45:
            y = pick(rng, (0.05, 0.05, 0.8))
            c.fill((x, y, x + 0.11, y + 0.15), near(rng, pick(rng, (RED, YELLOW, (230, 120, 30), WHITE, (60, 150, 90))), 15))
            c.text(code(rng, "99"), (x + 0.015, y + 0.03, x + 0.095, y + 0.12), BLACK, small(rng))
    return c


def indian(rng: Rng) -> Canvas:
    ground, ink = pick(
        rng, ((WHITE, BLACK),) * 4 + ((YELLOW, BLACK), (BLACK, WHITE), ((60, 150, 80), WHITE), (BLACK, YELLOW), (RED, WHITE))
    )
    two = rng.random() < 0.45
    c = board(rng, pick(rng, (1.3, 1.5, 1.8)) if two else 4.7, ground)
    left = 0.03
    if rng.random() < 0.35:
        c.text("IND", (0.015, 0.5, 0.075, 0.68), (30, 60, 170), small(rng))
        left = 0.085
    head, tail = (
        code(rng, pick(rng, ("AA 99", "AA99A", "AA-99 AA", "AA 9A"))),
        code(rng, pick(rng, ("AA 9999", "9999", "A 9999", "AAA 999"))),
    )
    style = die(rng)
    if two:
        main_text(c, rng, head, (left, 0.1, 0.97, 0.46), ink, style)
        main_text(c, rng, tail, (left, 0.54, 0.97, 0.9), ink, style)
    else:
        main_text(c, rng, head + " " + tail, (left, rng.uniform(0.15, 0.25), 0.97, rng.uniform(0.75, 0.88)), ink, style)
    return c


def indonesian(rng: Rng) -> Canvas:
    ground, ink = pick(rng, ((BLACK, WHITE), (BLACK, WHITE), (WHITE, BLACK), (YELLOW, BLACK), (RED, WHITE)))
    c = board(rng, pick(rng, (2.8, 2.8, 3.2, 2.2)), ground)
    main_text(c, rng, code(rng, pick(rng, ("A 9999 AA", "AA 999 AA", "A 9999 AAA", "AA 9999 A"))), (0.04, 0.12, 0.96, 0.64), ink)
    between = pick(rng, (" \u00b7 ", ".", " - ", "  "))
    date = f"{int(rng.integers(1, 13)):02d}{between}{int(rng.integers(10, 31))}"
    c.text(date, (0.3, 0.74, 0.7, 0.92), ink, die(rng))
    if rng.random() < 0.4:
        c.fill((0.02, 0.68, 0.98, 0.7), ink)
    return c

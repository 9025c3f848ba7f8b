"""render_plate, and the layouts of South America, East and West Asia, Russia, Pakistan, motorbikes, old and diplomatic plates."""

from __future__ import annotations

import numpy as np

from glyphs import Canvas, script
from layouts_main import american, british, european, indian, indonesian
from plates import BLACK, BLUE, GREEN, RED, STATES, WHITE, YELLOW, Rng, band, board, code, die, main_text, make, near, pick, slogan, small


def mercosur(rng: Rng) -> Canvas:
    if rng.random() < 0.35:  # the grey plates before: place above, dot between
        c = board(rng, 3.07, pick(rng, ((185, 187, 190), (185, 187, 190), RED, WHITE)))
        ink = WHITE if sum(c.rgb[0, 0]) < 350 else BLACK
        c.text(code(rng, "AA - AAAAAA"), (0.2, 0.06, 0.8, 0.2), ink, small(rng))
        main_text(c, rng, code(rng, "AAA\u00b79999"), (0.05, 0.3, 0.95, 0.9), ink)
        return c
    two = rng.random() < 0.2
    c = board(rng, 1.2 if two else 3.07, WHITE)
    c.fill((0, 0, 1, 0.22), near(rng, BLUE))
    c.text(pick(rng, ("BRASIL", "ARGENTINA", "URUGUAY", "PARAGUAY", code(rng, "AAAAAA"))), (0.3, 0.05, 0.7, 0.17), WHITE, small(rng))
    c.fill((0.89, 0.04, 0.97, 0.18), near(rng, pick(rng, (GREEN, (90, 160, 220), WHITE, YELLOW))))
    ink = pick(rng, (BLACK, BLACK, BLACK, RED, BLUE, GREEN))
    if two:
        main_text(c, rng, code(rng, "AAA"), (0.1, 0.28, 0.9, 0.58), ink)
        main_text(c, rng, code(rng, "9A99"), (0.05, 0.65, 0.95, 0.95), ink)
    else:
        main_text(c, rng, code(rng, pick(rng, ("AAA9A99", "AA 999 AA", "AAA 9999"))), (0.05, 0.3, 0.95, 0.92), ink)
        c.text("BR", (0.02, 0.78, 0.08, 0.92), BLACK, small(rng))
    return c


def chinese(rng: Rng) -> Canvas:
    ground, ink = pick(
        rng, (((20, 70, 170), WHITE),) * 3 + (((110, 200, 130), BLACK),) * 2 + ((YELLOW, BLACK), (WHITE, BLACK), (BLACK, WHITE))
    )
    two = ground == YELLOW and rng.random() < 0.5
    c = board(rng, 2.0 if two else 3.2, ground)
    if ground == (110, 200, 130):
        c.gradient((0, 0, 1, 1), (235, 245, 238), near(rng, ground))
    style = die(rng)
    if two:
        main_text(c, rng, script(rng, "han", 1) + code(rng, "\u00b7A"), (0.2, 0.08, 0.8, 0.38), ink, style)
        main_text(c, rng, code(rng, "?????"), (0.06, 0.46, 0.94, 0.92), ink, style)
    else:
        main_text(
            c,
            rng,
            script(rng, "han", 1) + code(rng, "A\u00b7?9???" if rng.random() < 0.7 else "A\u00b7A99999"),
            (0.04, 0.15, 0.96, 0.85),
            ink,
            style,
        )
    return c


def japanese(rng: Rng) -> Canvas:
    ground, ink = pick(rng, ((WHITE, GREEN),) * 3 + ((YELLOW, BLACK), (YELLOW, BLACK), ((25, 95, 65), WHITE), (BLACK, YELLOW)))
    c = board(rng, 2.0, ground)
    c.text(script(rng, "han", int(rng.integers(2, 4))) + " " + code(rng, "999"), (0.18, 0.07, 0.82, 0.33), near(rng, ink), die(rng), 0.9)
    c.text(script(rng, "thai", 1), (0.04, 0.5, 0.15, 0.75), near(rng, ink), small(rng))
    main_text(c, rng, code(rng, pick(rng, ("99-99", "99-99", "\u00b7\u00b799", "\u00b7999"))), (0.17, 0.4, 0.97, 0.92), ink)
    return c


def arab(rng: Rng) -> Canvas:
    ground = pick(rng, (WHITE, WHITE, WHITE, YELLOW, (30, 60, 150), RED))
    ink = BLACK if sum(ground) > 400 else WHITE
    long = rng.random() < 0.55
    c = board(rng, 4.6 if long else 2.0, ground)
    side = rng.uniform(0.1, 0.2)
    if rng.random() < 0.6:
        at = pick(rng, ((0, side), (1 - side, 1), (0.45, 0.55)))
        c.fill((at[0], 0, at[1], 1), near(rng, pick(rng, (BLUE, GREEN, RED, ground, (230, 140, 30)))))
        c.text(script(rng, "arabic", 2), (at[0] + 0.01, 0.1, at[1] - 0.01, 0.4), near(rng, ink), small(rng))
        c.text(code(rng, "AAA"), (at[0] + 0.015, 0.6, at[1] - 0.015, 0.8), near(rng, ink), small(rng))
    left, right = side + 0.02, 0.98 - side
    if long:
        main_text(
            c, rng, code(rng, pick(rng, ("99999", "9999", "A 99999"))), (left, 0.15, 0.55 if rng.random() < 0.5 else right, 0.85), ink
        )
        c.text(script(rng, "arabic", int(rng.integers(2, 6))), (0.6, 0.2, right, 0.8), near(rng, ink), die(rng))
    else:  # four cells, native digits above
        c.text(script(rng, "arabic", 4), (left, 0.08, 0.5, 0.42), near(rng, ink), die(rng))
        c.text(script(rng, "arabic", 3), (0.56, 0.08, right, 0.42), near(rng, ink), die(rng))
        main_text(c, rng, code(rng, "9999"), (left, 0.55, 0.5, 0.92), ink)
        main_text(c, rng, code(rng, "AAA"), (0.56, 0.55, right, 0.92), ink)
        line = 1.5 / c.width
        c.fill((0.53 - line, 0.02, 0.53 + line, 0.98), ink)
        c.fill((left - 0.01, 0.48, right, 0.5), ink)
    return c


def thai(rng: Rng) -> Canvas:
    c = board(rng, pick(rng, (2.25, 1.25)), pick(rng, (WHITE, WHITE, YELLOW, (200, 225, 240))))
    ink = pick(rng, (BLACK, BLACK, BLACK, GREEN, BLUE, RED))
    main_text(c, rng, script(rng, "thai", 2) + " " + code(rng, pick(rng, ("9999", "999"))), (0.06, 0.1, 0.94, 0.62), ink)
    c.text(script(rng, "thai", int(rng.integers(5, 9))), (0.2, 0.7, 0.8, 0.92), near(rng, ink), die(rng))
    return c


def russian(rng: Rng) -> Canvas:
    c = board(rng, 4.6, pick(rng, (WHITE, WHITE, WHITE, YELLOW)))
    c.text(code(rng, "A"), (0.05, 0.3, 0.14, 0.85), BLACK, style := die(rng))
    main_text(c, rng, code(rng, "999"), (0.15, 0.13, 0.45, 0.87), BLACK, style)
    c.text(code(rng, "AA"), (0.47, 0.3, 0.7, 0.87), BLACK, style)
    c.fill((0.75, 0.03, 0.757, 0.97), BLACK)
    c.text(code(rng, pick(rng, ("99", "199", "799"))), (0.78, 0.12, 0.97, 0.6), BLACK, style)
    c.text("RUS", (0.79, 0.7, 0.88, 0.88), BLACK, small(rng))
    for i, stripe in enumerate((WHITE, BLUE, RED)):
        c.fill((0.9, 0.7 + i * 0.06, 0.96, 0.76 + i * 0.06), stripe)
    return c


def pakistani(rng: Rng) -> Canvas:
    c = board(rng, pick(rng, (1.9, 2.1)), (222, 222, 215))
    ink = pick(rng, (BLACK, (60, 60, 62), (60, 60, 62)))
    if rng.random() < 0.5:  # green strip with emblem, two rows
        c.fill((0, 0, 0.2, 1), near(rng, (30, 130, 75)))
        c.disc(0.1, 0.42, 0.16, near(rng, (200, 200, 120), 20), ring=2)
        c.text(slogan(rng)[:7], (0.02, 0.8, 0.18, 0.9), WHITE, small(rng))
        c.text(code(rng, "AAA -99"), (0.24, 0.1, 0.96, 0.42), ink, style := die(rng), 0.95)
        main_text(c, rng, code(rng, "9999"), (0.24, 0.54, 0.85, 0.92), ink, style, "left")
    else:  # one thin row between two small ones
        c.text(code(rng, "AAA"), (0.35, 0.08, 0.65, 0.2), ink, small(rng))
        main_text(c, rng, code(rng, "AA - 999"), (0.08, 0.36, 0.92, 0.66), ink)
        c.text(pick(rng, STATES), (0.2, 0.8, 0.8, 0.92), ink, small(rng))
    return c


def motorbike(rng: Rng) -> Canvas:
    ground, ink = pick(rng, ((WHITE, BLACK),) * 4 + ((YELLOW, BLACK), (BLACK, WHITE), (BLUE, WHITE), (WHITE, RED)))
    c = board(rng, rng.uniform(0.95, 1.7), ground)
    left, style = 0.04, die(rng)
    if ground == WHITE and rng.random() < 0.4:
        left = 0.18
        band(c, rng, 0, 0.15)
    middle = rng.uniform(0.36, 0.5)
    main_text(c, rng, code(rng, pick(rng, ("AA", "99-A9", "AA 9", "AAA", "99 A"))), (left + 0.05, 0.09, 0.93, middle - 0.03), ink, style)
    main_text(c, rng, code(rng, pick(rng, ("9999", "999.99", "AA 99", "99-99", "AAA"))), (left, middle + 0.04, 0.97, 0.92), ink, style)
    return c


def plain(rng: Rng) -> Canvas:
    """Old, military, diplomatic, trade and foil plates: one ground, one row, any colours."""
    pairs = ((BLACK, WHITE),) * 4 + (
        (BLACK, (190, 190, 185)),
        (RED, WHITE),
        (GREEN, WHITE),
        (BLUE, WHITE),
        (WHITE, RED),
        (YELLOW, BLACK),
        (YELLOW, RED),
        ((235, 130, 30), BLACK),
        (WHITE, GREEN),
        (WHITE, BLUE),
        ((130, 190, 230), BLACK),
        ((40, 42, 45), (120, 122, 125)),
    )
    ground, ink = pick(rng, pairs)
    c = board(rng, pick(rng, (4.6, 4.6, 5.6, 3.2, 2.2, 2.0)), ground)
    text = code(
        rng,
        pick(
            rng,
            ("AAA 999", "AA-99-99", "999 AA 99", "AAA 9999", "99 CD 99", "A-99999", "9999 AA", "AA 9999", "999-999", "A 99", "999", "AAA"),
        ),
    )
    main_text(c, rng, text, (0.04, rng.uniform(0.1, 0.3), 0.96, rng.uniform(0.7, 0.9)), ink)
    return c


# weights: how often each layout is drawn; the first five cover most of the world's cars that get photographed
LAYOUTS = [
    (3.0, european),
    (1.8, british),
    (2.6, american),
    (2.0, indian),
    (1.2, indonesian),
    (1.1, mercosur),
    (1.2, chinese),
    (0.9, japanese),
    (1.3, arab),
    (0.7, thai),
    (0.8, russian),
    (0.9, pakistani),
    (1.8, motorbike),
    (1.8, plain),
]


def render_plate(rng: np.random.Generator) -> np.ndarray:
    """A number plate, RGBA uint8 [h, w, 4], 150..340 px wide, aspect ratio about 0.9..6; alpha is straight."""
    return make(LAYOUTS, rng)

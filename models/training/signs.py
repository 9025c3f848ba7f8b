"""Drawn things that carry text or stripes and are no number plates: hard negatives for pasting. render_sign(rng) -> RGBA.

Each differs from a plate in an honest way (round shape, bare letters without a board, long words, script faces,
pictures, several lines of prose, lamps), and several share a plate's colours or shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from glyphs import script
from lettering import KINDS, bare, canvas, colours, face, phrase, solid, word
from plates import BLACK, BLUE, GREEN, RED, WHITE, YELLOW, Rng, near, pick
from wear import age


def badge(rng: Rng):
    """A car maker's or model's letters, chrome or black, straight on the paint."""
    text = pick(
        rng,
        (
            word(rng).upper(),
            word(rng),
            f"{pick(rng, 'ABCQSXGL')}{int(rng.integers(1, 9))}",
            f"{int(rng.integers(1, 9)) * 10}0 {word(rng)[:4].upper()}",
            "4x4",
            "TDI",
            "GLX",
            "Turbo",
        ),
    )
    c, alpha = bare(
        rng, text, near(rng, pick(rng, ((200, 204, 208), (225, 225, 228), (40, 40, 42), RED)), 12), face(rng), rng.uniform(0, 0.6)
    )
    c.rgb *= np.linspace(rng.uniform(0.7, 1.2), rng.uniform(0.6, 1.1), c.height, dtype=np.float32)[:, None, None]
    return c, alpha


def subtitle(rng: Rng):
    """Text burnt into the picture: subtitle, watermark, time stamp."""
    way = rng.random()
    day = f"{int(rng.integers(2005, 2027))}{pick(rng, '-/.')}{int(rng.integers(1, 13)):02d}{pick(rng, '-/.')}{int(rng.integers(1, 29)):02d}"
    clock = f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}"
    if way < 0.45:
        text, ink = (
            pick(rng, (day, f"{day} {clock}", f"{clock}:{int(rng.integers(60)):02d}", f"'{day[2:]}")),
            pick(rng, ((255, 150, 40), WHITE, YELLOW, (250, 90, 40))),
        )
    elif way < 0.75:
        text, ink = phrase(rng, 2, 5), pick(rng, (WHITE, YELLOW))
    else:
        text, ink = pick(rng, ("www.%s.com", "(c) %s", "@%s", "%s Photo")) % word(rng), WHITE
    if way > 0.9:  # on a dark box
        c = canvas(rng, max(2.5, 0.55 * len(text)), BLACK)
        c.text(text, (0.03, 0.2, 0.97, 0.8), ink, face(rng))
        return c, np.full((c.height, c.width), int(rng.integers(140, 256)), np.uint8)
    c, alpha = bare(rng, text, ink, face(rng), rng.choice([0, 0.9]))
    return c, (alpha * rng.uniform(0.35, 1)).astype(np.uint8)


def street(rng: Rng):
    """A street-name sign: one line, mixed case or long capitals, white on blue or green, enamel rim."""
    ground, ink = pick(
        rng, ((BLUE, WHITE), (BLUE, WHITE), (GREEN, WHITE), (WHITE, BLACK), (WHITE, BLUE), ((90, 55, 40), WHITE), (YELLOW, BLACK))
    )
    text = pick(
        rng,
        (
            f"{word(rng)} {pick(rng, KINDS[:4])}",
            f"{pick(rng, KINDS[4:8])} {word(rng)}",
            f"{word(rng)}{pick(rng, ('straße', 'weg', 'gasse'))}",
            phrase(rng, 2, 3),
        ),
    )
    c = canvas(rng, float(np.clip(0.45 * len(text), 3, 7)), near(rng, ground))
    c.text(text, (0.06, 0.24, 0.94, 0.78), near(rng, ink, 6), face(rng), rng.uniform(0.8, 1.1))
    if rng.random() < 0.4:
        c.text(phrase(rng, 2, 4), (0.3, 0.83, 0.7, 0.94), near(rng, ink, 6), face(rng))
    return solid(c, rng, rng.choice([0, 0.1]))


def shop(rng: Rng):
    """A shop front, banner or sticker with a logo and large lettering."""
    ground, ink = colours(rng)
    c = canvas(rng, rng.uniform(1.4, 7), ground)
    if rng.random() < 0.4:
        c.gradient((0, 0, 1, 1), ground, near(rng, ground, 40), rng.random() < 0.5)
    left = 0.04
    if rng.random() < 0.5:
        radius = 0.33 * min(1, c.width / c.height / 3)
        c.disc(0.5 * c.height / c.width * 0.9 + 0.02, 0.5, radius, near(rng, pick(rng, (RED, YELLOW, GREEN, WHITE)), 30))
        c.disc(0.5 * c.height / c.width * 0.9 + 0.02, 0.5, radius * 0.6, ink)
        left = min(0.45, 0.95 * c.height / c.width)
    text = (
        script(rng, pick(rng, ("han", "han", "arabic", "devanagari", "thai")), int(rng.integers(2, 8)))
        if rng.random() < 0.25
        else phrase(rng, 1, 2)
    )
    split = rng.random() < 0.5
    c.text(text, (left, 0.12, 0.96, 0.6 if split else 0.86), ink, face(rng), rng.uniform(0.8, 1.3))
    if split:
        c.text(phrase(rng, 2, 5), (left, 0.7, 0.96, 0.88), ink, face(rng))
    return solid(c, rng, rng.choice([0, 0, 0.1, 0.3]))


def lamps(rng: Rng):
    """A bus or shop display of lamps: line number and destination in dots."""
    c = canvas(rng, rng.uniform(3, 8), (14, 14, 14))
    text = (
        f"{int(rng.integers(1, 999))} {phrase(rng, 1, 2)}"
        if rng.random() < 0.8
        else f"{int(rng.integers(24)):02d}:{int(rng.integers(60)):02d}"
    )
    c.text(
        text,
        (0.04, 0.15, 0.96, 0.85),
        pick(rng, ((255, 150, 20), (255, 190, 60), (255, 60, 40), (240, 245, 255), (90, 255, 90))),
        face(rng),
    )
    step = max(3, c.height // 18)
    dots = np.zeros((c.height, c.width), np.float32)
    dots[::step, ::step] = 1
    dots = cv2.GaussianBlur(dots, (0, 0), step * 0.3)
    c.rgb *= (dots / dots.max())[..., None] ** 0.7
    return solid(c, rng)


def price(rng: Rng):
    """A price tag or label: number with currency, small print, bars."""
    c = canvas(rng, rng.uniform(1.2, 2.6), near(rng, pick(rng, (WHITE, YELLOW, RED, (250, 245, 220))), 10))
    ink = WHITE if sum(c.rgb[0, 0]) < 380 else pick(rng, (BLACK, RED, BLACK))
    c.text(phrase(rng, 1, 3), (0.08, 0.08, 0.7, 0.24), ink, face(rng))
    c.text(
        f"{int(rng.integers(1, 500))}{pick(rng, '.,')}{pick(rng, ('99', '95', '00', '50'))}{pick(rng, ('€', '$', '£', ' kr', ''))}",
        (0.08, 0.34, 0.92, 0.74),
        ink,
        face(rng),
    )
    if rng.random() < 0.6:
        bars = np.repeat(rng.random(40) < 0.5, 4)[: c.width // 2]
        y0, x0 = int(0.8 * c.height), int(0.1 * c.width)
        c.rgb[y0 : int(0.95 * c.height), x0 : x0 + len(bars)][:, bars] = ink
    return solid(c, rng, rng.choice([0, 0.08]))


def page(rng: Rng):
    """A book, notice or newspaper: a heading and lines of prose."""
    ground, ink = colours(rng)
    c = canvas(rng, rng.uniform(0.65, 2.2), ground)
    style, lines, top = face(rng), int(rng.integers(3, 9)), rng.uniform(0.05, 0.3)
    c.text(phrase(rng, 1, 2), (0.08, 0.05, 0.92, max(0.14, top - 0.04)), ink, face(rng))
    for i in range(lines):
        y = max(0.2, top) + i * (0.95 - max(0.2, top)) / lines
        c.text(phrase(rng, 3, 6), (0.08, y, 0.92, y + 0.55 * (0.95 - max(0.2, top)) / lines), ink, style, 1.0, "left")
    return solid(c, rng)


def traffic(rng: Rng):
    """A road sign: round, triangular, octagonal or an arrow board."""
    c, way = canvas(rng, 1.0, (128, 128, 128)), int(rng.integers(4))
    size, mask = c.height, np.zeros((c.height, c.width), np.uint8)
    half, ink = size // 2, BLACK
    if way == 0:
        cv2.circle(mask, (half, half), half - 1, 255, -1, cv2.LINE_AA)
        c.rgb[:] = near(rng, pick(rng, (RED, RED, BLUE)))
        c.disc(0.5, 0.5, 0.38, near(rng, pick(rng, (WHITE, WHITE, YELLOW))))
    else:
        sides, turn = ((3, -90), (8, 22.5), (4, 0))[way - 1]
        angle = np.deg2rad(np.arange(sides) * 360 / sides + turn)
        ring = np.stack([np.cos(angle), np.sin(angle)], 1)
        for scale, colour in ((1.0, near(rng, pick(rng, (RED, RED, BLACK)))), (0.78, near(rng, pick(rng, (WHITE, YELLOW, RED))))):
            corner = np.int32(half + ring * half * scale)
            c.polygon([tuple(p / size) for p in corner], colour)
            if scale == 1.0:
                cv2.fillPoly(mask, [corner], 255, cv2.LINE_AA)
        ink = WHITE if c.rgb[half, half, 1] < 90 else BLACK
    text = pick(
        rng, (str(int(rng.integers(2, 14)) * 10), "STOP", "P", "!", word(rng)[:5].upper(), script(rng, "han", 1), script(rng, "arabic", 2))
    )
    c.text(text, (0.24, 0.36, 0.76, 0.64), ink, face(rng))
    return c, mask


def stripes(rng: Rng):
    """A grille, vent, shutter or fence: bars, sometimes crossed, sometimes with a badge."""
    c = canvas(rng, rng.uniform(1.5, 6), near(rng, pick(rng, (BLACK, BLACK, (60, 60, 62), (150, 152, 155))), 10))
    bar, count = near(rng, pick(rng, ((190, 193, 196), (90, 92, 95), (30, 30, 32), WHITE)), 15), int(rng.integers(4, 26))
    share = rng.uniform(0.2, 0.6)
    way = rng.random()
    for i in range(count):
        if way < 0.6:
            c.gradient((i / count, 0, (i + share) / count, 1), near(rng, bar, 8), tuple(np.multiply(bar, 0.6)))
    for i in range(int(count / 2.5)):
        if way > 0.45:
            n = int(count / 2.5)
            c.gradient((0, i / n, 1, (i + share) / n), near(rng, bar, 8), tuple(np.multiply(bar, 0.5)))
    if rng.random() < 0.3:
        c.disc(0.5, 0.5, rng.uniform(0.2, 0.4), near(rng, (200, 203, 206), 15), ring=max(2, c.height // 15))
    return solid(c, rng, rng.choice([0, 0.1, 0.4]))


def keys(rng: Rng):
    """A keyboard, keypad, tiles or crossword: a grid of framed single characters."""
    ground, ink = pick(rng, ((BLACK, WHITE), (WHITE, BLACK), ((200, 190, 170), BLACK)))
    c, rows = canvas(rng, rng.uniform(1.0, 4), near(rng, (120, 120, 122), 40)), int(rng.integers(2, 5))
    columns = max(2, round(rows * c.width / c.height * rng.uniform(0.8, 1.2)))
    style = face(rng)
    for row in range(rows):
        for column in range(columns):
            x, y, w, h = column / columns, row / rows, 1 / columns, 1 / rows
            c.fill((x + 0.08 * w, y + 0.08 * h, x + 0.92 * w, y + 0.92 * h), near(rng, ground, 6))
            c.text(chr(65 + int(rng.integers(26))), (x + 0.25 * w, y + 0.25 * h, x + 0.75 * w, y + 0.7 * h), ink, style)
    return solid(c, rng)


KINDS_OF_SIGN = (
    (2.0, street),
    (2.5, shop),
    (1.8, badge),
    (1.8, subtitle),
    (1.0, lamps),
    (1.2, price),
    (1.0, page),
    (1.0, traffic),
    (1.6, stripes),
    (0.7, keys),
)


def render_sign(rng: np.random.Generator) -> np.ndarray:
    """Something that is no number plate, RGBA uint8 [h, w, 4], 110..300 px wide; alpha is straight."""
    weights = np.array([w for w, _ in KINDS_OF_SIGN])
    c, alpha = KINDS_OF_SIGN[int(rng.choice(len(weights), p=weights / weights.sum()))][1](rng)
    return age(c.rgb, alpha, rng, 0.7)

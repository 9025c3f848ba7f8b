"""The kit for drawing number plates: faces, colours, registrations, borders, bolts and holders.

Registrations are random characters and belong to nobody on purpose.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glyphs import Canvas, Colour, Style, font_files
from wear import age, rounded

LETTERS, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
STATES = """ALABAMA ALASKA ARIZONA California COLORADO Connecticut DELAWARE FLORIDA GEORGIA HAWAII IDAHO Illinois INDIANA IOWA KANSAS
KENTUCKY Louisiana MAINE MARYLAND Massachusetts Michigan MINNESOTA Missouri MONTANA NEBRASKA NEVADA OHIO OKLAHOMA OREGON
PENNSYLVANIA TENNESSEE TEXAS Utah VERMONT VIRGINIA WASHINGTON Wisconsin WYOMING ONTARIO QUEBEC ALBERTA QUEENSLAND VICTORIA""".split()
WORDS = """SUNSHINE STATE GARDEN LAKES GREAT FAMOUS BEAUTIFUL FIRST FLIGHT MOTORS AUTO CENTER SALES DRIVE LAND OF FREEDOM THE SPIRIT
NATURE CITY CLUB AUTOHAUS GROUP WILD SERVICE TRUE NORTH EXPLORE COAST""".split()
BLACK, WHITE, BLUE, RED, GREEN, YELLOW = (18, 18, 20), (236, 237, 235), (18, 62, 160), (185, 25, 35), (20, 105, 60), (248, 196, 20)
Rng = np.random.Generator


def pick(rng: Rng, items):
    """One of items; np.random.choice would turn tuples into arrays."""
    return items[int(rng.integers(len(items)))]


def near(rng: Rng, colour: Colour, spread: float = 9) -> Colour:
    """The colour with a random print and lighting difference."""
    return tuple(np.clip(np.asarray(colour) + rng.normal(0, spread, 3) + rng.normal(0, spread), 0, 255))


def code(rng: Rng, pattern: str) -> str:
    """A registration: A a letter, 9 a digit, ? either, everything else as written."""
    sets = {"A": LETTERS, "9": DIGITS, "?": LETTERS + DIGITS}
    return "".join(pick(rng, sets[c]) if c in sets else c for c in pattern)


def slogan(rng: Rng) -> str:
    return " ".join(pick(rng, WORDS) for _ in range(int(rng.integers(1, 4))))


def die(rng: Rng) -> Style:
    """A face such as plates are pressed or printed with: upright sans serif, mostly bold."""
    if rng.random() < 0.3:
        return Style(f"hershey:{pick(rng, (0, 0, 2))}", int(rng.integers(6, 11)), rng.uniform(0.02, 0.2), rng.random() < 0.5)
    bold = [
        f
        for f in font_files()
        if "bold" in f.lower() and "italic" not in f.lower() and "oblique" not in f.lower() and "serif" not in f.lower()
    ]
    plain = [
        f
        for f in font_files()
        if "sans" in f.lower() and "extralight" not in f.lower() and "oblique" not in f.lower() and "italic" not in f.lower()
    ]
    way = rng.random()
    if way < 0.6 and bold:
        return Style(pick(rng, bold), int(rng.choice([0, 0, 1])), rng.uniform(0, 0.2), rng.random() < 0.4)
    if way < 0.85 and plain:
        return Style(pick(rng, plain), int(rng.choice([1, 2, 3])), rng.uniform(0.02, 0.25), rng.random() < 0.4)
    return Style("", int(rng.choice([1, 2, 3])), rng.uniform(0.02, 0.2), rng.random() < 0.3)


def small(rng: Rng) -> Style:
    files = [f for f in font_files() if "mono" not in f.lower()]
    return Style(pick(rng, files) if files and rng.random() < 0.8 else "", int(rng.choice([0, 1, 2])), rng.uniform(0, 0.15))


def board(rng: Rng, aspect: float, ground: Colour, spread: float = 9) -> Canvas:
    """An empty plate of width/height aspect, 200..320 px wide (square ones 150..220)."""
    width = int(rng.integers(200, 321)) if aspect > 1.6 else int(rng.integers(150, 221))
    return Canvas(width, max(30, round(width / (aspect * rng.uniform(0.93, 1.07)))), near(rng, ground, spread))


def main_text(c: Canvas, rng: Rng, text: str, rect, ink: Colour, style: Style | None = None, align: str = "centre") -> None:
    c.text(
        text, rect, near(rng, ink, 6), style or die(rng), rng.uniform(0.72, 1.12), align, rng.uniform(0, 45) if rng.random() < 0.6 else 0
    )


def band(c: Canvas, rng: Rng, x0: float, x1: float, colour: Colour = BLUE) -> None:
    """The country band of European plates: ring of stars and country letters."""
    c.fill((x0, 0, x1, 1), near(rng, colour))
    mid = (x0 + x1) / 2
    if rng.random() < 0.8:
        c.disc(mid, 0.32, 0.17, near(rng, YELLOW), ring=max(1, c.height // 30))
    c.text(code(rng, pick(rng, ("A", "AA", "AAA", "A"))), (x0 + 0.01, 0.6, x1 - 0.01, 0.88), WHITE, small(rng))


def make(layouts: list[tuple[float, Callable[[Rng], Canvas]]], rng: Rng) -> np.ndarray:
    """One plate of the weighted layouts with border, bolts, frame and wear: RGBA uint8 [h, w, 4]."""
    weights = np.array([w for w, _ in layouts])
    c = layouts[int(rng.choice(len(layouts), p=weights / weights.sum()))][1](rng)
    short = min(c.height, c.width)
    if rng.random() < 0.55:
        colour, line = (
            near(rng, pick(rng, (BLACK, BLACK, (120, 120, 120), WHITE, BLUE, RED)), 12),
            int(rng.integers(1, max(2, short // 28) + 1)),
        )
        edge = int(rng.integers(0, max(1, short // 22) + 1))
        inner = np.zeros((c.height, c.width), np.float32)
        h, w = c.height - 2 * edge, c.width - 2 * edge
        inner[edge : edge + h, edge : edge + w] = rounded(h, w, short * 0.07).astype(np.float32) / 255
        inner[edge + line : edge + h - line, edge + line : edge + w - line] *= (
            1 - rounded(h - 2 * line, w - 2 * line, short * 0.06).astype(np.float32) / 255
        )
        c.blend(inner, 0, 0, colour)
    if rng.random() < 0.5:
        shade = near(rng, pick(rng, ((70, 70, 70), (160, 160, 158), (220, 220, 220), (30, 30, 30), (120, 80, 50))), 15)
        x, y = rng.uniform(0.04, 0.3), pick(rng, (0.1, 0.5, 0.9, 0.12))
        for px in (x, 1 - x):
            for py in {y} if rng.random() < 0.7 else {y, 1 - y}:
                c.disc(px, py, rng.uniform(0.022, 0.045) * min(1.0, c.width / c.height), shade)
    if rng.random() < 0.3:
        c = framed(c, rng)
    alpha = rounded(c.height, c.width, rng.uniform(0.01, 0.1) * min(c.height, c.width))
    return age(c.rgb, alpha, rng)


def framed(c: Canvas, rng: Rng) -> Canvas:
    """Puts the plate into a holder, thicker below, often with a dealer's text."""
    side = int(rng.uniform(0.02, 0.07) * c.height) + 1
    low = side + (int(rng.uniform(0.08, 0.17) * c.height) if rng.random() < 0.6 else 0)
    top = side + (int(rng.uniform(0.08, 0.15) * c.height) if rng.random() < 0.15 else 0)
    ground = near(rng, pick(rng, (BLACK, BLACK, BLACK, (190, 192, 195), (60, 60, 62), BLUE, RED)), 8)
    out = Canvas(c.width + 2 * side, c.height + top + low, ground)
    out.rgb[top : top + c.height, side : side + c.width] = c.rgb
    ink = WHITE if sum(ground) < 400 else BLACK
    if low > side:
        out.text(slogan(rng), (0.12, 1 - 0.85 * low / out.height, 0.88, 1 - 0.2 * low / out.height), ink, small(rng), 1.3)
    if top > side:
        out.text(slogan(rng), (0.2, 0.2 * top / out.height, 0.8, 0.85 * top / out.height), ink, small(rng), 1.3)
    return out

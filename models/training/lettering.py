"""Invented words, faces, grounds and bare letters for the drawing of signs."""

from __future__ import annotations

import cv2
import numpy as np

from glyphs import Canvas, Style, font_files
from plates import BLACK, BLUE, GREEN, RED, WHITE, YELLOW, Rng, near, pick
from wear import rounded

SYLLABLES = "to yo ta vo lk ma z da bar ket ri ca fe el son mer ce len na ford ki ash ing ton park mo re lu x pan co ni sa ber st ra hot el shop bank".split()
KINDS = (
    "Street",
    "Road",
    "Ave",
    "Lane",
    "straße",
    "Rue de",
    "Via",
    "Plaza",
    "Hotel",
    "Café",
    "Bar",
    "SHOP",
    "Sale",
    "Bank",
    "Pizza",
    "Taxi",
    "EXIT",
    "OPEN",
    "Police",
    "Bus",
    "Auto",
)


def word(rng: Rng) -> str:
    """An invented word of 3..12 letters in random case."""
    text = "".join(pick(rng, SYLLABLES) for _ in range(int(rng.integers(2, 5))))[:12]
    return pick(rng, (text.upper(), text.capitalize(), text.capitalize(), text))


def phrase(rng: Rng, low: int = 1, high: int = 3) -> str:
    words = [pick(rng, KINDS) if rng.random() < 0.3 else word(rng) for _ in range(int(rng.integers(low, high + 1)))]
    return " ".join(words)


def face(rng: Rng) -> Style:
    files = font_files()
    if rng.random() < 0.15:
        return Style(f"hershey:{pick(rng, (0, 2, 3, 4, 6, 7))}", int(rng.integers(3, 9)), rng.uniform(-0.02, 0.1))
    return Style(
        pick(rng, files) if files else "", int(rng.choice([0, 0, 0, 1, 2])), rng.uniform(-0.04, 0.2), False, rng.choice([0, 0, 0, 0.25])
    )


def colours(rng: Rng):
    """A ground and an ink that contrast."""
    ground = near(
        rng, pick(rng, (WHITE, WHITE, BLACK, BLUE, RED, GREEN, YELLOW, (225, 120, 30), (90, 60, 40), (200, 200, 190), (110, 40, 110))), 25
    )
    ink = pick(rng, (WHITE, YELLOW, (240, 225, 190))) if sum(ground) < 400 else pick(rng, (BLACK, RED, BLUE, (60, 40, 30), GREEN))
    return ground, near(rng, ink, 10)


def canvas(rng: Rng, aspect: float, ground) -> Canvas:
    width = int(rng.integers(180, 300)) if aspect > 1.3 else int(rng.integers(110, 190))
    return Canvas(width, max(18, round(width / aspect)), ground)


def solid(c: Canvas, rng: Rng, radius: float = 0.0) -> tuple[Canvas, np.ndarray]:
    return c, rounded(c.height, c.width, max(0.5, radius * min(c.height, c.width)))


def bare(rng: Rng, text: str, ink, style: Style, outline: float = 0.0) -> tuple[Canvas, np.ndarray]:
    """Letters without a board; outline 0..1 is the opacity of a dark rim."""
    c = canvas(rng, float(np.clip(0.62 * len(text), 1.2, 9)), (0, 0, 0))
    mask = Canvas(c.width, c.height, (0, 0, 0))
    mask.text(text, (0.02, 0.1, 0.98, 0.9), (255, 255, 255), style)
    alpha = mask.rgb[..., 0]
    c.blend(alpha / 255, 0, 0, ink)
    if outline:
        alpha = np.maximum(alpha, cv2.dilate(alpha, np.ones((5, 5), np.uint8)) * outline)
    else:
        c.rgb[:] = ink
    return c, alpha.clip(0, 255).astype(np.uint8)

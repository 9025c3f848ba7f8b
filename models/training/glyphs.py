"""Text and canvas primitives for drawn number plates and signs.

Colours are RGB 0..255; rectangles are fractions (x0, y0, x1, y1) of the canvas; masks are float32 0..1.
Fonts: whatever TrueType files the machine offers, Pillow's built-in font and OpenCV's Hershey strokes. Scripts without
a font (Han, Arabic, Thai, Devanagari) are stand-ins of random strokes, one stable drawing per code point of the
private use area, because the detector must know the look of a plate, not its reading.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

EM = 64  # px: every glyph is drawn once at this size and resized afterwards
SCRIPTS = {"han": 0xE000, "arabic": 0xE400, "thai": 0xE800, "devanagari": 0xEC00}
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts")
Colour = tuple[float, float, float]
Rect = tuple[float, float, float, float]
_folders: list[str] = list(FONT_FOLDERS)


def use_fonts(folder: str) -> None:
    """Adds a folder of .ttf/.otf files to those that are searched. Call before the first drawing."""
    if not Path(folder).is_dir():
        raise ValueError(f"Expected a folder of fonts for --fonts but received {folder}")
    _folders.append(folder)
    font_files.cache_clear()


@lru_cache(maxsize=1)
def font_files() -> tuple[str, ...]:
    """Paths of the usable Latin fonts; symbol, mathematics and non-Latin fonts are left out. At most 200."""
    found = {os.path.join(d, f) for top in _folders for d, _, files in os.walk(top) for f in files if f.lower().endswith((".ttf", ".otf"))}
    words = ("symbol", "math", "emoji", "ding", "d050000", "icon", "cjk", "noto")
    named = sorted(p for p in found if not any(w in os.path.basename(p).lower() for w in words))
    return tuple(p for p in named if _has_latin(p))[:200]


def _has_latin(path: str) -> bool:
    """False for a file that cannot be read or that draws one box for every missing letter."""
    try:
        face = ImageFont.truetype(path, 16)
    except OSError:
        return False
    return len({bytes(face.getmask(c)) for c in "AB1z"}) == 4


@dataclass(frozen=True)
class Style:
    """How a line of text is drawn. font: a path, "" for Pillow's own, or "hershey:N"."""

    font: str = ""
    stroke: int = 0  # px of EM added around the outline (Hershey: pen width)
    tracking: float = 0.06  # extra advance between glyphs, in EM
    mono: bool = False  # equal advance for every glyph, as embossed dies have
    slant: float = 0.0


@lru_cache(maxsize=256)
def _font(path: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, EM) if path else ImageFont.load_default(EM)


@lru_cache(maxsize=20000)
def _glyph(char: str, font: str, stroke: int) -> np.ndarray:
    """One glyph on a common baseline: uint8 [EM*1.5, advance]."""
    height = EM * 3 // 2
    if 0xE000 <= ord(char) < 0xF000:
        return _scribble(ord(char), max(3, 4 + stroke), height)
    if font.startswith("hershey:"):
        face, pen, scale = int(font[8:]), max(2, stroke), EM / 30
        width = cv2.getTextSize(char, face, scale, pen)[0][0] + pen
        out = np.zeros((height, width), np.uint8)
        cv2.putText(out, char, (pen // 2, EM + 4), face, scale, 255, pen, cv2.LINE_AA)
        return out
    face_ = _font(font)
    width = max(4, int(face_.getlength(char)) + 2 * stroke)
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((stroke, EM + 4), char, 255, font=face_, anchor="ls", stroke_width=stroke)
    return np.asarray(image)


def _scribble(code: int, pen: int, height: int) -> np.ndarray:
    """A stand-in for a character of a script without a font; the same for the same code point."""
    rng = np.random.default_rng(code)
    script = (code - 0xE000) // 0x400
    width = (60, 44, 40, 46)[script]
    out = np.zeros((height, width), np.uint8)
    top, low = EM + 4 - 52, EM + 4
    point = lambda: (int(rng.integers(4, width - 4)), int(rng.integers(top, low)))
    if script == 0:
        for _ in range(int(rng.integers(4, 9))):
            (x, y), (x2, y2) = point(), point()
            way = rng.integers(5)
            end = (x2, y) if way < 2 else (x, y2) if way < 4 else (x2, y2)
            cv2.line(out, (x, y), end, 255, pen, cv2.LINE_AA)
        if rng.random() < 0.4:
            cv2.rectangle(out, (6, top + 8), (width - 6, low - 6), 255, pen)
    else:
        centre = (width // 2, (top + low) // 2)
        axes = (int(rng.integers(8, width // 2)), int(rng.integers(8, 24)))
        cv2.ellipse(out, centre, axes, int(rng.integers(360)), 0, int(rng.integers(150, 330)), 255, pen, cv2.LINE_AA)
        cv2.line(out, point(), (centre[0], low if script == 2 else centre[1]), 255, pen, cv2.LINE_AA)
        if script == 1:
            cv2.line(out, (0, centre[1] + 14), (width, centre[1] + 14), 255, pen + 1)
            for _ in range(int(rng.integers(0, 4))):
                cv2.circle(out, point(), pen, 255, -1, cv2.LINE_AA)
        if script == 3:
            cv2.line(out, (0, top), (width, top), 255, pen)
    return out


def script(rng: np.random.Generator, name: str, count: int) -> str:
    """count random stand-in characters of a script of SCRIPTS."""
    return "".join(chr(SCRIPTS[name] + int(i)) for i in rng.integers(0, 400, count))


def text_mask(text: str, style: Style) -> np.ndarray:
    """The ink of one line, cropped: uint8 [h, w] at EM scale."""
    glyphs = [np.zeros((EM * 3 // 2, EM // 3), np.uint8) if c == " " else _glyph(c, style.font, style.stroke) for c in text]
    gap = int(style.tracking * EM)
    cell = max(g.shape[1] for g in glyphs)
    advance = [cell if style.mono and c != " " else g.shape[1] for g, c in zip(glyphs, text)]
    out = np.zeros((EM * 3 // 2, sum(advance) + max(0, gap) * len(glyphs) + cell), np.uint8)
    x = 0
    for glyph, step in zip(glyphs, advance):
        start = x + (step - glyph.shape[1]) // 2
        part = out[:, start : start + glyph.shape[1]]
        np.maximum(part, glyph[:, : part.shape[1]], out=part)
        x += max(2, step + gap)
    if style.slant:
        shift = np.float32([[1, -style.slant, style.slant * EM], [0, 1, 0]])
        out = cv2.warpAffine(out, shift, (out.shape[1] + EM, out.shape[0]))
    rows, columns = np.flatnonzero(out.max(1)), np.flatnonzero(out.max(0))
    if not len(rows):
        return np.zeros((8, 8), np.uint8)
    return out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


class Canvas:
    """A drawing surface: rgb float32 [height, width, 3]."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.width, self.height = width, height
        self.rgb = np.empty((height, width, 3), np.float32)
        self.rgb[:] = colour

    def pixels(self, rect: Rect) -> tuple[int, int, int, int]:
        """The rectangle in whole px, at least 1 px large."""
        x0, y0 = int(rect[0] * self.width), int(rect[1] * self.height)
        return x0, y0, max(x0 + 1, round(rect[2] * self.width)), max(y0 + 1, round(rect[3] * self.height))

    def fill(self, rect: Rect, colour: Colour) -> None:
        x0, y0, x1, y1 = self.pixels(rect)
        self.rgb[y0:y1, x0:x1] = colour

    def gradient(self, rect: Rect, first: Colour, last: Colour, across: bool = False) -> None:
        """A linear change of colour, downwards or across."""
        x0, y0, x1, y1 = self.pixels(rect)
        t = np.linspace(0, 1, (x1 - x0) if across else (y1 - y0), dtype=np.float32)[:, None]
        ramp = np.float32(first) * (1 - t) + np.float32(last) * t
        self.rgb[y0:y1, x0:x1] = (ramp[None] if across else ramp[:, None])[: y1 - y0, : max(0, self.width - x0)]

    def blend(self, mask: np.ndarray, x: int, y: int, colour: Colour) -> None:
        """Lays colour over the canvas where mask (float32 0..1), placed at px (x, y), is set; clipped to the canvas."""
        h, w = mask.shape
        cx, cy = max(0, -x), max(0, -y)
        part = self.rgb[max(0, y) : y + h, max(0, x) : x + w]
        m = mask[cy : cy + part.shape[0], cx : cx + part.shape[1], None]
        if m.size:
            part += (np.float32(colour) - part[: m.shape[0], : m.shape[1]]) * m

    def disc(self, cx: float, cy: float, radius: float, colour: Colour, ring: int = 0) -> None:
        """A disc, or a ring of ring px; radius in fractions of the height."""
        mask = np.zeros((self.height, self.width), np.uint8)
        centre = (int(cx * self.width), int(cy * self.height))
        cv2.circle(mask, centre, max(1, int(radius * self.height)), 255, ring or -1, cv2.LINE_AA)
        self.blend(mask.astype(np.float32) / 255, 0, 0, colour)

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        mask = np.zeros((self.height, self.width), np.uint8)
        px = np.int32([[x * self.width, y * self.height] for x, y in points])
        cv2.fillPoly(mask, [px], 255, cv2.LINE_AA)
        self.blend(mask.astype(np.float32) / 255, 0, 0, colour)

    def text(
        self, text: str, rect: Rect, colour: Colour, style: Style, stretch: float = 1.0, align: str = "centre", emboss: float = 0.0
    ) -> None:
        """Writes one line into rect: full height, width scaled by stretch and squeezed where it does not fit.

        emboss: 0..60 grey levels of light and shade along the edges, as pressed metal has.
        """
        if not text.strip():
            return
        x0, y0, x1, y1 = self.pixels(rect)
        ink = text_mask(text, style)
        height = y1 - y0
        natural = max(2, int(ink.shape[1] / ink.shape[0] * height * stretch))
        width = max(2, min(x1 - x0, natural))
        mask = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        x = {"left": x0, "right": x1 - width}.get(align, (x0 + x1 - width) // 2)
        if emboss:
            wide = cv2.copyMakeBorder(mask, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
            self.blend(np.clip(np.roll(wide, 1, (0, 1)) - wide, 0, 1) * emboss / 100, x - 2, y0 - 2, (10, 10, 10))
            self.blend(np.clip(np.roll(wide, -1, (0, 1)) - wide, 0, 1) * emboss / 100, x - 2, y0 - 2, (255, 255, 255))
        self.blend(mask, x, y0, colour)

"""What happens to a plate or sign after it is made: dirt, scratches, shadow, glare, night, fading, bends.

Patches are RGBA uint8 [h, w, 4] with straight (not premultiplied) alpha.
"""

from __future__ import annotations

import cv2
import numpy as np


def clouds(rng: np.random.Generator, height: int, width: int, cells: int = 4) -> np.ndarray:
    """Smooth noise 0..1, float32 [height, width], with about cells bumps along the short side."""
    across = max(2, round(cells * width / max(1, height)))
    return cv2.resize(rng.random((max(2, cells), across), dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def rounded(height: int, width: int, radius: float) -> np.ndarray:
    """Alpha of a rectangle with rounded corners (radius in px), uint8 [height, width]."""
    y = np.maximum(np.abs(np.arange(height) - (height - 1) / 2) - (height / 2 - radius), 0)[:, None]
    x = np.maximum(np.abs(np.arange(width) - (width - 1) / 2) - (width / 2 - radius), 0)[None]
    return (np.clip(radius - np.hypot(x, y) + 0.5, 0, 1) * 255).astype(np.uint8)


def _dirt(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    cover = clouds(rng, h, w, int(rng.integers(2, 7))) ** rng.uniform(1, 3)
    if rng.random() < 0.5:
        cover *= np.linspace(0.2, 1.2, h, dtype=np.float32)[:, None]
    brown = np.float32(rng.choice([[95, 80, 62], [120, 110, 98], [60, 52, 44], [140, 120, 90]])) * rng.uniform(0.7, 1.2)
    rgb += (brown - rgb) * (cover * rng.uniform(0.15, 0.8)).clip(0, 0.85)[..., None]


def _specks(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    for _ in range(int(rng.integers(2, 16))):
        centre = (int(rng.integers(w)), int(rng.integers(h)))
        shade = float(rng.uniform(20, 110))
        cv2.circle(rgb, centre, int(rng.integers(1, max(2, h // 30))), (shade, shade * 0.9, shade * 0.75), -1, cv2.LINE_AA)


def _scratches(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    for _ in range(int(rng.integers(1, 9))):
        x, y = int(rng.integers(w)), int(rng.integers(h))
        end = (x + int(rng.normal(0, w / 5)), y + int(rng.normal(0, h / 4)))
        shade = float(rng.choice([60, 130, 200, 240]))
        cv2.line(rgb, (x, y), end, (shade, shade, shade), 1, cv2.LINE_AA)


def _worn(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    spots = (clouds(rng, h, w, int(rng.integers(6, 16))) - rng.uniform(0.6, 0.8)).clip(0, 0.12) / 0.12
    ground = np.median(rgb[::4, ::4].reshape(-1, 3), 0)
    rgb += (ground - rgb) * (spots * rng.uniform(0.4, 1))[..., None]


def _shadow(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    mask = np.zeros((h, w), np.float32)
    if rng.random() < 0.5:  # the overhang of a bumper or boot lid
        depth = rng.uniform(0.1, 0.7) * h
        points = [[0, 0], [w, 0], [w, depth * rng.uniform(0.6, 1.4)], [0, depth]]
    else:
        points = rng.uniform(-0.3, 1.3, (4, 2)) * (w, h)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.int32(points)), 1.0)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.8, h / 8 + 1))
    rgb *= 1 - (mask * rng.uniform(0.2, 0.65))[..., None]


def _slope(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    x = np.linspace(-1, 1, w, dtype=np.float32)[None] * rng.normal(0, 0.2)
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None] * rng.normal(0, 0.2)
    rgb *= (1 + x + y).clip(0.3, 1.6)[..., None]


def _glare(rgb: np.ndarray, rng: np.random.Generator) -> None:
    h, w = rgb.shape[:2]
    mask = np.zeros((h, w), np.float32)
    centre = (int(rng.integers(w)), int(rng.integers(h)))
    axes = (int(rng.uniform(0.05, 0.45) * w), int(rng.uniform(0.1, 0.7) * h))
    cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(3, h / 4 + 4))
    rgb += (255 - rgb) * (mask * rng.uniform(0.3, 0.95))[..., None]


def _night(rgb: np.ndarray, rng: np.random.Generator) -> None:
    way = rng.random()
    if way < 0.45:  # dim, lamp-coloured
        rgb *= np.float32([1, rng.uniform(0.75, 1), rng.uniform(0.5, 1.05)]) * rng.uniform(0.12, 0.5)
    elif way < 0.75:  # retroreflection: the ground burns out, the characters thin
        rgb *= rng.uniform(1.3, 2.2)
        rgb += rng.uniform(0, 40)
    else:  # infrared camera: grey
        rgb[:] = rgb.mean(2, keepdims=True) * rng.uniform(0.5, 1.3)


def _fade(rgb: np.ndarray, rng: np.random.Generator) -> None:
    mean = rgb.mean((0, 1))
    rgb += (mean - rgb) * rng.uniform(0.15, 0.6)


STEPS = (
    (_worn, 0.12),
    (_dirt, 0.4),
    (_specks, 0.2),
    (_scratches, 0.15),
    (_fade, 0.15),
    (_slope, 0.7),
    (_shadow, 0.25),
    (_glare, 0.12),
    (_night, 0.12),
)


def bend(rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bends a patch along a wave of up to 6 % of its height; the result is cropped to what is opaque."""
    h, w = rgba.shape[:2]
    pad = max(1, int(0.07 * h))
    padded = cv2.copyMakeBorder(rgba, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    y, x = np.mgrid[0 : padded.shape[0], 0 : padded.shape[1]].astype(np.float32)
    wave = np.sin(x / w * np.pi * rng.uniform(0.7, 2.5) + rng.uniform(0, 6)) * rng.uniform(-0.06, 0.06) * h
    corner = (np.maximum(0, x / w - rng.uniform(0.6, 0.95)) * rng.uniform(-0.3, 0.3) * h).astype(np.float32)
    out = cv2.remap(padded, x, y + wave.astype(np.float32) + corner, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    least = 0.4 * out[..., 3].max()  # watermarks are faint all over
    rows, columns = np.flatnonzero(out[..., 3].max(1) >= least), np.flatnonzero(out[..., 3].max(0) >= least)
    return out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def age(rgb: np.ndarray, alpha: np.ndarray, rng: np.random.Generator, amount: float = 1.0) -> np.ndarray:
    """Applies a random choice of the steps to rgb float32 [h, w, 3] (changed) and joins alpha uint8 [h, w] to RGBA."""
    for step, chance in STEPS:
        if rng.random() < chance * amount:
            step(rgb, rng)
    rgba = np.dstack([rgb.clip(0, 255).astype(np.uint8), alpha])
    return bend(rgba, rng) if rng.random() < 0.12 * amount else rgba

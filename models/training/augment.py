"""What cameras, scalers and codecs do to a picture. RGB uint8 HWC in and out."""

from __future__ import annotations

import cv2
import numpy as np


def _tone(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, contrast, gamma and colour cast, by table."""
    x = np.linspace(0, 1, 256)
    gain = rng.uniform(0.12, 0.5) if rng.random() < 0.1 else rng.uniform(0.65, 1.35)
    curve = np.clip(x * gain, 0, 1) ** rng.uniform(0.7, 1.4)
    curve = (curve - 0.5) * rng.uniform(0.7, 1.25) + 0.5 + rng.uniform(-0.08, 0.08)
    cast = rng.uniform(0.88, 1.12, 3)
    table = np.clip(curve[:, None] * cast * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table[None])


def _saturation(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = 0.0 if rng.random() < 0.25 else rng.uniform(0.3, 1.5)
    return cv2.addWeighted(image, share, grey, 1 - share, 0)


def _motion(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = int(rng.integers(3, 9)) | 1
    kernel = np.zeros((n, n), np.float32)
    angle = rng.uniform(0, np.pi)
    d = np.array([np.cos(angle), np.sin(angle)]) * (n // 2)
    m = n // 2
    cv2.line(kernel, tuple(int(v) for v in np.round(m - d)), tuple(int(v) for v in np.round(m + d)), 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def _coarse(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    h, w = image.shape[:2]
    f = rng.uniform(0.4, 0.85)
    small = cv2.resize(image, (max(8, int(w * f)), max(8, int(h * f))), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (w, h), interpolation=int(rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST), p=(0.5, 0.4, 0.1))))


def _noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sigma = rng.uniform(2, 18)
    noise = np.empty(image.shape, np.int8)
    # One table of noise at a random place is enough and ten times cheaper than new numbers per pixel.
    table = rng.normal(0, sigma, image.shape[1] * 3 + 4096).clip(-127, 127).astype(np.int8)
    for y, start in enumerate(rng.integers(0, 4096, image.shape[0])):
        noise[y] = table[start : start + image.shape[1] * 3].reshape(-1, 3)
    return cv2.add(image, noise, dtype=cv2.CV_8U)


def _jpeg(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    quality = int(rng.integers(25, 92))
    return cv2.imdecode(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1], cv2.IMREAD_COLOR)


def photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random chain of the above, in the order in which a camera would apply them."""
    steps = ((0.75, _tone), (0.25, _saturation), (0.06, _motion), (0.18, _coarse), (0.2, _noise), (0.25, _jpeg))
    for chance, step in steps:
        if rng.random() < chance:
            image = step(image, rng)
    return image

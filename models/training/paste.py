"""Pasting of a patch into a photograph so that only its content tells it from what was there: paste(...)."""

from __future__ import annotations

import cv2
import numpy as np


def view(aspect: float, rng: np.random.Generator, tilt: float) -> np.ndarray:
    """Corners (clockwise from top left) of a board of aspect x 1 seen by a camera: float64 [4, 2], centred, mean edge height 1."""
    yaw = np.deg2rad(rng.normal(0, 24) * tilt).clip(-1.05, 1.05)
    pitch = np.deg2rad(rng.normal(0, 9) * tilt).clip(-0.5, 0.5)
    roll = np.deg2rad(rng.normal(0, 3 if rng.random() < 0.85 else 14) * tilt)
    board = np.array([[-aspect, -1, 0], [aspect, -1, 0], [aspect, 1, 0], [-aspect, 1, 0]]) / 2
    (sy, cy), (sp, cp), (sr, cr) = ((np.sin(a), np.cos(a)) for a in (yaw, pitch, roll))
    turned = board @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]).T @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]]).T
    distance = rng.uniform(2.5, 12) * max(1.0, aspect)
    flat = turned[:, :2] * (distance / (distance + turned[:, 2:]))
    flat[:, 1] += flat[:, 0] * np.sin(yaw) * rng.uniform(-0.25, 0.25)  # the skew of a camera above or below the road
    flat = flat @ np.array([[cr, sr], [-sr, cr]])
    edges = (np.linalg.norm(flat[3] - flat[0]) + np.linalg.norm(flat[2] - flat[1])) / 2
    return flat / edges


def scene_blur(around: np.ndarray) -> float:
    """Sigma in px of the sharpest edge near the place, from a uint8 RGB window; 0.4..2.5."""
    grey = np.ascontiguousarray(around[..., 1])
    if grey.shape[0] > 96:  # enough rows to know
        grey = grey[grey.shape[0] // 2 - 48 : grey.shape[0] // 2 + 48]
    slope = max(cv2.norm(grey[:, 1:], grey[:, :-1], cv2.NORM_INF), cv2.norm(grey[1:], grey[:-1], cv2.NORM_INF), 8.0)
    low, high, _, _ = cv2.minMaxLoc(cv2.blur(grey, (3, 3)))
    return float(np.clip(min(high - low, 160.0) / (slope * 2.5) - 0.15, 0.4, 2.5))


def light(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Factors per RGB channel that bring a patch under the light of a place with this mean RGB: float64 [3]."""
    level = float(mean.mean()) + 1
    # the place may be dark paint in full sun, or shade: hence a random share of its level and of its cast
    gain = np.clip((level / 110) ** rng.uniform(0.1, 0.7), 0.3, 1.25) * rng.uniform(0.75, 1.15)
    return gain * np.clip((mean + 12) / (level + 12), 0.6, 1.5) ** rng.uniform(0, 0.35)


_TILE = np.random.default_rng(0).standard_normal((1024, 1024)).astype(np.float32)  # drawing it anew costs more than the warp


def grain(shape: tuple[int, int], cover: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sensor noise of sigma 0.5..6 grey levels where cover (uint8) is opaque: int16 [h, w, 3]."""
    h, w = shape
    y, x = int(rng.integers(max(1, 1024 - h))), int(rng.integers(max(1, 1024 - w)))
    tile = _TILE[y : y + h, x : x + w]
    if tile.shape != (h, w):
        tile = cv2.resize(tile, (w, h))
    noise = cv2.multiply(tile, cover, scale=rng.uniform(0.5, 6) / 255, dtype=cv2.CV_16S)
    return cv2.merge([noise] * 3)


def tighten(box: list[float], cover: np.ndarray, x0: int, y0: int) -> list[float]:
    """Shrinks the quadrilateral's box to the opaque px of cover (at x0, y0), for bent boards and bare letters."""
    opaque = cv2.boundingRect((cover > 127).view(np.uint8))
    if opaque[2] < 2 or opaque[3] < 2:
        return box
    bounds = (x0 + opaque[0] - 0.5, y0 + opaque[1] - 0.5, x0 + opaque[0] + opaque[2] + 0.5, y0 + opaque[1] + opaque[3] + 0.5)
    return [max(box[0], bounds[0]), max(box[1], bounds[1]), min(box[2], bounds[2]), min(box[3], bounds[3])]


def paste(
    image: np.ndarray,
    patch: np.ndarray,
    rng: np.random.Generator,
    height_px: float,
    centre: tuple[float, float],
    *,
    tilt: float = 1.0,
    flat: bool = False,
) -> list[float]:
    """Draws patch into image, in place, and returns the box of its quadrilateral.

    image: uint8 [H, W, 3] RGB, contiguous. patch: RGBA uint8 [h, w, 4], straight alpha. height_px: mean length of the
    patch's left and right edge in the image, at least 2. centre: (x, y) px. tilt scales yaw, pitch and roll (use about
    0.4 for crops of photographs, which are tilted already). flat: no perspective, light or shadow, for burnt-in text.
    Returns [x0, y0, x1, y1] px, float, clipped to the image; an empty box (x1 <= x0) if nothing lies inside.
    """
    height, width = image.shape[:2]
    ph, pw = patch.shape[:2]
    quad = view(pw / ph, rng, 0.0 if flat else tilt) * max(2.0, height_px) + centre
    (bx0, by0), (bx1, by1) = quad.min(0), quad.max(0)
    box = [max(0.0, bx0), max(0.0, by0), min(float(width), bx1), min(float(height), by1)]
    margin = 4 + int(0.08 * height_px)
    x0, y0 = max(0, int(bx0) - margin), max(0, int(by0) - margin)
    x1, y1 = min(width, int(bx1) + margin + 1), min(height, int(by1) + margin + 1)
    if box[2] <= box[0] or box[3] <= box[1] or x1 - x0 < 2 or y1 - y0 < 2:
        return [float(v) for v in (box[0], box[1], box[0], box[1])]
    # shrink to about the target size first: warpPerspective samples only four neighbours
    shrink = max(2.0, height_px) * 1.4 / ph
    if shrink < 1:
        patch = cv2.resize(patch, (max(3, round(pw * shrink)), max(3, round(ph * shrink))), interpolation=cv2.INTER_AREA)
        ph, pw = patch.shape[:2]
    # premultiplied bytes: twice as fast as float here, and the rounding drowns in the noise added below
    opacity = patch[..., 3]
    colour = patch[..., :3] if opacity.min() == 255 else cv2.multiply(patch[..., :3], cv2.merge([opacity] * 3), scale=1 / 255)
    source = cv2.merge([*cv2.split(colour), opacity])
    corners = np.float32([[-0.5, -0.5], [pw - 0.5, -0.5], [pw - 0.5, ph - 0.5], [-0.5, ph - 0.5]])
    matrix = cv2.getPerspectiveTransform(corners, (quad - (x0 + 0.5, y0 + 0.5)).astype(np.float32))
    warped = cv2.warpPerspective(source, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    box = tighten(box, warped[..., 3], x0, y0)
    place = image[y0:y1, x0:x1]
    window = image[max(0, y0 - 12) : y1 + 12, max(0, x0 - 12) : x1 + 12]
    sigma = scene_blur(window) * rng.uniform(0.55, 1.1)
    if rng.random() < 0.15:
        sigma *= rng.uniform(1.2, 2.5)
    sigma = min(sigma, 0.4 + height_px / 14)  # keep it a plate: never blurred beyond about a stroke's width
    warped = cv2.GaussianBlur(warped, (0, 0), sigma)
    if rng.random() < 0.08 and height_px > 10:  # motion
        length = int(rng.integers(3, 4 + int(height_px / 7)))
        warped = cv2.blur(warped, (length, 1) if rng.random() < 0.75 else (1, length))
    cover = warped[..., 3]
    keep = cv2.merge([255 - cover] * 3)
    ground, factor = place, np.ones(3)
    if not flat:
        factor = light(np.array(cv2.mean(window)[:3]), rng)
        if rng.random() < 0.6:  # the edge stands off the body and throws a little shadow
            drop = cv2.blur(np.roll(cover, max(1, int(0.04 * height_px)), 0), (2 * int(1 + 0.05 * height_px) + 1,) * 2)
            drop = cv2.convertScaleAbs(drop, alpha=rng.uniform(0.1, 0.5), beta=0)
            ground = cv2.multiply(place, cv2.merge([255 - drop] * 3), scale=1 / 255)
    lit = cv2.transform(warped, np.hstack([np.diag(factor), np.zeros((3, 1))]))
    out = cv2.add(cv2.multiply(ground, keep, scale=1 / 255), lit)
    result = cv2.add(out, grain(out.shape[:2], cover, rng), dtype=cv2.CV_8U)
    if rng.random() < 0.3:
        coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))])[1]
        result = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    place[:] = result
    return [float(v) for v in box]


def replace(image: np.ndarray, box: list[float], patch: np.ndarray, rng: np.random.Generator, tilt: float = 0.5) -> list[float]:
    """Exchanges the labelled plate in box ([x0, y0, x1, y1] px) for patch, in place; returns the new box.

    Rare plates get the surroundings of real ones in this way. The old plate vanishes under a blend of the colours above
    and below it (a recess of the bumper); the new one has about the old area. Meant for boxes 12 px high and more.
    """
    x0, y0, x1, y1 = (int(v) for v in (box[0] - 1, box[1] - 1, box[2] + 2, box[3] + 2))
    h, w = image.shape[:2]
    rim = max(2, int(0.08 * (y1 - y0)))
    x0, y0, x1, y1 = max(0, x0 - rim), max(0, y0 - rim), min(w, x1 + rim), min(h, y1 + rim)
    place = image[y0:y1, x0:x1]
    if place.shape[0] > 3 * rim and place.shape[1] > 3 * rim:
        above, below = (cv2.blur(rows.mean(0, dtype=np.float32)[None], (2 * rim + 1, 1)) for rows in (place[:rim], place[-rim:]))
        t = np.linspace(0, 1, place.shape[0], dtype=np.float32)[:, None, None]
        filled = (above * (1 - t) + below * t) * rng.uniform(0.6, 1.0)
        mask = np.zeros(place.shape[:2], np.float32)
        mask[rim // 2 : -(rim // 2) or None, rim // 2 : -(rim // 2) or None] = 1
        mask = cv2.blur(mask, (rim + 1, rim + 1))[..., None]
        place[:] = (place * (1 - mask) + filled * mask).astype(np.uint8)
    area = (box[2] - box[0]) * (box[3] - box[1])
    height = np.sqrt(area * patch.shape[0] / patch.shape[1]) * rng.uniform(0.9, 1.1)
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return paste(image, patch, rng, float(height), middle, tilt=tilt)

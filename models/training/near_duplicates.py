"""Find photographs that show the same picture: difference hashes of 64 bits and their Hamming distance."""

from __future__ import annotations

import cv2
import numpy as np

GROUP_DISTANCE = 3  # frames of one scene and re-encoded copies; different pictures lie seldom below 4
ALIKE_DISTANCE = 6  # stricter, where a copy must not slip through


def difference_hash(image: np.ndarray) -> int:
    """64 bits: whether each cell of an 8 by 8 grid is brighter than the one to its right. image is BGR uint8."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    return int.from_bytes(np.packbits(cells[:, :-1] > cells[:, 1:]).tobytes(), "big")


def both_orientations(image: np.ndarray) -> tuple[int, int]:
    """Hashes of the image and of its mirror image."""
    return difference_hash(image), difference_hash(image[:, ::-1])


def distances(hash_value: int, hashes: np.ndarray) -> np.ndarray:
    """Number of differing bits between one hash and each of hashes (uint64 [n]): int [n]."""
    differing = (hashes ^ np.uint64(hash_value)).view(np.uint8).reshape(-1, 8)
    return np.unpackbits(differing, axis=1).sum(axis=1)


def group(hashes: list[int], first: int) -> list[int]:
    """Group numbers from `first` on: every hash joins the first earlier group whose founder is near it."""
    table = np.array(hashes, np.uint64)
    founders: list[int] = []
    numbers: list[int] = []
    for value in hashes:
        apart = distances(value, table[founders]) if founders else np.zeros(0)
        near = np.flatnonzero(apart <= GROUP_DISTANCE)
        if len(near) == 0:
            founders.append(len(numbers))
            near = np.array([len(founders) - 1])
        numbers.append(first + int(near[0]))
    return numbers

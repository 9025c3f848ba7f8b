"""Which cells of the output answer for which object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from network import CLASSES, STRIDES

# Side (square root of the area, px of the network's input) of the objects that a level answers for.
RANGES = ((0.0, 72.0), (36.0, 176.0), (112.0, 1e9))


@dataclass
class Targets:
    """Of one picture. `cell`, `cls` [P] int64, `box` [P, 4] float32 xyxy px; `counts` [cells, classes] bool: negative counts."""

    cell: np.ndarray
    cls: np.ndarray
    box: np.ndarray
    counts: np.ndarray


def assign(objects: np.ndarray, ignore: np.ndarray, known: list[bool], size: int) -> Targets:
    """Positives: the 3 x 3 cells around an object's centre on every level whose range holds its side.

    `objects`, `ignore`: [n, 5] float: class, x0, y0, x1, y1 in px of a square input of `size` px. `known`: per class,
    whether places without objects are known to be empty. Where two objects of a class meet, the smaller one wins.
    """
    widths = [size // s for s in STRIDES]
    first = np.cumsum([0] + [w * w for w in widths])
    owner = np.full((int(first[-1]), len(CLASSES)), -1, np.int32)
    counts = np.ones(owner.shape, bool)
    for c, k in enumerate(known):
        counts[:, c] = k

    for row in ignore:
        c, (x0, y0, x1, y1) = int(row[0]), row[1:]
        for level, (s, w) in enumerate(zip(STRIDES, widths)):
            i0, i1 = max(0, int(x0 / s) - 1), min(w, int(np.ceil(x1 / s)) + 1)
            j0, j1 = max(0, int(y0 / s) - 1), min(w, int(np.ceil(y1 / s)) + 1)
            view = counts[first[level] : first[level + 1], c].reshape(w, w)
            view[j0:j1, i0:i1] = False

    area = (objects[:, 3] - objects[:, 1]) * (objects[:, 4] - objects[:, 2])
    for n in np.argsort(-area, kind="stable"):
        c, (x0, y0, x1, y1) = int(objects[n, 0]), objects[n, 1:]
        side = float(np.sqrt(max(area[n], 1e-6)))
        for level, (s, w) in enumerate(zip(STRIDES, widths)):
            if not RANGES[level][0] <= side < RANGES[level][1]:
                continue
            i, j = int((x0 + x1) / 2 / s), int((y0 + y1) / 2 / s)
            view = owner[first[level] : first[level + 1], c].reshape(w, w)
            view[max(0, j - 1) : j + 2, max(0, i - 1) : i + 2] = n

    cell, cls = np.nonzero(owner >= 0)
    return Targets(cell, cls, objects[owner[cell, cls], 1:].astype(np.float32), counts)

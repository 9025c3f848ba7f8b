"""Training pictures: random crops and mosaics of labelled photographs, with plates and signs pasted in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from augment import photograph
from network import CLASSES
from paste import paste, replace
from render import PatchBank
from targets import assign

PAD = 114
# Photographs whose proportions were lost before they were published.
STRETCHED = frozenset(("human", "indo", "cars320"))
# How often a source is drawn, by what it teaches and how varied it is.
SHARES = {
    "human": 0.38, "mask": 0.09, "fmd": 0.05, "ccp": 0.06, "fakerfaces": 0.01, "clothing": 0.03,
    "olpr": 0.19, "indo": 0.06, "kaggle": 0.05, "cars320": 0.03,
    "garbage": 0.06, "grocery": 0.02, "kuih": 0.005, "ecobin": 0.04, "trashnet": 0.04, "lions": 0.02, "vehicles": 0.025,
    "ships": 0.01, "statues": 0.01, "elephants": 0.015,
}
# Objects whose shorter side is below this, in px of the input, are neither positive nor negative.
SMALLEST = {"face": 5.0, "plate": 4.0}
# Share of an object that has to lie within the crop.
VISIBLE = 0.35
# Share of pasted things that are larger than is common in photographs, and of chosen plates that fill the picture.
BIG, FILLING = 0.15, 0.25


@dataclass
class Photograph:
    path: Path
    source: str
    known: list[bool]
    objects: np.ndarray  # [n, 5] class, x0, y0, x1, y1 px
    ignore: np.ndarray  # [n, 5]
    size: tuple[int, int]  # width, height


@dataclass
class Piece:
    """A picture under construction with its labels, in its own px."""

    image: np.ndarray
    objects: np.ndarray
    ignore: np.ndarray
    known: list[bool] = field(default_factory=lambda: [True] * len(CLASSES))


def _rows(items: list[dict]) -> np.ndarray:
    """Faces and plates; bodies are learnt from the teacher (see loss.py)."""
    rows = [[CLASSES.index(o["class"]), *o["box"]] for o in items if o["class"] != "body"]
    return np.array(rows, np.float64).reshape(-1, 5)


def read_labels(path: Path, roots: dict[str, Path]) -> list[Photograph]:
    """Photographs of a label file (see teach.py); `roots` says where the files of each of its roots are."""
    out = []
    for line in path.read_text().splitlines():
        r = json.loads(line)
        known = [c in r["known"] for c in CLASSES]
        file = roots[r["root"]] / r["file"]
        out.append(Photograph(file, r["source"], known, _rows(r["objects"]), _rows(r["ignore"]), (r["width"], r["height"])))
    return out


class Sampler:
    """Makes one training picture after the other. Everything random comes from the generator it is given."""

    def __init__(self, photographs: list[Photograph], bank: PatchBank):
        self.by_source: dict[str, list[Photograph]] = {}
        for p in photographs:
            self.by_source.setdefault(p.source, []).append(p)
        self.sources = [s for s in SHARES if s in self.by_source]
        shares = np.array([SHARES[s] for s in self.sources])
        self.shares = shares / shares.sum()
        self.bank = bank

    def draw(self, rng: np.random.Generator, size: int, mosaic: float) -> tuple[np.ndarray, np.ndarray, Piece]:
        """Degraded picture, clean picture (both size x size x 3, RGB) and labels."""
        piece = self._mosaic(rng, size) if rng.random() < mosaic else self._single(rng, size, size)
        if rng.random() < 0.5:
            piece.image = np.ascontiguousarray(piece.image[:, ::-1])
            for rows in (piece.objects, piece.ignore):
                rows[:, [1, 3]] = size - rows[:, [3, 1]]
        self._decorate(piece, rng)
        piece.objects, small = _by_size(piece.objects)
        piece.ignore = np.concatenate((piece.ignore, small))
        return photograph(piece.image, rng), piece.image, piece

    def _single(self, rng: np.random.Generator, width: int, height: int) -> Piece:
        source = self.sources[int(rng.choice(len(self.sources), p=self.shares))]
        items = self.by_source[source]
        return crop(items[int(rng.integers(len(items)))], rng, width, height)

    def _mosaic(self, rng: np.random.Generator, size: int) -> Piece:
        cx, cy = (int(v) for v in rng.uniform(0.3, 0.7, 2) * size)
        image = np.empty((size, size, 3), np.uint8)
        objects, ignore = [], []
        for x0, y0, x1, y1 in ((0, 0, cx, cy), (cx, 0, size, cy), (0, cy, cx, size), (cx, cy, size, size)):
            p = self._single(rng, x1 - x0, y1 - y0)
            image[y0:y1, x0:x1] = p.image
            for rows, into in ((p.objects, objects), (p.ignore, ignore)):
                into.append(rows + np.array([0, x0, y0, x0, y0]))
            ignore.extend(np.array([[c, x0, y0, x1, y1]], np.float64) for c, k in enumerate(p.known) if not k)
        return Piece(image, np.concatenate(objects), np.concatenate(ignore))

    def _decorate(self, piece: Piece, rng: np.random.Generator) -> None:
        """Pastes signs, which are no plates, and plates; exchanges some plates. Never onto another object that is known."""
        h, w = piece.image.shape[:2]
        plate = CLASSES.index("plate")
        for row in piece.objects:
            if row[0] == plate and row[4] - row[2] >= 12 and rng.random() < 0.2:
                row[1:] = replace(piece.image, row[1:], self.bank.plate(rng, crops=0.3), rng)
        taken = [r[1:] for r in piece.objects]
        for chance, plates in ((0.25, False), (0.3, True)):
            if rng.random() >= chance:
                continue
            for _ in range(int(rng.integers(1, 4))):
                cut = plates and rng.random() < 0.35
                patch = self.bank.draw("crops" if cut else "plates", rng) if plates else self.bank.sign(rng)
                usual = min(70.0, h / 5)
                least, most = (usual, h / 2.5) if rng.random() < BIG else (6.0, usual)
                height = float(np.exp(rng.uniform(np.log(least), np.log(most))))
                centre = (float(rng.uniform(0.05, 0.95) * w), float(rng.uniform(0.05, 0.95) * h))
                reach = np.array([height * max(1.0, 0.6 * patch.shape[1] / patch.shape[0]), height])
                if any(_meet(np.concatenate((centre - reach, centre + reach)), t) for t in taken):
                    continue
                if plates:
                    box = paste(piece.image, patch, rng, height, centre, tilt=0.4 if cut else 1.0)
                else:
                    box = paste(piece.image, patch, rng, height, centre, flat=rng.random() < 0.2)
                taken.append(np.asarray(box))
                whole = height * patch.shape[1] / patch.shape[0]
                if plates and box[2] - box[0] > whole / 3 and box[3] - box[1] > height / 3:
                    piece.objects = np.concatenate((piece.objects, [[plate, *box]]))


def _meet(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _by_size(objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    least = np.array([SMALLEST.get(c, 0.0) for c in CLASSES])[objects[:, 0].astype(int)]
    small = np.minimum(objects[:, 3] - objects[:, 1], objects[:, 4] - objects[:, 2]) < least
    return objects[~small], objects[small]


def _read(path: Path, shrink: float) -> np.ndarray:
    """RGB. Decodes at half size when the crop needs no more."""
    image = cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_2 if shrink < 0.5 else cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"Expected a photograph at {path} but it could not be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def crop(photo: Photograph, rng: np.random.Generator, width: int, height: int) -> Piece:
    """A random window at a random scale and aspect; three in ten are chosen so that one object gets a random size, and
    a quarter of the plates that a window is chosen for fill it from side to side, or nearly.
    """
    w, h = photo.size
    size = max(width, height)
    stretch = float(np.exp(rng.uniform(-1, 1) * np.log(1.7 if photo.source in STRETCHED else 1.2)))
    scale = size / max(w, h) * float(np.exp(rng.uniform(np.log(0.8), np.log(2.4))))
    target, largest, rim = None, 3.0, 0.15
    wanted = photo.objects
    if len(wanted) and rng.random() < 0.7:
        target = wanted[int(rng.integers(len(wanted)))]
        if target[0] == CLASSES.index("plate") and rng.random() < FILLING:
            length = float(max(target[3] - target[1], target[4] - target[2]))
            share = float(np.exp(rng.uniform(np.log(0.35), np.log(0.95))))
            scale, largest = share * size / max(length, 1), 6.0
            rim = max(rim, share / 2) if rng.random() < 0.7 else rim
        elif rng.random() < 0.45:
            side = float(np.sqrt((target[3] - target[1]) * (target[4] - target[2])))
            scale = float(np.exp(rng.uniform(np.log(9), np.log(0.45 * size)))) / max(side, 1)
    scale = float(np.clip(scale, 0.5 * min(width, height) / max(w, h), largest))
    sx, sy = scale * stretch**0.5, scale / stretch**0.5

    def offset(length: float, room: int, lo: float, hi: float) -> float:
        """Where the scaled photograph starts in the window: negative when it is larger."""
        slack = room - length
        if slack >= 0:
            return float(rng.uniform(0, slack))
        if target is None:
            return float(rng.uniform(slack, 0))
        return float(np.clip(rng.uniform(rim, 1 - rim) * room - (lo + hi) / 2, slack, 0))

    t = target if target is not None else np.zeros(5)
    ox, oy = offset(w * sx, width, t[1] * sx, t[3] * sx), offset(h * sy, height, t[2] * sy, t[4] * sy)

    image = _read(photo.path, max(sx, sy))
    rx, ry = sx * w / image.shape[1], sy * h / image.shape[0]
    # The part that is seen, in px of the decoded photograph, and where it goes.
    x0, y0 = max(0, int(-ox / rx)), max(0, int(-oy / ry))
    x1, y1 = min(image.shape[1], int(np.ceil((width - ox) / rx))), min(image.shape[0], int(np.ceil((height - oy) / ry)))
    px, py = int(round(x0 * rx + ox)), int(round(y0 * ry + oy))
    qx, qy = min(width, int(round(x1 * rx + ox))), min(height, int(round(y1 * ry + oy)))
    px, py = max(0, px), max(0, py)
    out = np.full((height, width, 3), PAD, np.uint8)
    if qx > px and qy > py:
        how = cv2.INTER_AREA if max(rx, ry) < 0.8 else cv2.INTER_LINEAR
        out[py:qy, px:qx] = cv2.resize(image[y0:y1, x0:x1], (qx - px, qy - py), interpolation=how)

    move = np.array([0, ox, oy, ox, oy])
    stretch_by = np.array([1, sx, sy, sx, sy])
    objects, lost = _clip(photo.objects * stretch_by + move, width, height)
    ignore, _ = _clip(photo.ignore * stretch_by + move, width, height, least=0.0)
    return Piece(out, objects, np.concatenate((ignore, lost)), photo.known)


def _clip(rows: np.ndarray, width: int, height: int, least: float = VISIBLE) -> tuple[np.ndarray, np.ndarray]:
    """Rows cut to the window, and those of which too little is left to be an object."""
    if len(rows) == 0:
        return rows, rows
    area = (rows[:, 3] - rows[:, 1]) * (rows[:, 4] - rows[:, 2])
    cut = rows.copy()
    cut[:, [1, 3]] = cut[:, [1, 3]].clip(0, width)
    cut[:, [2, 4]] = cut[:, [2, 4]].clip(0, height)
    left = (cut[:, 3] - cut[:, 1]) * (cut[:, 4] - cut[:, 2])
    inside = left > 0
    kept = left >= least * np.maximum(area, 1e-6)
    return cut[inside & kept], cut[inside & ~kept]


@dataclass
class Plan:
    """Sizes (px), pictures per batch, and the share of mosaics, as functions of the step."""

    steps: int
    ranks: int = 1
    pixels: int = 32 * 320 * 320
    sizes: tuple[int, ...] = (320, 320, 320, 416, 448, 512, 576, 640, 640, 768, 896)

    def size(self, step: int, seed: int) -> int:
        return int(np.random.default_rng((seed, step, 7)).choice(self.sizes))

    def batch(self, size: int) -> int:
        """Pictures per rank."""
        return max(2, self.pixels // (size * size * self.ranks))

    def mosaic(self, step: int) -> float:
        return 0.35 if step < 0.6 * self.steps else 0.1


class Batches(IterableDataset):
    """Endless batches of one rank from step `start` on. A batch depends on seed, step and rank, not on the workers."""

    def __init__(self, sampler: Sampler, plan: Plan, seed: int, start: int, rank: int = 0):
        self.sampler, self.plan, self.seed, self.start, self.rank = sampler, plan, seed, start, rank

    def __iter__(self) -> Iterator[dict]:
        cv2.setNumThreads(0)
        info = get_worker_info()
        step, stride = (self.start + info.id, info.num_workers) if info else (self.start, 1)
        while True:
            yield self.make(step)
            step += stride

    def make(self, step: int) -> dict:
        rng = np.random.default_rng((self.seed, step, self.rank))
        size = self.plan.size(step, self.seed)
        images, clean, index, parts = [], [], [], []
        for i in range(self.plan.batch(size)):
            image, plain, piece = self.sampler.draw(rng, size, self.plan.mosaic(step))
            images.append(image)
            clean.append(plain)
            t = assign(piece.objects, piece.ignore, piece.known, size)
            parts.append(t)
            index.append(np.full(len(t.cell), i))
        return {
            "size": size,
            "image": torch.from_numpy(np.stack(images)),
            "clean": torch.from_numpy(np.stack(clean)),
            "index": torch.from_numpy(np.concatenate(index)).long(),
            "cell": torch.from_numpy(np.concatenate([t.cell for t in parts])).long(),
            "cls": torch.from_numpy(np.concatenate([t.cls for t in parts])).long(),
            "box": torch.from_numpy(np.concatenate([t.box for t in parts])),
            "counts": torch.from_numpy(np.stack([t.counts for t in parts])),
        }

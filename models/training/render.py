"""Drawn plates, hard negatives and cut-out plates for pasting into photographs.

API: render_plate(rng) and render_sign(rng) draw one RGBA patch; paste(image, patch, rng, height_px, centre) puts it
into a photograph and returns its box; replace(image, box, patch, rng) exchanges a labelled plate; PatchBank holds many
patches, drawn once, for a data loader.

    python render.py --count 6000 --signs 3000 --seed 1 --crops LABELS[=ROOT] [--crops ...] --out DIR
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from glyphs import use_fonts
from layouts import render_plate
from paste import paste, replace
from signs import render_sign

__all__ = ["PatchBank", "crop_plates", "paste", "render_plate", "render_sign", "replace"]
KINDS = ("plates", "signs", "crops")
MAX_WIDTH = 400  # px of a stored patch; few are pasted wider
MIN_CROP = 48  # px: narrower cut-outs carry no characters


def encode(rgba: np.ndarray, quality: int = 88) -> bytes:
    """WebP with alpha, at most MAX_WIDTH wide: a fifth of the size of PNG, so that a bank fits in memory."""
    h, w = rgba.shape[:2]
    if w > MAX_WIDTH:
        rgba = cv2.resize(rgba, (MAX_WIDTH, max(2, round(h * MAX_WIDTH / w))), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".webp", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise RuntimeError("Expected OpenCV with WebP support but received one that cannot write it")
    return data.tobytes()


def decode(data: np.ndarray) -> np.ndarray:
    """The RGBA uint8 [h, w, 4] patch; a fully opaque one is stored by WebP without alpha."""
    patch = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(patch, cv2.COLOR_BGRA2RGBA if patch.shape[2] == 4 else cv2.COLOR_BGR2RGBA)


def label_boxes(path: Path, leave_out: Collection[str] = ()) -> Iterator[tuple[str, str, list[list[float]]]]:
    """(file, group, plate boxes) per image of a label file; boxes are [x0, y0, x1, y1] px, or fractions where all are <= 1.

    Reads a COCO-like annotations.json ({"images": [{"file", "boxes": [{"x","y","w","h"}]}]}), a pool index (lines with
    "boxes": [[class, x, y, w, h]] in fractions) and training labels (lines with "objects": [{"class", "box"}]).
    Only boxes of the class plate count.
    """
    text = path.read_text(encoding="utf-8")
    images = json.loads(text)["images"] if path.suffix == ".json" else (json.loads(line) for line in text.splitlines() if line.strip())
    for item in images:
        if item.get("source") in leave_out:
            continue
        boxes = []
        for b in item.get("boxes", []):
            if isinstance(b, dict):
                boxes.append([b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]])
            elif b[0] == "plate":
                boxes.append([b[1], b[2], b[1] + b[3], b[2] + b[4]])
        boxes += [o["box"] for o in item.get("objects", []) if o["class"] == "plate" and o.get("from", "label") == "label"]
        if boxes:
            yield item["file"], str(item.get("group", "")), boxes


def crop_plates(labels: Path, root: Path, leave_out: Collection[str] = ()) -> Iterator[tuple[str, np.ndarray]]:
    """(name "file#group", RGBA) of every labelled plate at least MIN_CROP px wide, cut without margin.

    Upright and mirrored plates of augmented sets cannot be told by the box alone; those taller than 1.2 widths are
    left out. The corners fade over about 2 % of the height, because a box holds a little of the bumper.
    """
    for file, group, boxes in label_boxes(labels, leave_out):
        image = cv2.imread(str(root / file), cv2.IMREAD_COLOR)
        if image is None:
            continue
        h, w = image.shape[:2]
        for box in boxes:
            scale = (w, h, w, h) if max(box) <= 1.0 else (1, 1, 1, 1)
            x0, y0, x1, y1 = (round(v * s) for v, s in zip(box, scale))
            cut = image[max(0, y0) : y1, max(0, x0) : x1]
            if cut.shape[1] < MIN_CROP or cut.shape[0] < 12 or cut.shape[0] > 1.2 * cut.shape[1]:
                continue
            alpha = np.zeros(cut.shape[:2], np.uint8)
            edge = max(1, round(0.02 * cut.shape[0]))
            alpha[edge:-edge, edge:-edge] = 255
            alpha = cv2.blur(alpha, (2 * edge + 1, 2 * edge + 1))
            yield f"{file}#{group}", np.dstack([cut[..., ::-1], alpha])


class PatchBank:
    """Patches kept as WebP in one array per kind ("plates", "signs", "crops"), decoded when drawn.

    Forked or spawned loader workers share or copy about 10 KB per patch.
    """

    def __init__(self, patches: dict[str, list[bytes]], names: list[str]) -> None:
        """patches: WebP data per kind; names: "file#group" of every crop."""
        self.data = {k: np.frombuffer(b"".join(patches.get(k, [])), np.uint8) for k in KINDS}
        self.ends = {k: np.cumsum([0, *(len(p) for p in patches.get(k, []))]) for k in KINDS}
        self.names = np.array(names, dtype=str)

    @classmethod
    def build(
        cls, count: int, signs: int, seed: int, crops: Iterable[tuple[Path, Path]] = (), leave_out: Collection[str] = (),
        tell: Callable[[str], None] = lambda _: None,
    ) -> PatchBank:
        """Draws count plates and signs signs (one random stream each, so counts do not change earlier ones) and cuts crops."""
        patches: dict[str, list[bytes]] = {}
        for stream, (kind, draw, n) in enumerate((("plates", render_plate, count), ("signs", render_sign, signs))):
            start = time.monotonic()
            patches[kind] = [encode(draw(np.random.default_rng([seed, stream, i]))) for i in range(n)]
            tell(f"{kind}: {n} in {time.monotonic() - start:.0f} s")
        found = [pair for labels, root in crops for pair in crop_plates(labels, root, leave_out)]
        patches["crops"] = [encode(rgba, 93) for _, rgba in found]
        tell(f"crops: {len(found)}")
        return cls(patches, [name for name, _ in found])

    def save(self, folder: Path) -> None:
        """Writes folder/bank.npz."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {f"{k}_data": v for k, v in self.data.items()} | {f"{k}_ends": v for k, v in self.ends.items()}
        np.savez(folder / "bank.npz", names=self.names, **arrays)

    @classmethod
    def load(cls, folder: Path) -> PatchBank:
        """Reads folder/bank.npz; FileNotFoundError if there is none."""
        bank = cls({}, [])
        with np.load(Path(folder) / "bank.npz") as stored:
            bank.data = {k: stored[f"{k}_data"] for k in KINDS}
            bank.ends = {k: stored[f"{k}_ends"] for k in KINDS}
            bank.names = stored["names"]
        return bank

    def count(self, kind: str) -> int:
        return len(self.ends[kind]) - 1

    def get(self, kind: str, index: int) -> np.ndarray:
        """One patch, RGBA uint8 [h, w, 4], as a fresh array."""
        ends = self.ends[kind]
        return decode(self.data[kind][ends[index] : ends[index + 1]])

    def draw(self, kind: str, rng: np.random.Generator) -> np.ndarray:
        """A random patch of kind "plates", "signs" or "crops"; IndexError if the bank has none."""
        if self.count(kind) == 0:
            raise IndexError(f"Expected a bank with {kind} but received one without")
        return self.get(kind, int(rng.integers(self.count(kind))))

    def plate(self, rng: np.random.Generator, crops: float = 0.35) -> np.ndarray:
        """A plate: cut out of a photograph with probability crops (if the bank has any), else drawn."""
        real = self.count("crops") > 0 and (rng.random() < crops or self.count("plates") == 0)
        return self.draw("crops" if real else "plates", rng)

    def sign(self, rng: np.random.Generator) -> np.ndarray:
        """A hard negative."""
        return self.draw("signs", rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=6000, help="plates to draw")
    parser.add_argument("--signs", type=int, default=3000, help="signs to draw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crops", action="append", default=[], metavar="LABELS[=ROOT]", help="label file; ROOT defaults to its folder")
    parser.add_argument("--leave-out", action="append", default=[], metavar="SOURCE", help="source of which no plates are cut")
    parser.add_argument("--fonts", action="append", default=[], help="a further folder of fonts")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    crops = []
    for item in options.crops:
        labels, _, root = item.partition("=")
        if not Path(labels).is_file():
            parser.error(f"Expected a label file for --crops but received {labels}")
        crops.append((Path(labels), Path(root) if root else Path(labels).parent))
    for folder in options.fonts:
        if not Path(folder).is_dir():
            parser.error(f"Expected a folder of fonts for --fonts but received {folder}")
        use_fonts(folder)
    if min(options.count, options.signs) < 0:
        parser.error(f"Expected counts of at least 0 for --count and --signs but received {options.count} and {options.signs}")
    cv2.setNumThreads(1)
    PatchBank.build(options.count, options.signs, options.seed, crops, options.leave_out, print).save(options.out)


if __name__ == "__main__":
    main()

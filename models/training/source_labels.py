"""Label formats of the training sources, read into boxes [class, x, y, w, h]: top left and size as shares of 0..1."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import PurePosixPath

from repositories import Repository

Box = list[str | float]


def read_labels(repository: Repository, labels: dict | None, images: list[str]) -> dict[str, list[Box]]:
    """Boxes by image path. An image without an entry is not labelled; one with an empty list shows no such object."""
    if labels is None:
        return {}
    if labels["format"] == "yolo":
        return _read_yolo(repository, labels["class"], labels["class_number"], images)
    if labels["format"] == "olpr-sqlite":
        return _read_olpr(repository, labels["class"])
    raise SystemExit(f"Expected yolo or olpr-sqlite for labels.format but received {labels['format']}")


def _read_yolo(repository: Repository, name: str, number: int, images: list[str]) -> dict[str, list[Box]]:
    """One text file per image: class and centre, width, height, or class and the corners of a polygon."""
    paths = {str(PurePosixPath(p.replace("/images/", "/labels/", 1)).with_suffix(".txt")): p for p in images}
    found: dict[str, list[Box]] = {}
    for path, content in repository.read_all([path for path in paths if path in repository.blobs]):
        if content is not None:
            lines = (line.split() for line in content.decode("utf8", "replace").splitlines())
            found[paths[path]] = [
                [name, *_yolo_box([float(v) for v in values])]
                for label, *values in (line for line in lines if line)
                if label == str(number) and len(values) >= 4
            ]
    return found


def _yolo_box(values: list[float]) -> tuple[float, float, float, float]:
    if len(values) == 4:
        x, y, w, h = values
        return x - w / 2, y - h / 2, w, h
    xs, ys = values[0::2], values[1::2]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _read_olpr(repository: Repository, name: str) -> dict[str, list[Box]]:
    """SQLite files with pixels of the image size that each row states."""
    found: dict[str, list[Box]] = {}
    for split in ("train", "val"):
        with tempfile.NamedTemporaryFile(suffix=".db") as file:
            file.write(repository.read(f"{split}.db"))
            file.flush()
            database = sqlite3.connect(file.name)
            query = "select filename, imheight, imwidth, imgareas from annotations where isdeleted = 0"
            for image, height, width, areas in database.execute(query):
                found[f"{split}/{image}"] = [
                    [name, a["x"] / width, a["y"] / height, a["width"] / width, a["height"] / height]
                    for a in json.loads(areas or "[]")
                ]
            database.close()
    return found

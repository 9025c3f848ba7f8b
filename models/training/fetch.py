"""Fetch the training photographs from the public repositories that sources.json lists.

    python fetch.py --out pool [--only human,olpr] [--mirrors DIR] [--not-like DIR]...

Writes <out>/<source>/<git blob>.<jpg|png|webp> and <out>/labels.jsonl, one line per photograph:
{"s": source, "file", "w", "h": size of the upright photograph, "group": number shared by near-duplicates of the source,
"boxes": [[class, x, y, w, h], ...] as shares of 0..1, x and y the top left corner, "labelled": [classes]}.
Photographs that look like one below a --not-like folder (those of an evaluation), also mirrored, are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from near_duplicates import ALIKE_DISTANCE, both_orientations, difference_hash, distances, group
from repositories import open_repository
from source_labels import read_labels

PHOTOGRAPHS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Kept:
    """A photograph that belongs to the pool: its file below --out, its path in the repository, size and hash."""

    file: str
    path: str
    width: int
    height: int
    hash_value: int


def image_suffix(content: bytes) -> str:
    """Of the real format: file names in the repositories are not always right."""
    if content.startswith(b"\x89PNG"):
        return "png"
    return "webp" if content[8:12] == b"WEBP" else "jpg"


def decode(content: bytes) -> np.ndarray | None:
    """BGR uint8 as its EXIF orientation shows it, or None where it cannot be read."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None


def hashes_of_folders(folders: list[Path]) -> np.ndarray:
    """uint64 hashes, two for each photograph below the folders: as it is and mirrored."""
    found: list[int] = []
    for folder in folders:
        if not folder.is_dir():
            raise SystemExit(f"Expected a folder for --not-like but received {folder}")
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in PHOTOGRAPHS and (image := decode(path.read_bytes())) is not None:
                found.extend(both_orientations(image))
    return np.array(found, np.uint64)


def fetch_source(source: dict, options: argparse.Namespace, unlike: np.ndarray, first: int, lines: IO[str]) -> int:
    """Write one source and return the group number that follows its own; prints how many photographs it left out."""
    repository = open_repository(source["repository"], source["commit"], options.mirrors, options.out / "clones")
    paths = sorted(path for path in repository.blobs if re.search(source["image_path"], path, re.IGNORECASE))
    if len(paths) != source["images"]:
        print(f"{source['id']}: {len(paths)} paths, where {source['images']} are known", file=sys.stderr)
    boxes = read_labels(repository, source["labels"], paths)
    (options.out / source["id"]).mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    kept: dict[str, Kept] = {}
    for path, content in repository.read_all(paths):
        image = decode(content) if content is not None else None
        if image is None:
            counts["missing or unreadable"] += 1
            continue
        file = f"{source['id']}/{repository.blobs[path]}.{image_suffix(content)}"
        value = difference_hash(image)
        if file in kept:
            counts["the same file again"] += 1
            if kept[file].path not in boxes:  # one of the copies may be labelled
                kept[file] = replace(kept[file], path=path)
        elif len(unlike) and distances(value, unlike).min() <= ALIKE_DISTANCE:
            counts["like one of --not-like"] += 1
        else:
            (options.out / file).write_bytes(content)
            kept[file] = Kept(file, path, image.shape[1], image.shape[0], value)
    groups = group([photo.hash_value for photo in kept.values()], first)
    for photo, number in zip(kept.values(), groups, strict=True):
        row = {"s": source["id"], "file": photo.file, "w": photo.width, "h": photo.height, "group": number}
        labelled = [source["labels"]["class"]] if photo.path in boxes else []
        lines.write(json.dumps(row | {"boxes": boxes.get(photo.path, []), "labelled": labelled}) + "\n")
    left_out = "; ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    print(f"{source['id']}: {len(kept)} photographs in {len(set(groups))} groups; left out: {left_out or 'none'}")
    return max(groups, default=first - 1) + 1


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch the training photographs and their labels.")
    parser.add_argument("--out", type=Path, required=True, help="folder for photographs and labels.jsonl")
    parser.add_argument("--sources", type=Path, default=Path(__file__).with_name("sources.json"))
    parser.add_argument("--only", help="comma-separated ids of sources")
    parser.add_argument("--mirrors", type=Path, help="folder with <owner>+<name>/repo git folders, instead of cloning")
    parser.add_argument("--not-like", type=Path, action="append", default=[], help="folder of photographs to avoid")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    options = parse_arguments(arguments)
    sources = {source["id"]: source for source in json.loads(options.sources.read_text())["sources"]}
    wanted = options.only.split(",") if options.only else list(sources)
    if unknown := [name for name in wanted if name not in sources]:
        raise SystemExit(f"Expected some of {', '.join(sources)} for --only but received {', '.join(unknown)}")
    options.out.mkdir(parents=True, exist_ok=True)
    unlike = hashes_of_folders(options.not_like)
    unfinished = options.out / "labels.jsonl.part"
    with unfinished.open("w") as lines:
        first = 0
        for name in wanted:
            first = fetch_source(sources[name], options, unlike, first, lines)
    os.replace(unfinished, options.out / "labels.jsonl")


if __name__ == "__main__":
    main(sys.argv[1:])

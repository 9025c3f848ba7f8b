"""Reads an output folder as training code does, and says what it saw. Not needed to use or test the tool.

  python3 -m venv venv && venv/bin/pip install webdataset datasets pyarrow pillow
  venv/bin/python benchmarks/read-shards.py OUT          (written with --format webdataset, or folder --hf-metadata)

webdataset and Hugging Face's datasets must give the same samples, pyarrow the rows of the tables, and the figures of
`*_stats.json` must add up as img2dataset's readers expect. An index for DALI must say where Python's tarfile finds each
member. Of a folder, datasets must give every row of `metadata.jsonl` with its image.
"""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pyarrow.parquet as pq
import webdataset as wds
from datasets import load_dataset
from PIL import Image

out = Path(sys.argv[1])
cache = str(out.parent / ".read-shards")

if (out / "metadata.jsonl").exists():
    rows = {row["key"]: row for row in map(json.loads, (out / "metadata.jsonl").read_text().splitlines())}
    data = load_dataset("imagefolder", data_dir=str(out), split="train", cache_dir=cache)
    assert sorted(data["key"]) == sorted(rows), "datasets sees other images"
    for sample in data:
        row = rows[sample["key"]]
        assert sample["image"].size == (row["width"], row["height"]), sample["key"]
        assert all(sample[name] == value for name, value in row.items() if name != "file_name"), sample["key"]
    print(f"{len(rows)} images with {', '.join(data.column_names)}: all agree")
    sys.exit()

shards = sorted(str(p) for p in out.glob("*.tar"))
tables = [pq.read_table(p).to_pylist() for p in sorted(out.glob("*.parquet"))]
stats = [json.loads(p.read_text()) for p in sorted(out.glob("*_stats.json"))]
assert [Path(s).stem for s in shards] == [f"{i:05d}" for i in range(len(shards))], "shard numbers with gaps"

by_key = {}
for sample in wds.WebDataset(shards, shardshuffle=False, empty_check=False):
    image = next(k for k in sample if k in ("jpg", "png", "webp"))
    size = Image.open(io.BytesIO(sample[image])).size
    record = json.loads(sample["json"])
    assert (record["width"], record["height"]) == size, sample["__key__"]
    for extension, digest in record.get("kept", {}).items():
        assert hashlib.sha256(sample[extension]).hexdigest() == digest, f"{sample['__key__']}.{extension}"
    by_key[sample["__key__"]] = (size, sample.get("cls"))

indices = 0
for shard in map(Path, shards):
    index = shard.with_suffix(".idx")
    if not index.exists():
        continue
    head, *lines = index.read_text().splitlines()
    assert head == f"v1.2 {len(lines)}", index.name
    words = [word for line in lines for word in line.split()]
    told = [tuple(words[i : i + 4]) for i in range(0, len(words), 4)]
    with tarfile.open(shard) as tar:
        found = [(m.name.split(".", 1)[1], str(m.offset_data), str(m.size), m.name) for m in tar]
    assert told == found, f"{index.name} differs from its tar"
    indices += 1

rows = [row for table in tables for row in table]
published = [row for row in rows if row["status"] == "success"]
assert sorted(by_key) == sorted(row["key"] for row in published), "tables and shards differ"
for row in published:
    label = by_key[row["key"]][1]
    assert label is None or int(label) == row["cls"], row["key"]

data = load_dataset("webdataset", data_files=shards, split="train", cache_dir=cache)
assert sorted(data["__key__"]) == sorted(by_key), "datasets sees other samples"
image = next(c for c in data.column_names if c in ("jpg", "png", "webp"))
assert all(d[image].size == by_key[d["__key__"]][0] for d in data), "datasets sees other pictures"
if "cls" in data.column_names:
    assert [int(c) for c in data["cls"]] == [int(by_key[k][1]) for k in data["__key__"]], "datasets sees other labels"

assert sum(s["count"] for s in stats) == len(rows) and sum(s["successes"] for s in stats) == len(published)
print(f"{len(shards)} shards with {indices} indices, {len(rows)} rows, {len(by_key)} samples with {', '.join(data.column_names)}: all agree")

"""The model card of a trained network, from what the run and `anonymize eval` have written.

  python card.py --run run --labels labels.jsonl --model ../face-body-plate.onnx --eval balanced=eval.json … \
    --notes card-notes.md --out ../face-body-plate.md

Everything in it is read from these files; --notes is added as it is (intended use, known failures).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

SOURCES = Path(__file__).with_name("sources.json")
# Labelled sets that are no git repository.
SETS = {
    "mask": "https://github.com/iniakunhuda/detr-facemask-dataset at 6592676986d8 (Kaggle andrewmvd/face-mask-detection); the export states CC BY 4.0",
    "indo": "https://github.com/devmasyadi/Data-Model-Scan-Plat-Nomor-Kendaraan-Tensor-Flow at db6c772bf99e; the export states CC BY 4.0",
    "kaggle": "https://github.com/Dennis-Acker-Consulting/CarPlateDataset at 83a038d4559c (Kaggle andrewmvd/car-plate-detection); CC0 1.0 by its Kaggle page",
}


def table(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines) + "\n"


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def share(value: dict) -> str:
    return "–" if value.get("value") is None else f"{value['value']:.2f}"


def data_section(labels: Path) -> str:
    photographs: Counter[str] = Counter()
    objects: dict[str, Counter[str]] = {}
    for line in labels.read_text().splitlines():
        row = json.loads(line)
        photographs[row["source"]] += 1
        counts = objects.setdefault(row["source"], Counter())
        for o in row["objects"]:
            counts[f"{o['class']} {'labelled' if o['from'] == 'label' else 'by teachers'}"] += 1
    known = {s["id"]: f"{s['repository']}; {s['licence']}" for s in json.loads(SOURCES.read_text())["sources"]} | SETS
    columns = ["face labelled", "face by teachers", "plate labelled", "plate by teachers"]
    rows = [[s, n, *(objects[s][c] for c in columns), known[s]] for s, n in photographs.most_common()]
    rows.append(["all", sum(photographs.values()), *(sum(o[c] for o in objects.values()) for c in columns), ""])
    return table(["source", "photographs", *columns, "origin and licence"], rows)


def curve_section(run: Path, points: int = 12) -> str:
    with (run / "curve.csv").open() as f:
        rows = list(csv.reader(f))
    head, body = rows[0], rows[1:]
    chosen = [body[round(i * (len(body) - 1) / (points - 1))] for i in range(points)] if len(body) > points else body
    return table(head, chosen)


def results_section(name: str, report: dict) -> str:
    out = [f"### {name}\n", f"{report['images']} photographs of {report['megapixels']:.2f} megapixels on average.\n"]
    rows, heights, groups = [], [], []
    for c in report["classes"]:
        low, high = c["cover90"]["low"], c["cover90"]["high"]
        bounds = "–" if low is None else f"{low:.2f}–{high:.2f}"
        rows.append([c["class"], c["objects"], share(c["cover90"]), bounds, share(c["anyClass"]), percent(c["background"]), c["threshold"], c["grow"]])
        heights += [[c["class"], g["name"], g["objects"], share(g["cover90"])] for g in c["byHeight"] if g["objects"]]
        groups += [[c["class"], "source", g["name"], g["objects"], share(g["cover90"]), ""] for g in c["bySource"]]
        for a in c["byAttribute"]:
            groups += [[c["class"], a["name"], g["name"], g["objects"], share(g["cover90"]), a["gap"]["verdict"]] for g in a["groups"]]
    out.append(table(["class", "objects", "covered", "95 %", "by any class", "background", "least score", "growth"], rows))
    out.append(table(["class", "height", "objects", "covered"], heights))
    out.append(table(["class", "by", "group", "objects", "covered", "verdict on the gap"], groups))
    return "\n".join(out)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", type=Path, required=True)
    p.add_argument("--labels", type=Path, required=True)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--eval", action="append", default=[], metavar="LEVEL=FILE")
    p.add_argument("--notes", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    config = json.loads((a.run / "config.json").read_text())
    keep = ("steps", "decay", "seed", "ranks", "device")
    digest = hashlib.sha256(a.model.read_bytes()).hexdigest()
    parts = [
        f"# {a.model.stem}\n",
        f"`{a.model.name}`, {a.model.stat().st_size / 2**20:.1f} MiB, sha256 `{digest}`. Written by `training/card.py`.\n",
        a.notes.read_text().strip() + "\n",
        "## Data\n",
        data_section(a.labels),
        "## Training\n",
        "Configuration: " + ", ".join(f"{k} {config[k]}" for k in keep) + ". Means over 50 steps:\n",
        curve_section(a.run),
        "## Evaluation\n",
        "Photographs that took no part in training; thresholds and growth were chosen on them by `benchmarks/calibrate.mjs`.\n",
        *(results_section(n, json.loads(Path(f).read_text())) for n, f in (e.split("=", 1) for e in a.eval)),
    ]
    a.out.write_text("\n".join(parts))


if __name__ == "__main__":
    main()

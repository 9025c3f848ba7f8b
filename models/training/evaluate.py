"""Coverage of labelled objects against redacted background, of an ONNX file, on labelled photographs.

  python evaluate.py --model face-body-plate.onnx --set face=DIR --set plate=DIR [--long-side 640] [--growth 0.1]

For the curve and for choosing between runs; what users are told comes from `anonymize eval`. DIR holds annotations.json
({"images": [{"file", "width", "height", "boxes": [{"x", "y", "w", "h", "ignore"?}]}]}) and the photographs.
cover90: share of objects of which at least 90 % of the box is covered by grown detections. background: share of the
area away from every label (an object's size / 4 on each side is left out) that is covered.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from network import CLASSES, STRIDES, VALUES

RASTER = 4  # px of the photograph per cell of the mask
BUDGETS = (0.003, 0.006, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04)


def letterbox(image: np.ndarray, long_side: int) -> tuple[np.ndarray, float]:
    """BGR uint8 to 1 x 3 x H x W RGB float32, multiples of 32, padded right and below; and px of the input per px."""
    h, w = image.shape[:2]
    scale = long_side / max(h, w)
    nh, nw = max(1, round(h * scale)), max(1, round(w * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    out = np.full((-(-nh // 32) * 32, -(-nw // 32) * 32, 3), 114, np.uint8)
    out[:nh, :nw] = cv2.resize(image, (nw, nh), interpolation=how)
    return np.ascontiguousarray(out[..., ::-1].transpose(2, 0, 1), dtype=np.float32)[None], scale


def decode(predictions: np.ndarray, height: int, width: int, cls: int, least: float) -> np.ndarray:
    """[n, 5] x0, y0, x1, y1 px of the input, score; best first."""
    grid, strides = [], []
    for s in STRIDES:
        y, x = np.mgrid[: height // s, : width // s]
        grid.append(np.stack((x, y), -1).reshape(-1, 2))
        strides.append(np.full(len(grid[-1]), s))
    p = predictions[0, :, cls * VALUES : cls * VALUES + VALUES]
    keep = p[:, 4] >= least
    p, g, s = p[keep], np.concatenate(grid)[keep], np.concatenate(strides)[keep, None]
    centre, half = (p[:, :2] + g) * s, np.exp(p[:, 2:4]) * s / 2
    return np.concatenate((centre - half, centre + half, p[:, 4:]), 1)[np.argsort(-p[:, 4], kind="stable")]


def nms(boxes: np.ndarray, most: float = 0.5) -> np.ndarray:
    kept: list[np.ndarray] = []
    for b in boxes[:600]:
        k = np.array(kept).reshape(-1, 5)
        inter = np.clip(np.minimum(k[:, 2:4], b[2:4]) - np.maximum(k[:, :2], b[:2]), 0, None).prod(1)
        area = (k[:, 2:4] - k[:, :2]).prod(1) + (b[2:4] - b[:2]).prod() - inter
        if not (inter > most * area).any():
            kept.append(b)
    return np.array(kept).reshape(-1, 5)


def measure(session: onnxruntime.InferenceSession, folder: Path, cls: int, long_side: int, growth: float, every: int = 1):
    """Per object the score at which it is covered to 90 %, and per photograph the score of each background cell."""
    covered: list[float] = []
    sources: list[str] = []
    background: list[np.ndarray] = []
    for item in json.loads((folder / "annotations.json").read_text())["images"][::every]:
        image = cv2.imread(str(folder / item["file"]))
        x, scale = letterbox(image, long_side)
        found = nms(decode(session.run(None, {"image": x})[0], x.shape[2], x.shape[3], cls, 0.01))
        h, w = -(-image.shape[0] // RASTER), -(-image.shape[1] // RASTER)
        score = np.zeros((h, w), np.float32)
        away = np.ones((h, w), bool)
        for b in found[::-1]:
            gx, gy = (b[2] - b[0]) * growth / 2, (b[3] - b[1]) * growth / 2
            x0, y0, x1, y1 = np.array([b[0] - gx, b[1] - gy, b[2] + gx, b[3] + gy]) / scale / RASTER
            part = score[max(0, round(y0)) : max(0, round(y1)), max(0, round(x0)) : max(0, round(x1))]
            np.maximum(part, b[4], out=part)
        for b in item["boxes"]:
            mx, my = b["w"] / 4, b["h"] / 4
            x0, y0, x1, y1 = (v / RASTER for v in (b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"]))
            away[max(0, int(y0 - my / RASTER)) : int(np.ceil(y1 + my / RASTER)), max(0, int(x0 - mx / RASTER)) : int(np.ceil(x1 + mx / RASTER))] = False
            if not b.get("ignore"):
                inside = score[max(0, round(y0)) : max(round(y0) + 1, round(y1)), max(0, round(x0)) : max(round(x0) + 1, round(x1))]
                covered.append(float(np.quantile(inside, 0.1)) if inside.size else 0.0)
                sources.append(item.get("source", ""))
        background.append(score[away])
    return np.array(covered), np.array(sources), background


def at_budgets(covered: np.ndarray, sources: np.ndarray, background: list[np.ndarray]) -> list[dict]:
    """The lowest threshold that keeps the mean background share within each budget, and what it covers."""
    thresholds = np.unique(np.round(np.geomspace(0.012, 0.9, 160), 3))
    share = np.array([np.mean([float((b >= t).mean()) if b.size else 0.0 for b in background]) for t in thresholds])
    rows = []
    for budget in BUDGETS:
        ok = np.flatnonzero(share <= budget)
        if len(ok):
            t = float(thresholds[ok[0]])
            by = {s: round(float((covered[sources == s] >= t).mean()), 3) for s in sorted(set(sources))}
            rows.append({"budget": budget, "threshold": t, "background": round(float(share[ok[0]]), 4), "cover90": round(float((covered >= t).mean()), 3), "by": by})
    return rows


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--set", action="append", required=True, metavar="CLASS=DIR")
    p.add_argument("--long-side", type=int, default=640)
    p.add_argument("--growth", type=float, default=0.1)
    p.add_argument("--every", type=int, default=1, help="each n-th photograph")
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.threads
    session = onnxruntime.InferenceSession(str(a.model), options, providers=["CPUExecutionProvider"])
    for s in a.set:
        name, folder = s.split("=", 1)
        print(name)
        for row in at_budgets(*measure(session, Path(folder), CLASSES.index(name), a.long_side, a.growth, a.every)):
            print(" ", json.dumps(row))


if __name__ == "__main__":
    main()

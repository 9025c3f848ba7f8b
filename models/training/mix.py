"""The weighted mean of networks that were trained one from the other, as a file (Wortsman et al., "Model soups", 2022).

  python mix.py --file last.onnx=0.75 --file wide.onnx=0.25 --out face-body-plate.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from export import export
from network import FaceBodyPlate
from warm_start import load_exported


def mean(parts: list[tuple[Path, float]]) -> FaceBodyPlate:
    """Weights as folded normalisation leaves them; shares need not add up to 1. Throws ValueError where a file holds another network."""
    total = sum(share for _, share in parts)
    model = FaceBodyPlate().eval()
    sums = {name: torch.zeros_like(v, dtype=torch.float64) for name, v in model.state_dict().items() if v.is_floating_point()}
    for path, share in parts:
        values = load_exported(path).state_dict()
        for name, value in sums.items():
            value += share / total * values[name].double()
    model.load_state_dict({name: value.float() for name, value in sums.items()}, strict=False)
    return model


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--file", action="append", required=True, metavar="FILE=SHARE")
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    parts = [(Path(file), float(share)) for file, share in (f.rsplit("=", 1) for f in a.file)]
    print(export(mean(parts), a.out), a.out)


if __name__ == "__main__":
    main()

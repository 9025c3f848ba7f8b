"""ONNX file of a trained network: normalisation folded, scores as probabilities, height and width dynamic.

  python export.py --checkpoint run/last.pt --out face-body-plate.onnx
"""

from __future__ import annotations

import argparse
import copy
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from network import CLASSES, Conv, FaceBodyPlate, VALUES

OPSET = 13


class Exported(nn.Module):
    """N x 3 x H x W (RGB 0-255) to `predictions` N x cells x 15, scores 0..1."""

    def __init__(self, model: FaceBodyPlate):
        super().__init__()
        self.model = copy.deepcopy(model).float().eval()
        for m in self.model.modules():
            if isinstance(m, Conv):
                m.conv = fuse_conv_bn_eval(m.conv, m.bn)
                m.bn = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        raw = self.model(x).unflatten(2, (len(CLASSES), VALUES))
        return torch.cat((raw[..., :4], raw[..., 4:].sigmoid()), -1).flatten(2)


def export(model: FaceBodyPlate, path: Path) -> str:
    """Writes the file, checks it against PyTorch in float64 at three sizes (largest difference 1e-4) and gives its sha256."""
    module = Exported(model)
    torch.onnx.export(
        module,
        (torch.zeros(1, 3, 320, 416),),
        str(path),
        opset_version=OPSET,
        dynamo=False,
        input_names=["image"],
        output_names=["predictions"],
        dynamic_axes={"image": {0: "n", 2: "height", 3: "width"}, "predictions": {0: "n", 1: "cells"}},
    )
    graph = onnx.load(str(path))
    graph.doc_string = ""
    onnx.helper.set_model_props(graph, {"family": "per-class-box", "classes": ",".join(CLASSES)})
    graph.producer_name, graph.producer_version = "anonymize", ""
    for node in graph.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(graph)
    onnx.save(graph, str(path))
    worst = parity(module, path)
    if worst > 1e-4:
        raise RuntimeError(f"Expected {path} to equal PyTorch within 1e-4 but received a difference of {worst:.2e}")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parity(module: nn.Module, path: Path) -> float:
    """Largest difference between onnxruntime and PyTorch over random pictures of three sizes.

    PyTorch counts in float64: in float32 both are off by up to 8e-5, so that their difference says less of the file.
    """
    module = copy.deepcopy(module).double()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    worst = 0.0
    for height, width in ((320, 416), (480, 640), (64, 96)):
        # Smooth pictures, as noise drives the exponents far beyond what photographs do.
        x = np.kron(rng.uniform(0, 255, (1, 3, height // 32, width // 32)), np.ones((32, 32))).astype(np.float32)
        with torch.no_grad():
            ours = module(torch.from_numpy(x).double()).numpy()
        worst = max(worst, float(np.abs(session.run(None, {"image": x})[0] - ours).max()))
    return worst


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    a = p.parse_args()
    model = FaceBodyPlate()
    model.load_state_dict(torch.load(a.checkpoint, map_location="cpu", weights_only=True)["ema"])
    print(export(model, a.out), a.out)


if __name__ == "__main__":
    main()

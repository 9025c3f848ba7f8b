"""Where the network starts: at YOLOX-nano (Apache-2.0, release 0.1.1rc0, ONNX), which also teaches it persons, or at a
file that export.py wrote."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from network import CLASSES, Conv, FaceBodyPlate, Others, PERSON_COCO, Predict, Teacher


PRODUCT = 0.7  # of the sum of two logits: about the logit of the product of their probabilities


def _values(graph: onnx.GraphProto) -> dict[str, torch.Tensor]:
    return {i.name: torch.tensor(numpy_helper.to_array(i)) for i in graph.initializer}


def _convolutions(path: Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Weight and bias of every convolution, in the order of the graph, which is the order of the modules."""
    graph = onnx.load(str(path)).graph
    values = _values(graph)
    return [(values[n.input[1]], values[n.input[2]]) for n in graph.node if n.op_type == "Conv"]


def _stem(weight: torch.Tensor) -> torch.Tensor:
    """16 x 12 x 3 x 3 after Focus (blocks top-left, bottom-left, top-right, bottom-right; BGR) to 16 x 3 x 6 x 6, RGB."""
    out = torch.zeros(weight.shape[0], 3, 6, 6)
    for block, (dy, dx) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        out[:, :, dy::2, dx::2] = weight[:, block * 3 : block * 3 + 3].flip(1)
    return out


def _put(module: Conv, weight: torch.Tensor, bias: torch.Tensor) -> None:
    if module.conv.weight.shape != weight.shape:
        raise ValueError(f"Expected a convolution of {tuple(module.conv.weight.shape)} but received {tuple(weight.shape)}")
    module.conv.weight.data.copy_(weight)
    # The published file has its normalisation folded in: start as the identity, plus the bias.
    module.bn.running_mean.zero_()
    module.bn.running_var.fill_(1.0 - module.bn.eps)
    module.bn.weight.data.fill_(1.0)
    module.bn.bias.data.copy_(bias)


def load(path: Path) -> tuple[FaceBodyPlate, Others, Teacher]:
    """The student with copied trunk and branches, what it scores other classes with, and the teacher, YOLOX-nano itself.

    Throws ValueError where the file is not YOLOX-nano.
    """
    source = _convolutions(path)
    student, others, teacher = FaceBodyPlate(), Others(), Teacher()
    trunk = [m for m in teacher.trunk.modules() if isinstance(m, Conv)]
    if len(source) != len(trunk) + 3 * 12:
        raise ValueError(f"Expected {len(trunk) + 36} convolutions of YOLOX-nano in {path} but received {len(source)}")
    for i, (module, (w, b)) in enumerate(zip(trunk, source)):
        _put(module, _stem(w) if i == 0 else w, b)
    rest = source[len(trunk) :]
    for level in range(3):
        # stem, 2 x (depthwise, pointwise), classes, 2 x (depthwise, pointwise), box, objectness
        part = rest[level * 12 : level * 12 + 12]
        convs = [m for m in teacher.heads[level].modules() if isinstance(m, Conv)]
        for module, (w, b) in zip(convs, part[:5] + part[6:10]):
            _put(module, w, b)
        cls, reg, obj = part[5], part[10], part[11]
        for layer, (w, b) in ((teacher.cls[level], cls), (teacher.reg[level], reg), (teacher.obj[level], obj)):
            layer.weight.data.copy_(w)
            layer.bias.data.copy_(b)
        _start_predictions(student.predict[level], cls, reg, obj)
        if level:
            _start_others(others.score[level - 1], cls, obj)
    student.trunk.load_state_dict(teacher.trunk.state_dict())
    student.heads.load_state_dict(teacher.heads.state_dict())
    return student, others, teacher.eval().requires_grad_(False)


def _start_predictions(predict: Predict, cls, reg, obj) -> None:
    """Bodies start as persons; faces and plates with the boxes of persons at a tenth, and a prior of 1 %."""
    body = CLASSES.index("body")
    predict.score.weight.data.normal_(0, 0.01)
    predict.score.bias.data.fill_(-4.6)
    predict.score.weight.data[body] = PRODUCT * torch.cat((cls[0][PERSON_COCO], obj[0][0]))
    predict.score.bias.data[body] = PRODUCT * (cls[1][PERSON_COCO] + obj[1][0])
    for c in range(len(CLASSES)):
        share = 1.0 if c == body else 0.1
        predict.box.weight.data[4 * c : 4 * c + 4] = share * reg[0]
        predict.box.bias.data[4 * c : 4 * c + 4] = share * reg[1]


def _start_others(layer: nn.Conv2d, cls, obj) -> None:
    keep = [c for c in range(len(cls[1])) if c != PERSON_COCO]
    layer.weight.data.copy_(PRODUCT * torch.cat((cls[0][keep], obj[0].expand(len(keep), -1, -1, -1)), 1))
    layer.bias.data.copy_(PRODUCT * (cls[1][keep] + obj[1]))


def blend(model: FaceBodyPlate, start: FaceBodyPlate, share: float) -> None:
    """Moves the weights of `model` by `share` towards those it once started from, as folded normalisation leaves them
    (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). Its own predictions stay, but for bodies.
    """
    body = CLASSES.index("body")
    own = {"score": [c for c in range(len(CLASSES)) if c != body], "box": [v for v in range(12) if v // 4 != body]}
    theirs = start.state_dict()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            before = value.clone()
            value.lerp_(theirs[name], share)
            if name.startswith("predict."):
                rows = own[name.split(".")[2]]
                value[rows] = before[rows]


def load_exported(path: Path) -> FaceBodyPlate:
    """The network of a file that export.py wrote, whose weights bear the names of the modules.

    Throws ValueError where the file holds another network.
    """
    values = {name.removeprefix("model."): v for name, v in _values(onnx.load(str(path)).graph).items()}
    model = FaceBodyPlate()
    folded = {name: m for name, m in model.named_modules() if isinstance(m, Conv)}
    last = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d) and name.startswith("predict.")}
    expected = {f"{name}.{value}" for name in (*(f"{n}.conv" for n in folded), *last) for value in ("weight", "bias")}
    if missing := sorted(expected - values.keys()):
        raise ValueError(f"Expected weights that export.py wrote in {path} but {len(missing)} are missing: {missing[0]} …")
    for name, module in folded.items():
        _put(module, values[f"{name}.conv.weight"], values[f"{name}.conv.bias"])
    for name, layer in last.items():
        layer.load_state_dict({value: values[f"{name}.{value}"] for value in ("weight", "bias")})
    return model


@torch.no_grad()
def insert_normalisation(model: nn.Module, batches) -> None:
    """Makes every batch normalisation what it would have been: statistics of its input, same output (in float32).

    `batches`: a few N x 3 x H x W tensors, RGB 0-255. Convolutions are measured one after the other in one pass each,
    since each sees the inputs that the former ones give.
    """
    sums: dict[nn.BatchNorm2d, list[torch.Tensor]] = {}

    def watch(bn: nn.BatchNorm2d, inputs) -> None:
        x = inputs[0]
        sums.setdefault(bn, []).append(torch.stack((x.mean((0, 2, 3)), (x * x).mean((0, 2, 3)))))

    model.eval()
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [m.register_forward_pre_hook(watch) for m in norms]
    for x in batches:
        model(x)
    for h in hooks:
        h.remove()
    for bn in norms:
        mean, square = torch.stack(sums[bn]).mean(0)
        var = (square - mean * mean).clamp_min(1e-6)
        bn.running_mean.copy_(mean)
        bn.running_var.copy_(var)
        bn.weight.data.copy_((var + bn.eps).sqrt())
        bn.bias.data.add_(mean)

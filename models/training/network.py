"""The network: YOLOX-nano's backbone, neck and decoupled head with one score and one box per class.

Topology after Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430), size "nano": depth 0.33, width 0.25,
depthwise convolutions, SiLU. Here the three classes are face, body and plate, there is no objectness, and Focus with its
3x3 convolution is written as the equal 6x6 convolution of stride 2.

Input: RGB 0-255, float, N x 3 x H x W, H and W multiples of 32.
Raw output: N x cells x 15, cells of strides 8, 16 and 32 in this order, row-major; per class dx, dy, log w, log h, score
logit. Box centre = (cell + d) * stride px, size = exp(.) * stride px.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
import torch.nn.functional as F

CLASSES = ("face", "body", "plate")
STRIDES = (8, 16, 32)
VALUES = 5  # dx, dy, log w, log h, score
PERSON_COCO = 0  # index of `person` among the 80 COCO classes of the warm start
OTHERS_COCO = 79  # the rest of them


class Conv(nn.Module):
    """Convolution, batch normalisation, SiLU."""

    def __init__(self, cin: int, cout: int, k: int, stride: int = 1, groups: int = 1, pad: int | None = None):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, stride, (k - 1) // 2 if pad is None else pad, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(cout, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.bn(self.conv(x)), inplace=True)


class DwConv(nn.Sequential):
    """Depthwise 3x3, then pointwise."""

    def __init__(self, cin: int, cout: int, stride: int = 1):
        super().__init__(Conv(cin, cin, 3, stride, groups=cin), Conv(cin, cout, 1))


class Bottleneck(nn.Module):
    def __init__(self, c: int, shortcut: bool):
        super().__init__()
        self.conv1 = Conv(c, c, 1)
        self.conv2 = DwConv(c, c)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        return x + y if self.shortcut else y


class Csp(nn.Module):
    """Cross-stage partial block."""

    def __init__(self, cin: int, cout: int, n: int, shortcut: bool = True):
        super().__init__()
        half = cout // 2
        self.conv1 = Conv(cin, half, 1)
        self.conv2 = Conv(cin, half, 1)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(n)))
        self.conv3 = Conv(cout, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(torch.cat((self.m(self.conv1(x)), self.conv2(x)), 1))


class Spp(nn.Module):
    """Spatial pyramid pooling; pools of 5, 9 and 13 as repeated pools of 5, which is equal and cheaper."""

    def __init__(self, cin: int, cout: int):
        super().__init__()
        self.conv1 = Conv(cin, cin // 2, 1)
        self.conv2 = Conv(cin * 2, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        a = F.max_pool2d(x, 5, 1, 2)
        b = F.max_pool2d(a, 5, 1, 2)
        return self.conv2(torch.cat((x, a, b, F.max_pool2d(b, 5, 1, 2)), 1))


class Trunk(nn.Module):
    """Backbone and feature pyramid: N x 3 x H x W to three maps of 64, 128 and 256 channels at strides 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, 16, 6, 2, pad=2)
        self.dark2 = nn.Sequential(DwConv(16, 32, 2), Csp(32, 32, 1))
        self.dark3 = nn.Sequential(DwConv(32, 64, 2), Csp(64, 64, 3))
        self.dark4 = nn.Sequential(DwConv(64, 128, 2), Csp(128, 128, 3))
        self.dark5 = nn.Sequential(DwConv(128, 256, 2), Spp(256, 256), Csp(256, 256, 1, shortcut=False))
        self.lateral = Conv(256, 128, 1)
        self.p4 = Csp(256, 128, 1, shortcut=False)
        self.reduce = Conv(128, 64, 1)
        self.p3 = Csp(128, 64, 1, shortcut=False)
        self.down3 = DwConv(64, 64, 2)
        self.n3 = Csp(128, 128, 1, shortcut=False)
        self.down4 = DwConv(128, 128, 2)
        self.n4 = Csp(256, 256, 1, shortcut=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        c3 = self.dark3(self.dark2(self.stem(x)))
        c4 = self.dark4(c3)
        lateral = self.lateral(self.dark5(c4))
        reduced = self.reduce(self.p4(torch.cat((F.interpolate(lateral, scale_factor=2.0), c4), 1)))
        p3 = self.p3(torch.cat((F.interpolate(reduced, scale_factor=2.0), c3), 1))
        n3 = self.n3(torch.cat((self.down3(p3), reduced), 1))
        n4 = self.n4(torch.cat((self.down4(n3), lateral), 1))
        return [p3, n3, n4]


class Branches(nn.Module):
    """Stem of one level of the head and its two branches; yields features for scores and for boxes."""

    def __init__(self, cin: int):
        super().__init__()
        self.stem = Conv(cin, 64, 1)
        self.score = nn.Sequential(DwConv(64, 64), DwConv(64, 64))
        self.box = nn.Sequential(DwConv(64, 64), DwConv(64, 64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        return self.score(x), self.box(x)


class Predict(nn.Module):
    """Last layer of one level. Scores see both branches, as YOLOX's product of class score and objectness did."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Conv2d(128, len(CLASSES), 1)
        self.box = nn.Conv2d(64, 4 * len(CLASSES), 1)

    def forward(self, score: Tensor, box: Tensor) -> Tensor:
        s = self.score(torch.cat((score, box), 1))
        b = self.box(box)
        n, _, h, w = s.shape
        out = torch.cat((b.view(n, len(CLASSES), 4, h, w), s.view(n, len(CLASSES), 1, h, w)), 2)
        return out.view(n, len(CLASSES) * VALUES, h * w)


class FaceBodyPlate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.heads = nn.ModuleList(Branches(c) for c in (64, 128, 256))
        self.predict = nn.ModuleList(Predict() for _ in STRIDES)

    def features(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What scores and boxes of each level are predicted from."""
        return [head(f) for f, head in zip(self.trunk(x), self.heads)]

    def predictions(self, features: list[tuple[Tensor, Tensor]]) -> Tensor:
        levels = [p(*f) for f, p in zip(features, self.predict)]
        return torch.cat(levels, 2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.predictions(self.features(x))


class Others(nn.Module):
    """Scores of COCO's other classes at the coarse strides, for training alone. Features to N x cells x 79 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.ModuleList(nn.Conv2d(128, OTHERS_COCO, 1) for _ in STRIDES[1:])

    def forward(self, features: list[tuple[Tensor, Tensor]]) -> Tensor:
        out = [layer(torch.cat(f, 1)).flatten(2) for layer, f in zip(self.score, features[1:])]
        return torch.cat(out, 2).transpose(1, 2)


class Teacher(nn.Module):
    """YOLOX-nano itself. Output N x cells x 5: dx, dy, log w, log h, probability of `person`; and N x cells of the coarse
    strides x 79: probabilities of the other classes."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.heads = nn.ModuleList(Branches(c) for c in (64, 128, 256))
        self.cls = nn.ModuleList(nn.Conv2d(64, 1 + OTHERS_COCO, 1) for _ in STRIDES)
        self.reg = nn.ModuleList(nn.Conv2d(64, 4, 1) for _ in STRIDES)
        self.obj = nn.ModuleList(nn.Conv2d(64, 1, 1) for _ in STRIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        persons, others = [], []
        for i, (f, head) in enumerate(zip(self.trunk(x), self.heads)):
            score, box = head(f)
            p = self.cls[i](score).sigmoid() * self.obj[i](box).sigmoid()
            persons.append(torch.cat((self.reg[i](box), p[:, :1]), 1).flatten(2))
            others.append(p[:, 1:].flatten(2))
        return torch.cat(persons, 2).transpose(1, 2), torch.cat(others[1:], 2).transpose(1, 2)


def cell_grid(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Cell indices (cells x 2: x, y) and strides (cells) of an input of height x width px, in the order of the output."""
    cells, strides = [], []
    for s in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // s), torch.arange(width // s), indexing="ij")
        cells.append(torch.stack((x, y), -1).reshape(-1, 2))
        strides.append(torch.full((cells[-1].shape[0],), s))
    return torch.cat(cells).float(), torch.cat(strides).float()

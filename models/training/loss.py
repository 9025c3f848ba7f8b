"""Loss: quality-aware scores and boxes for labelled faces and plates, the teacher's answers on every cell for bodies.

Bodies are not learnt from labels: no source labels all of them. The teacher's other classes are copied as well, so that
the network goes on telling persons from what is around them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from network import CLASSES, STRIDES, VALUES, cell_grid

BODY = CLASSES.index("body")
# Large cells cover much of a picture, so that a false alarm there costs a user more.
NEGATIVE = (0.75, 1.1, 1.8)
BODIES = (1.0, 1.25, 2.0)
LARGE = 2.0  # so many times more for a box as large as the picture, in proportion to the side of the box
BOX = 2.0
COPY = 1.5
OTHERS = 0.5
LEAST_QUALITY = 0.2  # so that boxes which are still far off learn to be found at all


def decode(raw: Tensor, cells: Tensor, strides: Tensor) -> Tensor:
    """[..., 4] of dx, dy, log w, log h to xyxy px."""
    centre = (raw[..., :2] + cells) * strides[..., None]
    half = raw[..., 2:].clamp(-6, 6).exp() * strides[..., None] / 2
    return torch.cat((centre - half, centre + half), -1)


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al., 2019) of pairs of boxes [n, 4] xyxy."""
    inter = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - inter
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = inter / union.clamp_min(1e-6)
    return iou, iou - (hull - union) / hull.clamp_min(1e-6)


class Loss(nn.Module):
    """Sums are divided by running counts of positives per class, as counts differ much from batch to batch."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positives", torch.full((len(CLASSES),), 100.0))
        self.register_buffer("persons", torch.tensor(100.0))
        self.register_buffer("things", torch.tensor(100.0))

    def _count(self, batch: dict[str, Tensor], teacher: Tensor, things: Tensor) -> None:
        found = torch.bincount(batch["cls"], minlength=len(CLASSES)).float()
        self.positives.lerp_(found, 0.02).clamp_(min=20.0)
        self.persons.lerp_(teacher[..., 4].sum(), 0.02).clamp_(min=10.0)
        self.things.lerp_(things.sum(), 0.02).clamp_(min=10.0)

    def forward(
        self, raw: Tensor, others: Tensor, teacher: Tensor, things: Tensor, batch: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """`raw` [B, cells, 15], `teacher` [B, cells, 5], `others` (logits) and `things` [B, coarse cells, 79], float32;
        batch: size, index, cell, cls [P] (no bodies), box [P, 4], counts [B, cells, 3].
        """
        self._count(batch, teacher, things)
        device = raw.device
        cells, strides = (t.to(device) for t in cell_grid(batch["size"], batch["size"]))
        out = raw.unflatten(2, (len(CLASSES), VALUES))
        n, c, k = batch["index"], batch["cell"], batch["cls"]
        persons = teacher[..., 4]

        predicted = decode(out[n, c, k, :4], cells[c], strides[c])
        iou, giou = overlap(predicted, batch["box"])
        share = 1.0 / self.positives[k]
        quality = iou.detach().clamp_min(LEAST_QUALITY)
        box = BOX * ((1 - giou) * share).sum()

        logits = out[..., 4]
        target = torch.zeros_like(logits)
        target[n, c, k] = quality
        target[..., BODY] = persons
        cross = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        index = (strides.log2() - 3).long()
        level, coarse = (torch.tensor(v, device=device)[index] for v in (NEGATIVE, BODIES))
        side = (out[..., 2:4].detach().clamp(-6, 6).mean(-1).exp() * strides[:, None] / batch["size"]).clamp(max=1.0)
        weight = logits.detach().sigmoid() * level[None, :, None] * (1 + LARGE * side) * batch["counts"]
        weight[n, c, k] = quality
        # Unweighted, so that the score becomes what the teacher says on average.
        weight[..., BODY] = COPY * coarse[None, :]
        scale = torch.stack((self.positives[0], self.persons, self.positives[2]))
        score = (cross * weight / scale).sum((0, 1))

        sure = persons > 0.1
        grid, step = cells.expand(*sure.shape, 2)[sure], strides.expand(sure.shape)[sure]
        _, like = overlap(decode(out[..., BODY, :4][sure], grid, step), decode(teacher[..., :4][sure], grid, step))
        copy = COPY * BOX * ((1 - like) * persons[sure]).sum() / self.persons
        beside = OTHERS * F.binary_cross_entropy_with_logits(others, things, reduction="sum") / self.things
        total = score.sum() + box + copy + beside
        return {"face": score[0], "body": score[BODY], "plate": score[2], "box": box, "copy": copy, "others": beside, "total": total}

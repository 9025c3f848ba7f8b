"""Trains the network. Resumable, the same numbers for the same seed and machine; CPU or one GPU.

  python train.py --labels labels.jsonl --root pool=DIR --root faces=DIR --root plates=DIR --bank DIR \
    --start yolox_nano.onnx --out run --steps 20000

Called again with the same arguments it goes on from run/last.pt. The learning rate stays level and falls in the last
`--decay` steps, so that a run can be made longer: start again from run/level.pt with more --steps. `--from` starts at a
file that export.py wrote instead of at YOLOX-nano, which stays the teacher for bodies.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import math
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.data import DataLoader

from data import Batches, Plan, Sampler, read_labels
from loss import Loss
from network import CLASSES, Conv, FaceBodyPlate, Others, Teacher
from render import PatchBank
from warm_start import blend, insert_normalisation, load, load_exported

RATE, DECAY, CLIP, EMA = 1.2e-3, 2e-2, 10.0, 0.9975
TRUNK = 0.4  # of the rate, for what comes trained
WARM = 300  # steps
SETTLE = 0.6  # share of the steps after which normalisation is frozen
FINAL = 0.02  # of the rate
# Edges and colours need no new training, and these maps are the largest: a quarter of the time.
FROZEN = ("stem", "dark2")
PARTS = ("model", "ema", "others", "loss", "optimiser")  # of a checkpoint


def arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--labels", type=Path, required=True)
    p.add_argument("--root", action="append", required=True, metavar="NAME=DIR")
    p.add_argument("--bank", type=Path, required=True)
    p.add_argument("--start", type=Path, required=True, help="YOLOX-nano 0.1.1rc0 as ONNX")
    p.add_argument("--from", type=Path, dest="exported", metavar="FILE", help="go on from this network, as export.py writes it")
    p.add_argument("--blend", type=float, default=0.0, metavar="SHARE", help="first move it back towards YOLOX-nano by this much")
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--steps", type=int, default=20000)
    p.add_argument("--decay", type=int, default=4000, help="last steps, in which the rate falls")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, help="processes that make pictures, per rank; default: 0 on CPU, 12 on a GPU")
    p.add_argument("--ranks", type=int, help="training processes; default: one per core on CPU, 1 on a GPU")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--save-every", type=int, default=250)
    a = p.parse_args()
    cpu = a.device == "cpu"
    a.workers = (0 if cpu else 12) if a.workers is None else a.workers
    a.ranks = (os.cpu_count() or 1 if cpu else 1) if a.ranks is None else a.ranks
    return a


def rate(step: int, steps: int, decay: int) -> float:
    """Share of the full rate: linear start, level, half a cosine at the end."""
    if step < WARM:
        return (step + 1) / WARM
    if step < steps - decay:
        return 1.0
    return FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * (step - (steps - decay)) / decay))


def folded(teacher: Teacher, device: str) -> nn.Module:
    """Inference only: normalisation folded, bfloat16, channels last."""
    t = copy.deepcopy(teacher)
    for m in t.modules():
        if isinstance(m, Conv):
            m.conv, m.bn = fuse_conv_bn_eval(m.conv, m.bn), nn.Identity()
    return t.to(device, torch.bfloat16).to(memory_format=torch.channels_last)


def tensor(image: Tensor, device: str, kind: torch.dtype) -> Tensor:
    """uint8 N x H x W x 3 to N x 3 x H x W, channels last in memory."""
    return image.to(device, non_blocking=True).permute(0, 3, 1, 2).to(kind, memory_format=torch.channels_last)


def optimiser(model: FaceBodyPlate, others: Others) -> torch.optim.Optimizer:
    groups = []
    for part, share in ((model.trunk, TRUNK), (model.heads, 1.0), (model.predict, 1.0), (others, 1.0)):
        parameters = [p for p in part.parameters() if p.requires_grad]
        for decay, chosen in ((DECAY, [p for p in parameters if p.ndim > 1]), (0.0, [p for p in parameters if p.ndim == 1])):
            groups.append({"params": chosen, "weight_decay": decay, "share": share})
    return torch.optim.AdamW(groups, lr=RATE)


class Run:
    """One rank. On CPU, ranks of one thread each are half again as fast as one rank of many threads."""

    def __init__(self, a: argparse.Namespace, rank: int = 0):
        self.a, self.rank = a, rank
        torch.manual_seed(a.seed)
        if a.device == "cpu":
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // a.ranks))
        roots = {n: Path(d) for n, d in (r.split("=", 1) for r in a.root)}
        self.photographs = read_labels(a.labels, roots)
        self.sampler = Sampler(self.photographs, PatchBank.load(a.bank))
        self.plan = Plan(a.steps, a.ranks)
        student, others, teacher = load(a.start)
        if a.exported:
            start, student = student, load_exported(a.exported)
            blend(student, start, a.blend)
        self.teacher = folded(teacher, a.device)
        self.loss = Loss().to(a.device)
        self.step = 0
        a.out.mkdir(parents=True, exist_ok=True)
        self.last = a.out / "last.pt"
        if not self.last.exists():
            first = Batches(self.sampler, self.plan, a.seed, 0)
            insert_normalisation(student, [tensor(first.make(i)["image"], "cpu", torch.float32) for i in range(4)])
        self.model = student.to(a.device).to(memory_format=torch.channels_last)
        for name in FROZEN:
            self.model.trunk.get_submodule(name).requires_grad_(False)
        self.ema = copy.deepcopy(self.model).requires_grad_(False)
        self.others = others.to(a.device)
        self.optimiser = optimiser(self.model, self.others)
        if self.last.exists():
            self._restore(torch.load(self.last, map_location=a.device, weights_only=True))
        if rank == 0:
            (a.out / "config.json").write_text(json.dumps({**{k: str(v) for k, v in vars(a).items()}, "photographs": self._counts()}, indent=2))

    def _counts(self) -> dict[str, dict[str, int]]:
        out: dict[str, dict[str, int]] = {}
        for p in self.photographs:
            row = out.setdefault(p.source, {"photographs": 0, **{c: 0 for c in CLASSES}})
            row["photographs"] += 1
            for c, name in enumerate(CLASSES):
                row[name] += int((p.objects[:, 0] == c).sum())
        return out

    def _restore(self, state: dict) -> None:
        for name in PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]

    def save(self, path: Path) -> None:
        if self.rank:
            return
        state = {n: getattr(self, n).state_dict() for n in PARTS}
        part = path.with_suffix(".part")
        torch.save({**state, "step": self.step}, part)
        part.replace(path)

    def train(self) -> None:
        a, device = self.a, self.a.device
        batches = DataLoader(
            Batches(self.sampler, self.plan, a.seed, self.step, self.rank), batch_size=None, num_workers=a.workers,
            prefetch_factor=3 if a.workers else None, pin_memory=device != "cpu",
        )
        curve = Curve(a.out / "curve.csv", self.step) if self.rank == 0 else None
        for batch in batches:
            if self.step >= a.steps:
                break
            losses, count = self.one(batch)
            self.step += 1
            if curve:
                curve.add(self.step, losses, count * a.ranks)
            if self.step % a.save_every == 0 or self.step == a.steps:
                self.save(self.last)
            if self.step == a.steps - a.decay:
                self.save(a.out / "level.pt")

    def one(self, batch: dict) -> tuple[dict[str, float], int]:
        a, device = self.a, self.a.device
        self.model.train()
        for name in FROZEN:
            self.model.trunk.get_submodule(name).eval()
        if self.step >= SETTLE * a.steps:
            for m in self.model.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
        for g in self.optimiser.param_groups:
            g["lr"] = RATE * g["share"] * rate(self.step, a.steps, a.decay)
        with torch.no_grad():
            persons, things = (t.float() for t in self.teacher(tensor(batch["clean"], device, torch.bfloat16)))
        batch = {k: v.to(device, non_blocking=True) if isinstance(v, Tensor) and k not in ("image", "clean") else v for k, v in batch.items()}
        with torch.autocast(device.split(":")[0], dtype=torch.bfloat16):
            features = self.model.features(tensor(batch["image"], device, torch.float32))
            raw, others = self.model.predictions(features), self.others(features)
        losses = self.loss(raw.float(), others.float(), persons, things, batch)
        self.optimiser.zero_grad(set_to_none=True)
        losses["total"].backward()
        self._share_gradients()
        nn.utils.clip_grad_norm_(self._learning(), CLIP)
        self.optimiser.step()
        self._average()
        return {k: float(v.detach()) for k, v in losses.items()}, len(batch["image"])

    def _learning(self) -> list[nn.Parameter]:
        return [*self.model.parameters(), *self.others.parameters()]

    @torch.no_grad()
    def _share_gradients(self) -> None:
        if self.a.ranks == 1:
            return
        grads = [p.grad for p in self._learning() if p.grad is not None]
        flat = torch.cat([g.flatten() for g in grads])
        dist.all_reduce(flat)
        for g, mean in zip(grads, (flat / self.a.ranks).split([g.numel() for g in grads])):
            g.copy_(mean.view_as(g))

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(EMA, (1 + self.step) / (10 + self.step))
        pairs = [(e, m) for e, m in zip(self.ema.state_dict().values(), self.model.state_dict().values())]
        torch._foreach_lerp_([e for e, _ in pairs if e.is_floating_point()], [m for e, m in pairs if e.is_floating_point()], 1 - keep)
        for e, m in pairs:
            if not e.is_floating_point():
                e.copy_(m)


class Curve:
    """Means over 50 steps, appended to a CSV and printed."""

    def __init__(self, path: Path, step: int):
        self.file = path.open("a" if step else "w", newline="")
        self.writer = csv.writer(self.file)
        self.rows: list[dict[str, float]] = []
        self.pictures, self.since = 0, time.monotonic()
        if not step:
            self.writer.writerow(("step", "pictures_per_second", "face", "body", "plate", "box", "copy", "others", "total"))

    def add(self, step: int, losses: dict[str, float], count: int) -> None:
        self.rows.append(losses)
        self.pictures += count
        if step % 50:
            return
        means = {k: float(np.mean([r[k] for r in self.rows])) for k in losses}
        speed = self.pictures / (time.monotonic() - self.since)
        self.writer.writerow((step, f"{speed:.1f}", *(f"{v:.4f}" for v in means.values())))
        self.file.flush()
        print(step, f"{speed:.1f}/s", {k: round(v, 3) for k, v in means.items()}, flush=True)
        self.rows, self.pictures, self.since = [], 0, time.monotonic()


def start(rank: int, a: argparse.Namespace, meeting: str) -> None:
    if a.ranks > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting}/store", rank=rank, world_size=a.ranks)
    Run(a, rank).train()


def main() -> None:
    a = arguments()
    with tempfile.TemporaryDirectory() as meeting:
        if a.ranks > 1:
            torch.multiprocessing.spawn(start, (a, meeting), a.ranks)
        else:
            start(0, a, meeting)


if __name__ == "__main__":
    main()

"""From detections to labels: boxes that teachers agree on become objects, doubtful ones zones outside the loss."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from teachers import Detections, pairwise_iou

MATCH_IOU = 0.4  # two detections at or above it are one object
INSIDE = 0.6  # a zone with this share of its area inside an object adds nothing to it
LARGE = 0.25  # of the photograph's long side: above it a box of one weak teacher is mostly a patch of ground or wall


@dataclass
class Labels:
    """Boxes x0, y0, x1, y1 in pixels: objects are positive, ignored neither positive nor negative."""

    objects: list[np.ndarray] = field(default_factory=list)
    ignored: list[np.ndarray] = field(default_factory=list)


@dataclass(frozen=True)
class FaceRule:
    """Scores from which faces of one source are believed; `alone` is YuNet's at two scales without CenterFace."""

    agreed: float = 0.3
    agreed_sum: float = 0.8  # of both teachers' scores; weaker pairs are often backs of heads
    alone: float | None = 0.75
    doubt_yunet: float = 0.3
    doubt_yunet_large: float = 0.6
    doubt_centerface: float = 0.2
    doubt_both: float = 0.1
    smallest: float = 6.0  # pixels of the longer side; smaller faces hold too little to learn from


@dataclass(frozen=True)
class PlateRule:
    """Scores from which plates of one source are believed: both networks `agreed`, or either one `doubt`."""

    agreed: float = 0.6
    doubt: float = 0.3


@dataclass
class _Candidate:
    box: np.ndarray  # score-weighted mean of its detections
    scores: list[float]  # the best per teacher or scale, 0 where it saw nothing


def _cluster(views: list[Detections]) -> list[_Candidate]:
    """Join the detections of several views of one photograph; every candidate keeps one score per view."""
    boxes = np.concatenate([view.boxes for view in views]) if views else np.zeros((0, 4))
    scores = np.concatenate([view.scores for view in views])
    origin = np.concatenate([np.full(len(view), index) for index, view in enumerate(views)])
    free = np.ones(len(boxes), bool)
    overlaps = pairwise_iou(boxes, boxes) >= MATCH_IOU
    found: list[_Candidate] = []
    for seed in np.argsort(-scores, kind="stable"):
        if not free[seed]:
            continue
        members = np.flatnonzero(free & (overlaps[seed] | (np.arange(len(boxes)) == seed)))
        free[members] = False
        best = [float(scores[members][origin[members] == v].max(initial=0)) for v in range(len(views))]
        found.append(_Candidate(np.average(boxes[members], axis=0, weights=scores[members]), best))
    return found


def _inside(zone: np.ndarray, boxes: list[np.ndarray]) -> float:
    """Largest share of the zone's area that lies in one of the boxes."""
    if not boxes:
        return 0.0
    stack = np.stack(boxes)
    size = np.minimum(zone[2:], stack[:, 2:]) - np.maximum(zone[:2], stack[:, :2])
    return float((np.prod(np.clip(size, 0, None), axis=1) / max(np.prod(zone[2:] - zone[:2]), 1e-9)).max())


def _beside(zones: list[np.ndarray], objects: list[np.ndarray]) -> list[np.ndarray]:
    """Zones that are not merely another view of an object."""
    return [
        zone
        for zone in zones
        if _inside(zone, objects) < INSIDE
        and (not objects or pairwise_iou(zone[None], np.stack(objects)).max() < MATCH_IOU)
    ]


def _settle(accepted: list[tuple[float, np.ndarray]], zones: list[np.ndarray]) -> Labels:
    """Objects in falling order of score without those that repeat a better one, and the zones beside them."""
    objects: list[np.ndarray] = []
    for _, box in sorted(accepted, key=lambda item: -item[0]):
        if _beside([box], objects):
            objects.append(box)
    return Labels(objects, _beside(zones, objects))


def agree_on_faces(yunet: list[Detections], centerface: Detections, long_side: int, rule: FaceRule) -> Labels:
    """Faces from YuNet at several scales and CenterFace; long_side is that of the photograph in pixels."""
    accepted: list[tuple[float, np.ndarray]] = []
    zones: list[np.ndarray] = []
    for candidate in _cluster([*yunet, centerface]):
        *scales, second = candidate.scores
        first, size = max(scales), float((candidate.box[2:] - candidate.box[:2]).max())
        agreed = first >= rule.agreed and second >= rule.agreed and first + second >= rule.agreed_sum
        alone = rule.alone is not None and sum(score >= rule.alone for score in scales) >= 2
        enough = rule.doubt_yunet_large if size > LARGE * long_side else rule.doubt_yunet
        doubtful = first >= enough or second >= rule.doubt_centerface or min(first, second) >= rule.doubt_both
        if (agreed or alone) and size >= rule.smallest:
            accepted.append((first + second, candidate.box))
        elif agreed or alone or doubtful:
            zones.append(candidate.box)
    return _settle(accepted, zones)


def agree_on_plates(networks: list[Detections], rule: PlateRule) -> Labels:
    """Plates that all networks see with the agreed score, and zones that any sees with the doubtful one."""
    accepted: list[tuple[float, np.ndarray]] = []
    zones: list[np.ndarray] = []
    for candidate in _cluster(networks):
        if min(candidate.scores) >= rule.agreed:
            accepted.append((sum(candidate.scores), candidate.box))
        elif max(candidate.scores) >= rule.doubt:
            zones.append(candidate.box)
    return _settle(accepted, zones)


def zones_beside_labels(found: list[Detections], labels: list[np.ndarray], threshold: float) -> list[np.ndarray]:
    """Detections of any teacher from the threshold on that are not a labelled box: things the labels may lack."""
    zones = [candidate.box for candidate in _cluster(found) if max(candidate.scores) >= threshold]
    stack = np.stack(labels) if labels else np.zeros((0, 4))
    return [
        zone
        for zone in _beside(zones, labels)
        if not ((zone[:2] + zone[2:] >= 2 * stack[:, :2]) & (zone[:2] + zone[2:] <= 2 * stack[:, 2:])).all(axis=1).any()
    ]

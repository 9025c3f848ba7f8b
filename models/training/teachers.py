"""Teacher detectors whose agreement labels photographs: YuNet and CenterFace for faces, HyperLPR for plates.

Boxes are float32 arrays [n, 4] of x0, y0, x1, y1 in pixels of the photograph; scores are float32 [n] in 0..1.
Photographs are uint8 [height, width, 3] in BGR, as OpenCV reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class Detections:
    """Boxes [n, 4] in pixels with their scores [n], in falling order of score."""

    boxes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)


def pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of a [n, 4] with every box of b [m, 4]: [n, m]."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a = np.prod(a[:, 2:] - a[:, :2], axis=1)[:, None]
    area_b = np.prod(b[:, 2:] - b[:, :2], axis=1)[None, :]
    return shared / np.maximum(area_a + area_b - shared, 1e-9)


def suppress(boxes: np.ndarray, scores: np.ndarray, iou: float, limit: int = 300) -> Detections:
    """Greedy non-maximum suppression; looks at the `limit` highest scores only."""
    order = np.argsort(-scores, kind="stable")[:limit]
    boxes, scores = boxes[order], scores[order]
    overlaps = pairwise_iou(boxes, boxes) >= iou
    kept: list[int] = []
    for i in range(len(boxes)):
        if not overlaps[i, kept].any():
            kept.append(i)
    return Detections(boxes[kept].astype(np.float32), scores[kept].astype(np.float32))


def open_session(model: Path | bytes) -> ort.InferenceSession:
    """A single-threaded CPU session: the caller runs one process per core."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def resize_long_side(photo: np.ndarray, long_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Photo scaled to long_side and padded with black to multiples of 32, and the scales [x, y, x, y] used."""
    height, width = photo.shape[:2]
    factor = long_side / max(height, width)
    new_width, new_height = max(1, round(width * factor)), max(1, round(height * factor))
    shrink = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(photo, (new_width, new_height), interpolation=shrink)
    padded = np.zeros((-(-new_height // 32) * 32, -(-new_width // 32) * 32, 3), np.uint8)
    padded[:new_height, :new_width] = resized
    scale_x, scale_y = new_width / width, new_height / height
    return padded, np.array([scale_x, scale_y, scale_x, scale_y], np.float32)


def as_input(photo: np.ndarray, rgb: bool) -> np.ndarray:
    """float32 [1, 3, height, width] with values 0..255."""
    ordered = photo[:, :, ::-1] if rgb else photo
    return np.ascontiguousarray(ordered.transpose(2, 0, 1)[None], dtype=np.float32)


class YuNet:
    """Face detector of libfacedetection (dynamic size, BGR 0..255)."""

    def __init__(self, model: Path) -> None:
        self.session = open_session(model)
        self.outputs = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox") for stride in STRIDES]

    def detect(self, photo: np.ndarray, long_side: int, threshold: float) -> Detections:
        padded, scale = resize_long_side(photo, long_side)
        values = self.session.run(self.outputs, {"input": as_input(padded, rgb=False)})
        boxes, scores = [], []
        for level, stride in enumerate(STRIDES):
            score = np.sqrt(np.clip(values[level][0, :, 0] * values[3 + level][0, :, 0], 0, 1))
            (cells,) = np.nonzero(score >= threshold)
            offsets = values[6 + level][0, cells]
            columns = padded.shape[1] // stride
            centre = (np.stack([cells % columns, cells // columns], axis=1) + offsets[:, :2]) * stride
            half = np.exp(offsets[:, 2:4]) * stride / 2
            boxes.append(np.concatenate([centre - half, centre + half], axis=1))
            scores.append(score[cells])
        return suppress(np.concatenate(boxes) / scale, np.concatenate(scores), iou=0.45)


class CenterFace:
    """Face detector of Star-Clouds/CenterFace (RGB 0..255); the export has a fixed size that is made dynamic here."""

    OUTPUTS = ["537", "538", "539"]  # heat map, log size (height, width), centre offset (y, x); all at stride 4
    STRIDE = 4

    def __init__(self, model: Path) -> None:
        import onnx  # only this teacher edits its graph

        graph = onnx.load(str(model))
        weights = {tensor.name for tensor in graph.graph.initializer}
        inputs = [value for value in graph.graph.input if value.name not in weights]
        del graph.graph.input[:]
        graph.graph.input.extend(inputs)
        del graph.graph.value_info[:]
        for value in [*graph.graph.input, *graph.graph.output]:
            for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
                if axis != 1:
                    dimension.Clear()
                    dimension.dim_param = f"{value.name}_{axis}"
        self.session = open_session(graph.SerializeToString())

    def detect(self, photo: np.ndarray, long_side: int, threshold: float) -> Detections:
        padded, scale = resize_long_side(photo, long_side)
        heat, size, offset = self.session.run(self.OUTPUTS, {"input.1": as_input(padded, rgb=True)})
        rows, columns = np.nonzero(heat[0, 0] >= threshold)
        half_height, half_width = np.exp(size[0][:, rows, columns]) * self.STRIDE / 2
        y = (rows + offset[0, 0, rows, columns] + 0.5) * self.STRIDE
        x = (columns + offset[0, 1, rows, columns] + 0.5) * self.STRIDE
        boxes = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)
        return suppress(boxes / scale, heat[0, 0, rows, columns], iou=0.3)


class HyperLpr:
    """Plate detector of HyperLPR (RGB 0..1, fixed square input, black centred letterbox)."""

    def __init__(self, model: Path) -> None:
        self.session = open_session(model)
        self.input = self.session.get_inputs()[0].name
        self.side = int(self.session.get_inputs()[0].shape[2])

    def detect(self, photo: np.ndarray, threshold: float) -> Detections:
        height, width = photo.shape[:2]
        factor = self.side / max(height, width)
        new_width, new_height = max(1, round(width * factor)), max(1, round(height * factor))
        shrink = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        left, top = (self.side - new_width) // 2, (self.side - new_height) // 2
        square = np.zeros((self.side, self.side, 3), np.uint8)
        square[top : top + new_height, left : left + new_width] = cv2.resize(
            photo, (new_width, new_height), interpolation=shrink
        )
        values = self.session.run(None, {self.input: as_input(square, rgb=True) / 255})[0][0]
        scores = values[:, 4] * values[:, 13:15].max(axis=1)
        values, scores = values[scores >= threshold], scores[scores >= threshold]
        half = values[:, 2:4] / 2
        boxes = np.concatenate([values[:, :2] - half, values[:, :2] + half], axis=1) - [left, top, left, top]
        scale = np.array([new_width / width, new_height / height] * 2)
        return suppress(boxes / scale, scores, iou=0.45)

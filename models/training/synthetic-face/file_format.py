"""Writes models/synthetic-face.bin; src/models/face-model.ts reads it and documents the layout."""
import struct

import numpy as np

MAGIC = b"FACEAAM1"


def quantise(rows):
    """Rows as int8 and the scale of each: value = code * scale."""
    scale = np.abs(rows).max(1) / 127
    return np.round(rows / scale[:, None]).astype(np.int8), scale.astype("<f4")


def export(out, *, uv, mean, triangles, measures, movements, shape_modes, shape_coefficients, alpha, mask, texture_mean,
           texture_modes, texture_coefficients, tones):
    height, width = alpha.shape
    codes, scales = quantise(texture_modes)
    people, people_scales = quantise(np.concatenate([shape_coefficients, texture_coefficients], 1).T)
    assert (alpha > 0).sum() == mask.sum() and len(uv) < 256
    header = struct.pack("<8s8H", MAGIC, width, height, len(uv), len(triangles), len(measures), len(shape_modes), len(texture_modes), people.shape[1])
    parts = [
        header,
        uv.astype("<f4"), mean.astype("<f4"), measures.astype("<f4"), movements.astype("<f4"), shape_modes.astype("<f4"),
        scales, people_scales, texture_mean.astype("<f4"),
        triangles.astype("u1"), alpha.astype("u1"), np.round(tones * 255).astype("u1"),
        people.T.copy(), codes,
    ]
    data = b"".join(p if isinstance(p, bytes) else p.tobytes() for p in parts)
    with open(out, "wb") as file:
        file.write(data)
    print(out, len(data), "bytes")

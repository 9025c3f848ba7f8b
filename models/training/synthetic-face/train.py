"""Trains the appearance model of faces of nobody (Cootes, Edwards and Taylor, 2001) from generated portraits.

    python train.py <folder of portraits> <landmarks.json> <synthetic-face.bin>
"""
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import ConvexHull

from expression import NAMES, measures, movements
from file_format import export
from geometry import *

SHAPE_MODES = 14
TEXTURE_MODES = 56


def load(folder, key, points):
    """The face at about twice the frame's resolution: image [h,w,3] 0..1 and the points in it."""
    size = np.ptp(points[:17, 0])
    image = Image.open(Path(folder) / key.split("/")[0] / "512" / f"{key.split('/')[1]}.jpg").convert("RGB")
    scale = min(1.0, 2 * JAW_WIDTH / size)
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.BOX if scale < 0.5 else Image.LANCZOS)
    return np.asarray(image, np.float32) / 255, points * scale


def align(shapes):
    """Generalised Procrustes analysis: the symmetric mean, [68,2], in pixels of the frame."""
    shapes = np.concatenate([shapes, shapes[:, MIRRORED] * [-1, 1]])
    z = shapes[..., 0] + 1j * shapes[..., 1]
    z = z - z.mean(1, keepdims=True)
    mean = z[0] / np.abs(z[0]).mean()
    for _ in range(10):
        fit = (z.conj() * mean).sum(1) / (np.abs(z) ** 2).sum(1)
        mean = (z * fit[:, None]).mean(0)
        mean = mean / np.abs(mean).mean()
    xy = np.stack([mean.real, mean.imag], 1)
    xy = (xy + xy[MIRRORED] * [-1, 1]) / 2
    angle = np.arctan2(xy[16, 1] - xy[0, 1], xy[16, 0] - xy[0, 0])
    c, s = np.cos(-angle), np.sin(-angle)
    xy = xy @ np.array([[c, s], [-s, c]])
    return xy * JAW_WIDTH / (xy[16, 0] - xy[0, 0])


def place(mean):
    """Moves the mean so that the face with its forehead is centred in the frame."""
    points = all_points(mean)
    low, high = points.min(0), points.max(0)
    return mean + [WIDTH / 2, HEIGHT / 2] - (low + high) / 2


def frame_map(uv, triangles):
    """For each pixel of the frame: its triangle (-1 outside) and barycentric weights."""
    index = np.full((HEIGHT, WIDTH), -1)
    weights = np.zeros((HEIGHT, WIDTH, 3))
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    for k, t in enumerate(triangles):
        a, b, c = uv[t]
        m = np.array([[b[0] - a[0], c[0] - a[0]], [b[1] - a[1], c[1] - a[1]]])
        uvw = np.linalg.solve(m, np.stack([xs.ravel() - a[0], ys.ravel() - a[1]]))
        w = np.stack([1 - uvw.sum(0), uvw[0], uvw[1]], 1).reshape(HEIGHT, WIDTH, 3)
        hit = (w >= -1e-6).all(2)
        index[hit], weights[hit] = k, w[hit]
    return index, weights


def warp(image, points, triangles, index, weights):
    """The image in the frame: [HEIGHT, WIDTH, 3]; grown smoothly outside the mesh."""
    hit = index >= 0
    places = (points[triangles[index[hit]]] * weights[hit][..., None]).sum(1)
    out = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for c in range(3):
        out[..., c][hit] = ndimage.map_coordinates(image[..., c], [places[:, 1] - 0.5, places[:, 0] - 0.5], order=1, mode="nearest")
    return out


def pupils(image, points):
    """Centres of the irises: the darkest mass between the lids, [2,2]."""
    centres = []
    for e in EYES:
        eye = points[e]
        width = np.linalg.norm(eye[3] - eye[0])
        middle = eye.mean(0)
        r = max(3, int(width * 0.5))
        ys, xs = np.mgrid[int(middle[1]) - r:int(middle[1]) + r + 1, int(middle[0]) - r:int(middle[0]) + r + 1]
        ys, xs = ys.clip(0, image.shape[0] - 1), xs.clip(0, image.shape[1] - 1)
        luma = ndimage.gaussian_filter(image.mean(2)[ys, xs], width * 0.04)
        near = np.exp(-(((xs - middle[0]) / (0.22 * width)) ** 2 + ((ys - middle[1]) / (0.10 * width)) ** 2) / 2)
        dark = np.clip(np.quantile(luma[near > 0.3], 0.5) - luma, 0, None) ** 1.5 * near
        total = dark.sum()
        centre = middle if total <= 0 else np.array([(dark * xs).sum(), (dark * ys).sum()]) / total + 0.5
        centres.append(centre)
    return np.array(centres)


GROUPS = (EYES[0], EYES[1], list(range(17, 22)), list(range(22, 27)), list(range(27, 36)), list(range(48, 68)))


def feature_shifts(textures, uv):
    """How far each feature of each face lies from where it lies in the mean: [n, groups, 2], pixels of the frame."""
    luma = textures.mean(3)
    luma = luma - ndimage.gaussian_filter(luma, (0, 12, 12))
    luma = ndimage.gaussian_filter(luma, (0, 0.8, 0.8))
    luma = luma / luma[:, 40:-30, 30:-30].std((1, 2), keepdims=True)
    mean = (luma.mean(0) + luma.mean(0)[:, ::-1]) / 2
    reach = 4
    moved = np.zeros((len(textures), len(GROUPS), 2))
    for g, group in enumerate(GROUPS):
        (x1, y1), (x2, y2) = uv[group].min(0).astype(int) - 5, uv[group].max(0).astype(int) + 6
        want = mean[y1:y2, x1:x2]
        want = (want - want.mean()) / want.std()
        score = np.zeros((len(textures), 2 * reach + 1, 2 * reach + 1))
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                have = luma[:, y1 + dy:y2 + dy, x1 + dx:x2 + dx]
                have = (have - have.mean((1, 2), keepdims=True)) / have.std((1, 2), keepdims=True)
                score[:, dy + reach, dx + reach] = (have * want).mean((1, 2)) - 0.004 * (dx * dx + dy * dy)
        for i, s in enumerate(score):
            y, x = np.unravel_index(s.argmax(), s.shape)
            moved[i, g] = x - reach, y - reach
    moved -= moved.mean(0)
    return moved * 0.7


def main(folder, landmarks, out):
    entries = json.load(open(landmarks))
    keys = sorted(entries)
    loaded = [load(folder, k, np.array(entries[k]["landmarks"])) for k in keys]
    shapes = np.stack([points for _, points in loaded])
    mean = place(align(shapes))
    # Frontal shapes: what is left when the pose is taken off. Two rounds, since the mean was taken with it.
    for _ in range(3):
        model = np.column_stack([mean, DEPTH])
        poses = [fit_pose(s, model) for s in shapes]
        fronts = np.stack([frontal(s, pose, DEPTH) for s, pose in zip(shapes, poses)])
        both = np.concatenate([fronts, fronts[:, MIRRORED] * [-1, 1] + [WIDTH, 0]])
        mean = place(both.mean(0))
    print("yaw sd", np.degrees(np.std([p[0][0] for p in poses])), "pitch", np.degrees(np.mean([p[0][1] for p in poses])), np.degrees(np.std([p[0][1] for p in poses])))
    print("residual sd px", np.std(both - both.mean(0)))

    uv = all_points(mean)
    # The frame's mouth is open a little, so that the lips do not share pixels.
    uv[[61, 62, 63]] -= [0, 1.5]
    uv[[65, 66, 67]] += [0, 1.5]
    triangles, mouth = triangulate(uv)
    everywhere = np.concatenate([triangles, mouth])
    index, weights = frame_map(uv, everywhere)
    depths = all_depths()

    points = [p.copy() for _, p in loaded]
    for round_ in range(5):
        textures = []
        for i, ((image, _), pose) in enumerate(zip(loaded, poses)):
            front = frontal(points[i], pose, DEPTH)
            full = posed(np.column_stack([all_points(front), depths]), pose)
            full[:LANDMARKS] = points[i]
            full[-2:] = pupils(image, points[i])
            textures.append(warp(image, full, everywhere, index, weights))
        textures = np.stack(textures)
        if round_ == 4:
            break
        moved = feature_shifts(textures, uv)
        print("features moved by", np.abs(moved).mean((0, 2)).round(2), "px")
        for i, pose in enumerate(poses):
            linear = np.exp(pose[0][3]) * rotation(*pose[0][:3])[:2, :2]
            for g, group in enumerate(GROUPS):
                points[i][group] += linear @ moved[i, g]
    fronts = np.stack([frontal(p, pose, DEPTH) for p, pose in zip(points, poses)])
    front_mean = np.concatenate([fronts, fronts[:, MIRRORED] * [-1, 1] + [WIDTH, 0]]).mean(0)
    good, ratios, valid, tones = flatten(textures, uv, index >= 0)
    write(out, front_mean, uv, triangles, fronts[good], ratios, valid, tones, index >= 0)


def skin_likeness(log_rgb, sure):
    """Whether each pixel could be skin, going by the pixels that surely are."""
    blur = lambda a: ndimage.gaussian_filter(a, 1)
    y = log_rgb.mean(2)
    v = np.stack([blur(y), blur(log_rgb[..., 0] - log_rgb[..., 1]), blur(log_rgb[..., 2] - log_rgb[..., 1])], -1)
    middle = np.median(v[sure], 0)
    spread = np.median(np.abs(v[sure] - middle), 0) * 1.48 + [0.12, 0.03, 0.05]
    d = ((v - middle) / spread) ** 2
    return (d[..., 0] < 10) & (d[..., 1] + d[..., 2] < 12), d[..., 1] + d[..., 2] < 40


def flatten(textures, uv, mask):
    """Takes light (a quadratic surface through its logarithm, highlights) and complexion off, and says where the rest is known.

    Textures are brightness over that of the skin, and red and blue over brightness less those of the skin.
    """
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    sides = ConvexHull(uv[17:LANDMARKS]).equations
    features = (sides[:, 0, None, None] * xs + sides[:, 1, None, None] * ys + sides[:, 2, None, None]).max(0) < 3
    temples = (ys < uv[[36, 45], 1].mean() + 4) & ((xs < uv[17, 0] + 1) | (xs > uv[26, 0] - 1))
    features &= ~temples
    low = ys > uv[33, 1]
    eyes = np.zeros_like(features)
    for e in EYES:
        eyes |= (np.abs(xs - uv[e, 0].mean()) < 16) & (np.abs(ys - uv[e, 1].mean()) < 7)
    sure = features & ~eyes & (ys > uv[[19, 24], 1].max() + 4) & (ys < uv[48:60, 1].min() - 2) & mask
    u, v = (xs - WIDTH / 2) / WIDTH, (ys - HEIGHT / 2) / HEIGHT
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], -1)
    ratios, known, tones = [], [], []
    for t in textures:
        skin, nearly = skin_likeness(np.log(np.clip(t, 0.02, None)), sure)
        skin = ndimage.binary_erosion(ndimage.binary_opening(skin), iterations=3, border_value=1)
        nearly = ndimage.binary_erosion(ndimage.binary_opening(nearly), iterations=2, border_value=1)
        ok = mask & (features | (low & nearly) | skin)
        lit = ok & skin & ~eyes
        surface = np.ones_like(t)
        for c in range(3):
            y = np.log(np.clip(t[..., c], 0.02, None))
            w = np.ones(lit.sum())
            for _ in range(6):
                fit = np.linalg.lstsq(terms[lit] * w[:, None], y[lit] * w, rcond=None)[0]
                w = 1 / np.sqrt(1 + ((y[lit] - terms[lit] @ fit) / 0.12) ** 2)
            surface[..., c] = np.exp(np.clip(terms[..., 1:] @ fit[1:], -0.8, 0.8))
        flat = t / surface
        tone = np.clip(np.median(flat[sure & ok], 0), 0.02, 1)
        brightness = flat @ LUMA
        base = tone @ LUMA
        ratio = np.clip(brightness / base, 0, 2.2)
        # Highlights belong to the light, not to the face.
        ratio = ratio - 0.6 * np.maximum(0, ratio - 1.1) * ~eyes
        # Dark pixels have no colour to speak of.
        sure_colour = brightness / (brightness + 0.06)
        red = ((flat[..., 0] / np.maximum(brightness, 0.02)) - tone[0] / base) * sure_colour
        blue = ((flat[..., 2] / np.maximum(brightness, 0.02)) - tone[2] / base) * sure_colour
        lips = ndimage.gaussian_filter(((ys > uv[48:60, 1].min() - 3) & (ys < uv[48:60, 1].max() + 3)).astype(float), 2)
        colour = (0.6 + 0.4 * lips) * ndimage.gaussian_filter(np.stack([np.clip(red, -0.22, 0.22), np.clip(blue, -0.22, 0.22)]), (0, 0.7, 0.7))
        ratios.append(np.stack([ratio, *colour], -1))
        known.append(ok)
        tones.append(np.clip(tone, 0, 1))
    known = np.stack(known)
    share = known.sum((1, 2)) / mask.sum()
    good = share > 0.82
    print("portraits used", good.sum(), "of", len(good))
    return good, np.stack(ratios)[good], known[good], np.stack(tones)[good]


class Packing:
    """Textures [.., 3] (brightness, red, blue) as vectors: brightness of every pixel of the mesh, colours of every second."""

    def __init__(self, mask):
        self.mask = mask
        self.half = mask.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).any((1, 3))
        self.n, self.h = int(mask.sum()), int(self.half.sum())

    def pack(self, textures):
        shrink = lambda a: a.reshape(len(a), HEIGHT // 2, 2, WIDTH // 2, 2).mean((2, 4))[:, self.half]
        return np.concatenate([textures[..., 0][:, self.mask], shrink(textures[..., 1]), shrink(textures[..., 2])], 1)

    def unpack(self, x):
        y = np.zeros((len(x), HEIGHT, WIDTH))
        y[:, self.mask] = x[:, : self.n]
        colour = np.zeros((2, len(x), HEIGHT // 2, WIDTH // 2))
        colour[0][:, self.half], colour[1][:, self.half] = x[:, self.n : self.n + self.h], x[:, self.n + self.h :]
        return np.stack([y, *(np.repeat(np.repeat(c, 2, 1), 2, 2) for c in colour)], -1)


LUMA = np.array([0.3, 0.59, 0.11])


def components(x):
    """Principal components: mean, left vectors, singular values, right vectors."""
    mean = x.mean(0)
    values, vectors = np.linalg.eigh((x - mean) @ (x - mean).T)
    values, vectors = np.sqrt(np.maximum(values[::-1], 1e-12)), vectors[:, ::-1]
    return mean, vectors, values, (vectors.T @ (x - mean)) / values[:, None]


def complete(ratios, known, packing):
    """Fills in what hair and scarves hide with what the other faces say (principal components with missing data)."""
    weight = ndimage.gaussian_filter(known.astype(np.float32), (0, 2, 2)) * known
    weight = np.where(known, np.clip(2 * weight - 1, 0, 1), 0)[..., None]
    mean = (ratios * weight).sum(0) / np.maximum(weight.sum(0), 1e-3)
    filled = weight * ratios + (1 - weight) * mean
    for _ in range(8):
        mean, left, values, right = components(packing.pack(filled))
        k = 20
        guess = packing.unpack(mean + (left[:, :k] * values[:k]) @ right[:k])
        filled = weight * ratios + (1 - weight) * guess
    return filled


def opacity(uv, mask):
    """Soft towards the outline, softer towards the hairline: [HEIGHT, WIDTH] of 1..255 in the mesh, 0 outside."""
    ys = np.mgrid[0:HEIGHT, 0:WIDTH][0] + 0.5
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    smooth = lambda t: np.clip(t, 0, 1) ** 2 * (3 - 2 * np.clip(t, 0, 1))
    top = uv[17:27, 1].mean()
    edge = np.where(ys < top, 5 + 12 * np.clip((top - ys) / 35, 0, 1), 5)
    return np.where(mask, np.maximum(1, np.round(255 * smooth(depth / edge))), 0).astype(np.uint8)


def write(out, front_mean, uv, triangles, fronts, ratios, known, tones, mask):
    packing = Packing(mask)
    mirrored = lambda a: np.concatenate([a, a[:, :, ::-1]])
    filled = complete(mirrored(ratios), mirrored(known), packing)
    mean, left, values, right = components(packing.pack(filled))
    print("texture explained", [(k, round(float((values[:k] ** 2).sum() / (values ** 2).sum()), 3)) for k in (24, 40, 48, 56, 64)])
    k = TEXTURE_MODES
    coefficients = left[:, :k] * values[:k]

    mean3 = np.column_stack([all_points(front_mean), all_depths()])
    shapes = np.concatenate([fronts, fronts[:, MIRRORED] * [-1, 1] + [WIDTH, 0]]) - front_mean
    numbers = np.einsum("ipc,npc->ni", measures(), shapes)
    print("expression sd", dict(zip(NAMES, numbers.std(0).round(2))), "mean", np.einsum("ipc,pc->i", measures(), front_mean).round(1))
    shapes = shapes - np.einsum("ni,ipc->npc", numbers, movements()[:, :LANDMARKS])
    _, shape_left, shape_values, shape_right = components(shapes.reshape(len(shapes), -1))
    s = SHAPE_MODES
    print("shape explained", round(float((shape_values[:s] ** 2).sum() / (shape_values ** 2).sum()), 3))
    shape_modes = all_points(shape_right[:s].reshape(s, LANDMARKS, 2))
    shape_coefficients = shape_left[:, :s] * shape_values[:s]

    export(out, uv=uv, mean=mean3, triangles=triangles, measures=measures(), movements=movements(),
           shape_modes=shape_modes, shape_coefficients=shape_coefficients, alpha=opacity(uv, mask),
           mask=mask, texture_mean=mean, texture_modes=right[:k], texture_coefficients=coefficients,
           tones=np.concatenate([tones, tones]))


if __name__ == "__main__":
    main(*sys.argv[1:])

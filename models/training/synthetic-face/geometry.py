"""The mesh over a face and how it is posed. What the product does with it again is in src/redact/synthetic/face."""
import numpy as np
from scipy.spatial import Delaunay

# Pixels of the shape-free frame in which textures lie.
WIDTH, HEIGHT = 144, 176
JAW_WIDTH = 118
LANDMARKS = 68
MIRRORED = np.array(
    list(range(16, -1, -1)) + list(range(26, 16, -1)) + [27, 28, 29, 30] + list(range(35, 30, -1))
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    + list(range(54, 47, -1)) + list(range(59, 54, -1)) + list(range(64, 59, -1)) + [67, 66, 65]
)
EYES = (list(range(36, 42)), list(range(42, 48)))
INNER_MOUTH = list(range(60, 68))

# Depth of the points in mm, towards the viewer, 0 at the outer corners of the eyes, for a face whose outline is
# 145 mm wide at the ears. Estimated by hand from how faces are built; symmetric.
_JAW = [-55, -51, -46, -38, -27, -13, 1, 10, 14]
_DEPTH = (
    _JAW + _JAW[-2::-1]
    + [2, 10, 14, 17, 18, 18, 17, 14, 10, 2]
    + [16, 23, 31, 39, 17, 22, 26, 22, 17]
    + [0, 8, 9, 7, 8, 7, 7, 9, 8, 0, 7, 8]
    + [12, 19, 24, 25, 24, 19, 12, 19, 22, 23, 22, 19]
    + [12, 19, 21, 19, 12, 18, 19, 18]
)
DEPTH = np.array(_DEPTH, float) * JAW_WIDTH / 145

# Points beyond the 68: an arc over the forehead from ear to ear, three points on the forehead, two on each cheek,
# two pupils. All follow from the 68 in a frontal face.
ARC_ANGLES = np.radians(np.arange(162, 0, -18))
EXTRA = len(ARC_ANGLES) + 3 + 4 + 2
FOREHEAD = 0.46  # height of the hairline above the brows in distances from the brows to the chin


def extra_points(shape):
    """[..., 68, 2] frontal -> [..., EXTRA, 2]."""
    p = lambda i: shape[..., i, :]
    brows = shape[..., 17:27, :].mean(-2)
    chin, left, right = p(8), p(0), p(16)
    up = (brows - chin) * FOREHEAD
    base = (left + right) / 2
    top = brows + up
    half = (right - left) / 2
    rise = top - base
    arc = [base + np.cos(a) * half * 0.98 + np.sin(a) * rise for a in ARC_ANGLES]
    inner = [p(19) + up * 0.5, brows + up * 0.55, p(24) + up * 0.5]
    cheeks = [
        (p(1) + p(41) * 1.2) / 2.2, (p(3) + p(48)) / 2,
        (p(15) + p(46) * 1.2) / 2.2, (p(13) + p(54)) / 2,
    ]
    pupils = [shape[..., e, :].mean(-2) for e in EYES]
    return np.stack(arc + inner + cheeks + pupils, -2)


def extra_depth():
    mm = JAW_WIDTH / 145
    arc = [(-55 + 57 * np.sin(a)) * mm for a in ARC_ANGLES]
    inner = [14 * mm, 19 * mm, 14 * mm]
    cheek = [4 * mm, 2 * mm] * 2
    return np.array(arc + inner + cheek + [11 * mm] * 2)


def all_points(shape):
    return np.concatenate([shape, extra_points(shape)], -2)


def all_depths():
    return np.concatenate([DEPTH, extra_depth()])


def inside(polygon, point):
    """Even-odd rule."""
    x, y = point
    a, b = polygon, np.roll(polygon, -1, 0)
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return bool((crosses & (x < at)).sum() % 2)


def triangulate(uv):
    """Triangles over the frame, clockwise on screen, a fan around each pupil; and those within the mouth."""
    triangles, within = [], []
    eyes = [uv[e] for e in EYES]
    mouth = uv[INNER_MOUTH]
    pupils = [len(uv) - 2, len(uv) - 1]
    mesh = Delaunay(uv[:-2]).simplices
    for t in mesh:
        c = uv[t].mean(0)
        if inside(mouth, c):
            within.append(list(t))
        elif not any(inside(e, c) for e in eyes):
            triangles.append(list(t))
    for e, pupil in zip(EYES, pupils):
        triangles += [[e[i], e[(i + 1) % 6], pupil] for i in range(6)]
    return clockwise(uv, triangles), clockwise(uv, within)


def clockwise(uv, triangles):
    out = []
    for a, b, c in triangles:
        (x1, y1), (x2, y2), (x3, y3) = uv[a], uv[b], uv[c]
        area = (x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)
        if abs(area) > 1e-3:
            out.append([a, b, c] if area > 0 else [a, c, b])
    return np.array(out)


def rotation(yaw, pitch, roll):
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


POSE_WEIGHTS = np.concatenate([np.full(17, 0.25), np.ones(51)])


def fit_pose(points, model):
    """Weak perspective: points [68,2] ~ s R[:2] model[68,3] + t. Gauss-Newton with a mild prior on pitch and yaw."""
    w = POSE_WEIGHTS
    a = (model[:, :2] * w[:, None]).sum(0) / w.sum()
    b = (points * w[:, None]).sum(0) / w.sum()
    m, p = model[:, :2] - a, points - b
    re = (w * (m * p).sum(1)).sum()
    im = (w * (m[:, 0] * p[:, 1] - m[:, 1] * p[:, 0])).sum()
    scale = np.hypot(re, im) / (w * (m ** 2).sum(1)).sum()
    params = np.array([0, 0, np.arctan2(im, re), np.log(scale)])
    centre = np.append(a, (w * model[:, 2]).sum() / w.sum())
    x = model - centre

    def project(q):
        return np.exp(q[3]) * x @ rotation(*q[:3])[:2].T

    for _ in range(12):
        here = project(params)
        residual = ((p - here) * w[:, None] ** 0.5 / scale).ravel()
        jacobian = np.empty((residual.size, 4))
        for k in range(4):
            step = np.zeros(4)
            step[k] = 1e-4
            jacobian[:, k] = ((project(params + step) - here) / 1e-4 * w[:, None] ** 0.5 / scale).ravel()
        prior = np.diag([0, PITCH_PRIOR, 0, 0])
        params = params + np.linalg.solve(
            jacobian.T @ jacobian + prior + 1e-6 * np.eye(4), jacobian.T @ residual - prior @ params
        )
    rest = project(params)
    return params, centre, b - (rest * w[:, None]).sum(0) / w.sum()


PITCH_PRIOR = 4000.0


def frontal(points, pose, depth):
    """Takes the pose off points [n,2] whose depth is known: where they lie in the frontal frame."""
    params, centre, shift = pose
    r = rotation(*params[:3]) * np.exp(params[3])
    flat = points - shift - (depth - centre[2])[:, None] * r[:2, 2]
    return flat @ np.linalg.inv(r[:2, :2]).T + centre[:2]


def posed(shape, pose):
    """[n,3] in the frontal frame -> [n,2] in the image."""
    params, centre, shift = pose
    return np.exp(params[3]) * (shape - centre) @ rotation(*params[:3])[:2].T + shift

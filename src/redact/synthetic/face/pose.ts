import type { FacePose, Point } from '../../../core/types.ts';

/** Weak perspective: a frontal face is turned, scaled and shifted; depth does not change its size. */
export interface Pose extends FacePose {
  /** [3, 3] rotation times the scale, row by row: image pixels per pixel of the frame. */
  readonly matrix: readonly number[];
  /** The point of the frontal face that is turned around. */
  readonly centre: readonly [number, number, number];
}

/** A pose that was told by points. */
export interface FittedPose extends Pose {
  /** Root mean square distance of the points from where the mean face would have them, in pixels of the frame. */
  readonly residual: number;
}

const LANDMARKS = 68;
/** The outline slides along a turned face: it says less about the pose. */
const weightOf = (i: number): number => (i < 17 ? 0.25 : 1);
/** How much nodding needs to be borne out by the points: faces that are long or short look as if they nodded. */
const NOD_PRIOR = 4000;
const ROUNDS = 12;

/** `tilt · nod · turn`, row by row; radians. */
function rotation(turn: number, nod: number, tilt: number): number[] {
  const [ct, st, cn, sn, ci, si] = [turn, nod, tilt].flatMap((a) => [Math.cos(a), Math.sin(a)]) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const rows = [
    [ct, 0, st],
    [sn * st, cn, -sn * ct],
    [-cn * st, sn, cn * ct],
  ] as [number[], number[], number[]];
  const first = rows[0].map((v, k) => ci * v - si * (rows[1][k] as number));
  const second = rows[0].map((v, k) => si * v + ci * (rows[1][k] as number));
  return [...first, ...second, ...rows[2]];
}

/**
 * The pose in which the mean face comes closest to the points: least squares over turn, nod, tilt and scale
 * (Gauss and Newton).
 * @param landmarks 68 points, pixels of the image.
 * @param mean [68 or more, 3] frontal face.
 */
export function fitPose(landmarks: readonly Point[], mean: Float32Array): FittedPose {
  const { total, centre } = middleOf(mean);
  const [cx, cy, cz] = centre;
  let [px, py] = [0, 0];
  for (let i = 0; i < LANDMARKS; i++) {
    const { x, y } = landmarks[i] as Point;
    px += (weightOf(i) * x) / total;
    py += (weightOf(i) * y) / total;
  }

  // The first guess is a frontal face.
  let [re, im, size] = [0, 0, 0];
  for (let i = 0; i < LANDMARKS; i++) {
    const w = weightOf(i);
    const [mx, my] = [at(mean, 3 * i) - cx, at(mean, 3 * i + 1) - cy];
    const [x, y] = [(landmarks[i] as Point).x - px, (landmarks[i] as Point).y - py];
    re += w * (mx * x + my * y);
    im += w * (mx * y - my * x);
    size += w * (mx * mx + my * my);
  }
  const unit = Math.max(1e-6, Math.hypot(re, im) / size);
  const params = [0, 0, Math.atan2(im, re), Math.log(unit)];
  const project = (q: readonly number[]): Float64Array => {
    const r = rotation(q[0] as number, q[1] as number, q[2] as number);
    const scale = Math.exp(q[3] as number);
    const out = new Float64Array(2 * LANDMARKS);
    for (let i = 0; i < LANDMARKS; i++) {
      const [x, y, z] = [at(mean, 3 * i) - cx, at(mean, 3 * i + 1) - cy, at(mean, 3 * i + 2) - cz];
      for (const k of [0, 1]) {
        out[2 * i + k] =
          scale * ((r[3 * k] as number) * x + (r[3 * k + 1] as number) * y + (r[3 * k + 2] as number) * z);
      }
    }
    return out;
  };

  for (let round = 0; round < ROUNDS; round++) {
    const here = project(params);
    const slopes = params.map((_, k) => {
      const moved = project(params.map((v, j) => (j === k ? v + 1e-4 : v)));
      return moved.map((v, i) => (v - (here[i] as number)) / 1e-4 / unit);
    });
    const normal = slopes.map((a) => slopes.map((b) => dot(a, b)));
    const residual = here.map(
      (v, i) => ((i % 2 ? (landmarks[i >> 1] as Point).y - py : (landmarks[i >> 1] as Point).x - px) - v) / unit,
    );
    const right = slopes.map((a) => dot(a, residual));
    for (let k = 0; k < 4; k++) {
      const row = normal[k] as number[];
      const prior = k === 1 ? NOD_PRIOR : 0;
      row[k] = (row[k] as number) + prior + 1e-6;
      right[k] = (right[k] as number) - prior * (params[k] as number);
    }
    for (const [k, step] of solve(normal, right).entries())
      params[k] = (params[k] as number) + Math.max(-0.3, Math.min(0.3, step));
  }

  const [turn, nod, tilt, logScale] = params as [number, number, number, number];
  const scale = Math.exp(logScale);
  const rest = project(params);
  let [sx, sy, error] = [px, py, 0];
  for (let i = 0; i < LANDMARKS; i++) {
    sx -= (weightOf(i) * (rest[2 * i] as number)) / total;
    sy -= (weightOf(i) * (rest[2 * i + 1] as number)) / total;
  }
  for (let i = 0; i < LANDMARKS; i++) {
    const dx = (landmarks[i] as Point).x - sx - (rest[2 * i] as number);
    const dy = (landmarks[i] as Point).y - sy - (rest[2 * i + 1] as number);
    error += (weightOf(i) * (dx * dx + dy * dy)) / total;
  }
  const pose = posed({ turn, nod, tilt, scale, shift: { x: sx, y: sy } }, mean);
  return { ...pose, residual: Math.sqrt(error) / scale };

  function dot(a: Float64Array, b: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += weightOf(i >> 1) * (a[i] as number) * (b[i] as number);
    return sum;
  }
}

/** A pose that is known already. */
export function posed(pose: FacePose, mean: Float32Array): Pose {
  const { turn, nod, tilt, scale } = pose;
  return { ...pose, matrix: rotation(turn, nod, tilt).map((v) => v * scale), centre: middleOf(mean).centre };
}

/** The point that a face is turned around, and the sum of what its points weigh. */
function middleOf(mean: Float32Array): { readonly total: number; readonly centre: [number, number, number] } {
  const centre: [number, number, number] = [0, 0, 0];
  let total = 0;
  for (let i = 0; i < LANDMARKS; i++) {
    const w = weightOf(i);
    total += w;
    for (const k of [0, 1, 2] as const) centre[k] += w * at(mean, 3 * i + k);
  }
  return { total, centre: centre.map((sum) => sum / total) as [number, number, number] };
}

/** Takes the pose off points whose depth is that of the mean: [68, 2], where they lie in the frontal face. */
export function frontalShape(landmarks: readonly Point[], pose: Pose, mean: Float32Array): Float64Array {
  const [a, b, c, d, e, f] = pose.matrix as [number, number, number, number, number, number];
  const [cx, cy, cz] = pose.centre;
  const area = a * e - b * d;
  const out = new Float64Array(2 * LANDMARKS);
  for (let i = 0; i < LANDMARKS; i++) {
    const depth = at(mean, 3 * i + 2) - cz;
    const x = (landmarks[i] as Point).x - pose.shift.x - c * depth;
    const y = (landmarks[i] as Point).y - pose.shift.y - f * depth;
    out[2 * i] = (e * x - b * y) / area + cx;
    out[2 * i + 1] = (a * y - d * x) / area + cy;
  }
  return out;
}

/** A frontal face [points, 3] as it lies in the image: [points, 3], x and y in pixels, z towards the viewer. */
export function posedShape(shape: Float32Array, { matrix, centre, shift }: Pose): Float32Array {
  const out = new Float32Array(shape.length);
  for (let i = 0; i < shape.length; i += 3) {
    for (let k = 0; k < 3; k++) {
      let sum = k === 0 ? shift.x : k === 1 ? shift.y : 0;
      for (let j = 0; j < 3; j++) sum += (matrix[3 * k + j] as number) * (at(shape, i + j) - (centre[j] as number));
      out[i + k] = sum;
    }
  }
  return out;
}

const at = (values: Float32Array, i: number): number => values[i] as number;

/** Solves a small, well-conditioned system by elimination. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = right.length;
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++)
      if (Math.abs(rows[i]?.[k] as number) > Math.abs(rows[best]?.[k] as number)) best = i;
    const pivot = rows[best] as number[];
    rows[best] = rows[k] as number[];
    rows[k] = pivot;
    for (const [i, row] of rows.entries()) {
      if (i === k) continue;
      const factor = (row[k] as number) / (pivot[k] as number);
      for (let j = k; j <= n; j++) row[j] = (row[j] as number) - factor * (pivot[j] as number);
    }
  }
  return rows.map((row, i) => (row[n] as number) / (row[i] as number));
}

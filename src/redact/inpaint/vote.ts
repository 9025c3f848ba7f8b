import type { Correspondence } from './correspondence.ts';
import { CELL, type Level, REACH } from './level.ts';

/** How much less a patch says one cell farther into the hole. */
const DECAY = 1.25;

/** Weight of the patch around each cell: 1 where all is known, less the deeper in the hole. */
export function confidenceOf(level: Level): Float32Array {
  const depth = depthOf(level);
  const at = Float32Array.from({ length: 30 }, (_, d) => DECAY ** -d);
  const confidence = new Float32Array(depth.length);
  for (let i = 0; i < depth.length; i++) confidence[i] = at[Math.min(29, depth[i] as number)] as number;
  return confidence;
}

/** How many cells it is from each cell of a hole to what is known, along rows and columns; 0 elsewhere. */
export function depthOf({ kind, width, height }: Level): Int32Array {
  const depth = new Int32Array(kind.length);
  const far = width + height;
  for (let i = 0; i < kind.length; i++) depth[i] = kind[i] === CELL.hole ? far : 0;
  const nearer = (i: number, j: number): void => {
    if (kind[i] === CELL.hole && kind[j] !== CELL.barred && (depth[j] as number) + 1 < (depth[i] as number)) {
      depth[i] = (depth[j] as number) + 1;
    }
  };
  for (let i = width; i < kind.length; i++) {
    nearer(i, i - 1);
    nearer(i, i - width);
  }
  for (let i = kind.length - width - 1; i >= 0; i--) {
    nearer(i, i + 1);
    nearer(i, i + width);
  }
  return depth;
}

/**
 * Gives every hole the mean of what the patches that overlap it would put there, the better matches counting for
 * more (Wexler et al., 2007).
 * @param assessed whether the costs are known.
 */
export function vote(level: Level, found: Correspondence, confidence: Float32Array, assessed: boolean): void {
  const { rgb, kind, targets } = level;
  const weight = weightsOf(level, found, confidence, assessed);
  const mean = new Float64Array(3);
  for (const p of targets) {
    if (kind[p] !== CELL.hole) continue;
    votedAt(level, found.to, weight, p, mean);
    for (let c = 0; c < 3; c++) rgb[3 * p + c] = (mean[c] as number) + 0.5;
  }
}

/**
 * By how much what is known at the edge of the holes differs from what the patches there would put in its place,
 * RGB, cell by cell; 0 elsewhere. No more than `limit` levels.
 */
export function edgeError(level: Level, found: Correspondence, limit: number): Float32Array {
  const { rgb, kind, targets } = level;
  const weight = weightsOf(level, found, confidenceOf(level), true);
  const error = new Float32Array(rgb.length);
  const mean = new Float64Array(3);
  for (const p of targets) {
    if (kind[p] === CELL.hole) continue;
    votedAt(level, found.to, weight, p, mean);
    for (let c = 0; c < 3; c++) {
      error[3 * p + c] = Math.min(limit, Math.max(-limit, (rgb[3 * p + c] as number) - (mean[c] as number)));
    }
  }
  return error;
}

function weightsOf(
  { kind, targets }: Level,
  { cost }: Correspondence,
  confidence: Float32Array,
  assessed: boolean,
): Float32Array {
  let sum = 0;
  if (assessed) for (const t of targets) sum += cost[t] as number;
  const scale = assessed ? -0.5 / Math.max(1, sum / targets.length) : 0;
  const weight = new Float32Array(kind.length);
  for (const t of targets) weight[t] = (confidence[t] as number) * Math.exp((cost[t] as number) * scale) + 1e-12;
  return weight;
}

function votedAt({ rgb, width }: Level, to: Int32Array, weight: Float32Array, p: number, into: Float64Array): void {
  let r = 0;
  let g = 0;
  let b = 0;
  let total = 0;
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) {
      const shift = dy * width + dx;
      const source = to[p + shift] as number;
      if (source < 0) continue;
      const w = weight[p + shift] as number;
      const from = 3 * (source - shift);
      r += w * (rgb[from] as number);
      g += w * (rgb[from + 1] as number);
      b += w * (rgb[from + 2] as number);
      total += w;
    }
  }
  into[0] = r / total;
  into[1] = g / total;
  into[2] = b / total;
}

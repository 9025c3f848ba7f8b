import { CELL, type Level, REACH } from './level.ts';

/**
 * For every target of a level, the cell around which its patch is copied; -1 elsewhere. `cost`: the squared
 * difference between the two patches, 0…255 a channel, summed.
 */
export interface Correspondence {
  readonly to: Int32Array;
  readonly cost: Float64Array;
}

/** Draws whole numbers 0 ≤ n < `below`; short and fast, for millions of draws (xorshift, Marsaglia, 2003). */
export type Draw = (below: number) => number;

export function drawFrom(seed: number): Draw {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (((state >>> 0) / 4294967296) * below) | 0;
  };
}

/** All cells whose patch may be copied. */
export function sourcesOf(level: Level): Int32Array {
  const sources: number[] = [];
  for (let i = 0; i < level.source.length; i++) if (level.source[i]) sources.push(i);
  return Int32Array.from(sources);
}

/** The correspondence of the level of half the size, carried over; drawn anew where that is not possible. */
export function refined(
  coarse: Level,
  found: Correspondence,
  level: Level,
  sources: Int32Array,
  draw: Draw,
): Correspondence {
  const to = new Int32Array(level.kind.length).fill(-1);
  for (const target of level.targets) {
    const x = (target % level.width) - REACH;
    const y = ((target / level.width) | 0) - REACH;
    const from = found.to[((y >> 1) + REACH) * coarse.width + (x >> 1) + REACH] as number;
    const sx = 2 * ((from % coarse.width) - REACH) + (x & 1) + REACH;
    const sy = 2 * (((from / coarse.width) | 0) - REACH) + (y & 1) + REACH;
    const carried = sy * level.width + sx;
    to[target] = from >= 0 && level.source[carried] === 1 ? carried : (sources[draw(sources.length)] as number);
  }
  return { to, cost: new Float64Array(to.length) };
}

/**
 * How much better, in squared levels, a patch from the window's other end has to be than one from near by, and, where
 * a gap is as high as a good part of the photograph, one from another height than one from the same: of ground, wall
 * and sky, what is alike lies side by side.
 */
const FAR = 75 * 10 ** 2;
const RISE = 75 * 60 ** 2;

/** What speaks against copying `b` to `a`, whatever is around them: how far they are apart, and how unlike the guide. */
export function displacement(
  { row, width, height, upright, guide, insistence, rgb }: Level,
  a: number,
  b: number,
): number {
  const rows = (row[a] as number) - (row[b] as number);
  const columns = a - b - rows * width;
  const rise = rows / height;
  const drift = columns / width;
  const moved = (FAR + upright * RISE) * rise * rise + FAR * drift * drift;
  if (guide === undefined || (guide[3 * a] as number) < 0) return moved;
  let unlike = 0;
  for (let c = 0; c < 3; c++) unlike += ((guide[3 * a + c] as number) - (rgb[3 * b + c] as number)) ** 2;
  return moved + insistence * unlike;
}

/** Squared difference between the patches around `a` and `b`; at least `limit` as soon as it is reached. */
function difference(level: Level, a: number, b: number, limit: number): number {
  const { rgb, width } = level;
  const span = 3 * (2 * REACH + 1);
  let sum = displacement(level, a, b);
  for (let dy = -REACH; dy <= REACH; dy++) {
    let p = (a + dy * width - REACH) * 3;
    let q = (b + dy * width - REACH) * 3;
    const end = p + span;
    let line = 0;
    while (p < end) {
      const d0 = (rgb[p] as number) - (rgb[q] as number);
      const d1 = (rgb[p + 1] as number) - (rgb[q + 1] as number);
      const d2 = (rgb[p + 2] as number) - (rgb[q + 2] as number);
      line += d0 * d0 + d1 * d1 + d2 * d2;
      p += 3;
      q += 3;
    }
    sum += line;
    if (sum >= limit) return sum;
  }
  return sum;
}

/** As `difference`, of the cells around `a` that are not barred, scaled up to a whole patch. */
function partialDifference(level: Level, a: number, b: number): number {
  const { rgb, width, kind } = level;
  let sum = 0;
  let n = 0;
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) {
      const p = a + dy * width + dx;
      if (kind[p] === CELL.barred) continue;
      const q = b + dy * width + dx;
      n++;
      for (let c = 0; c < 3; c++) sum += ((rgb[3 * p + c] as number) - (rgb[3 * q + c] as number)) ** 2;
    }
  }
  return displacement(level, a, b) + (sum * (2 * REACH + 1) ** 2) / n;
}

/** 1 for targets with a barred cell in their patch. */
export function incompleteTargets({ kind, width, targets }: Level): Uint8Array {
  const incomplete = new Uint8Array(kind.length);
  for (const target of targets) {
    for (let dy = -REACH; dy <= REACH; dy++) {
      for (let dx = -REACH; dx <= REACH; dx++) {
        if (kind[target + dy * width + dx] === CELL.barred) incomplete[target] = 1;
      }
    }
  }
  return incomplete;
}

/** Costs after the holes' colours have changed. */
export function reassess(level: Level, { to, cost }: Correspondence, incomplete: Uint8Array): void {
  for (const t of level.targets) {
    const q = to[t] as number;
    cost[t] = incomplete[t] ? partialDifference(level, t, q) : difference(level, t, q, Infinity);
  }
}

/**
 * One sweep of PatchMatch (Barnes et al., 2009): every target tries what its neighbours found, moved along, and
 * random places around its own at shrinking distances.
 * @param backward from the last target to the first, with the neighbours on the other side.
 */
export function improve(
  level: Level,
  { to, cost }: Correspondence,
  incomplete: Uint8Array,
  draw: Draw,
  backward: boolean,
): void {
  const { width, height, source, targets } = level;
  const one = backward ? -1 : 1;
  const farthest = Math.max(width, height) >> 1;
  for (let k = 0; k < targets.length; k++) {
    const t = targets[backward ? targets.length - 1 - k : k] as number;
    let best = to[t] as number;
    let least = cost[t] as number;
    const partial = incomplete[t] === 1;
    const beside = (to[t - one] as number) + one;
    if (to[t - one] !== -1 && beside !== best && source[beside]) {
      const d = partial ? partialDifference(level, t, beside) : difference(level, t, beside, least);
      if (d < least) {
        least = d;
        best = beside;
      }
    }
    const above = (to[t - one * width] as number) + one * width;
    if (to[t - one * width] !== -1 && above !== best && source[above]) {
      const d = partial ? partialDifference(level, t, above) : difference(level, t, above, least);
      if (d < least) {
        least = d;
        best = above;
      }
    }
    for (let radius = farthest; radius >= 1; radius >>= 1) {
      const x = (best % width) + draw(2 * radius + 1) - radius;
      const y = ((best / width) | 0) + draw(2 * radius + 1) - radius;
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const tried = y * width + x;
      if (source[tried] !== 1) continue;
      const d = partial ? partialDifference(level, t, tried) : difference(level, t, tried, least);
      if (d < least) {
        least = d;
        best = tried;
      }
    }
    to[t] = best;
    cost[t] = least;
  }
}

/**
 * Makes neighbours copy from one piece where that is hardly worse: fewer seams (shift maps, Pritch et al., 2009).
 * @param slack how much worse, as a share of the cost, and in squared levels a patch.
 */
export function unify(
  level: Level,
  { to, cost }: Correspondence,
  incomplete: Uint8Array,
  slack: { share: number; level: number },
): void {
  const { width, source, targets } = level;
  for (const backward of [false, true]) {
    const one = backward ? -1 : 1;
    for (let k = 0; k < targets.length; k++) {
      const t = targets[backward ? targets.length - 1 - k : k] as number;
      const own = cost[t] as number;
      for (const step of [one, one * width]) {
        const tried = (to[t - step] as number) + step;
        if (to[t - step] === -1 || tried === to[t] || source[tried] !== 1) continue;
        const limit = own * (1 + slack.share) + slack.level;
        const d = incomplete[t] ? partialDifference(level, t, tried) : difference(level, t, tried, limit);
        if (d >= limit) continue;
        to[t] = tried;
        cost[t] = d;
        break;
      }
    }
  }
}

import { type Correspondence, type Draw, displacement } from './correspondence.ts';
import { CELL, type Level, REACH } from './level.ts';
import { depthOf } from './vote.ts';

/** So many patches are looked at for each cell. */
const MOST_TRIALS = 400;

/**
 * A first filling of a small level, in place, from the edge of its holes inwards: each cell is copied from where the
 * cells around it that are known or filled by then are most alike (Criminisi et al., 2004, by depth only).
 */
export function peel(level: Level, sources: Int32Array, draw: Draw): Correspondence {
  const { rgb, kind, targets } = level;
  const depth = depthOf(level);
  const to = new Int32Array(kind.length).fill(-1);
  const filled = kind.map((k) => (k === CELL.known || k === CELL.cut ? 1 : 0));
  const tried = sources.length <= MOST_TRIALS ? sources : sources.map(() => sources[draw(sources.length)] as number);
  for (const target of targets.slice().sort((a, b) => (depth[a] as number) - (depth[b] as number) || a - b)) {
    let best = sources[0] as number;
    let least = Infinity;
    for (const source of tried.subarray(0, MOST_TRIALS)) {
      const d = differenceOf(level, filled, target, source, least);
      if (d >= least) continue;
      least = d;
      best = source;
    }
    to[target] = best;
    if (kind[target] !== CELL.hole) continue;
    rgb.copyWithin(3 * target, 3 * best, 3 * best + 3);
    filled[target] = 1;
  }
  return { to, cost: new Float64Array(kind.length) };
}

/** Mean squared difference of the filled cells around `a` from those around `b`, as if of a whole patch. */
function differenceOf(level: Level, filled: Uint8Array, a: number, b: number, limit: number): number {
  const { rgb, width } = level;
  const cells = (2 * REACH + 1) ** 2;
  const added = displacement(level, a, b);
  if (added >= limit) return limit;
  let sum = 0;
  let n = 0;
  for (let dy = -REACH; dy <= REACH; dy++) {
    for (let dx = -REACH; dx <= REACH; dx++) {
      const p = a + dy * width + dx;
      if (!filled[p]) continue;
      const q = 3 * (b + dy * width + dx);
      n++;
      for (let c = 0; c < 3; c++) {
        const d = (rgb[3 * p + c] as number) - (rgb[q + c] as number);
        sum += d * d;
      }
    }
    if (added + sum >= limit) return limit;
  }
  return n === 0 ? added : added + (sum * cells) / n;
}

import type { Box, RgbImage } from '../../core/types.ts';
import type { Scene } from '../patch.ts';
import { type Level, REACH } from './level.ts';
import type { Window } from './window.ts';

/** What is known of a filled level: see `compose`. */
export interface Filled {
  readonly window: Window;
  readonly level: Level;
  /** The cell from which each target is copied, at full resolution; without, `tone` is all there is. */
  readonly to?: Int32Array;
  /** Tone of the filled level, and of the level as it was known: RGB, cell by cell. */
  readonly tone: Float32Array;
  readonly sourceTone: Float32Array;
}

/** Width in pixels over which one copied piece passes into the next. */
const SEAM = 5;

/**
 * The pixels of `box`: the photograph's own where nothing is covered, elsewhere the texture of the pixels that the
 * cells point to with the tone of the filled level, so that no seam is left in the tone.
 */
export function compose(
  { image, covered }: Scene,
  box: Box,
  { window: { box: window, scale }, level, to, tone, sourceTone }: Filled,
): RgbImage {
  const { width: columns, targets } = level;
  const isTarget = new Uint8Array(level.kind.length);
  /** From a pixel of the cell to the one to copy, as a distance in `image.data`. */
  const shift = new Int32Array(level.kind.length);
  for (const t of targets) {
    const q = to?.[t];
    if (q === undefined) continue;
    isTarget[t] = 1;
    const dx = (q % columns) - (t % columns);
    const dy = ((q / columns) | 0) - ((t / columns) | 0);
    shift[t] = 3 * scale * (dy * image.width + dx);
  }
  const width = box.x2 - box.x1;
  const data = new Uint8ClampedArray(width * (box.y2 - box.y1) * 3);
  const across = axis(box.x1, box.x2, window.x1, scale);
  const down = axis(box.y1, box.y2, window.y1, scale);
  for (let y = box.y1; y < box.y2; y++) {
    const fy = down.share[y - box.y1] as number;
    const hy = down.hard[y - box.y1] as number;
    const row = (down.cell[y - box.y1] as number) * columns;
    for (let x = box.x1; x < box.x2; x++) {
      const from = 3 * (y * image.width + x);
      const at = ((y - box.y1) * width + x - box.x1) * 3;
      if (!covered[y * image.width + x]) {
        for (let k = 0; k < 3; k++) data[at + k] = image.data[from + k] as number;
        continue;
      }
      const a = row + (across.cell[x - box.x1] as number);
      const fx = across.share[x - box.x1] as number;
      const hx = across.hard[x - box.x1] as number;
      // The cells around that copy, and how much of each: the nearest, but for the ramp between them.
      let weights = 0;
      for (let k = 0; k < 4; k++) if (isTarget[a + (k & 1) + (k >> 1) * columns]) weights += corner(k, hx, hy);
      const wx = weights > 0 ? hx : fx;
      const wy = weights > 0 ? hy : fy;
      if (weights === 0) weights = 1;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = 0; k < 4; k++) {
        const cell = a + (k & 1) + (k >> 1) * columns;
        const weight = corner(k, wx, wy) / weights;
        if (weight === 0 || !isTarget[cell]) continue;
        const source = from + (shift[cell] as number);
        const q = 3 * ((to?.[cell] as number) + a - cell);
        r += weight * ((image.data[source] as number) - between(sourceTone, q, columns, fx, fy));
        g += weight * ((image.data[source + 1] as number) - between(sourceTone, q + 1, columns, fx, fy));
        b += weight * ((image.data[source + 2] as number) - between(sourceTone, q + 2, columns, fx, fy));
      }
      data[at] = r + between(tone, 3 * a, columns, fx, fy);
      data[at + 1] = g + between(tone, 3 * a + 1, columns, fx, fy);
      data[at + 2] = b + between(tone, 3 * a + 2, columns, fx, fy);
    }
  }
  return { data: new Uint8Array(data.buffer), width, height: box.y2 - box.y1 };
}

/** Bilinear weight of the corner `k`: 0 and 1 above, 2 and 3 below. */
function corner(k: number, fx: number, fy: number): number {
  return (k & 1 ? fx : 1 - fx) * (k >> 1 ? fy : 1 - fy);
}

/** Bilinear mean of a channel of four cells, the first at index `at`. */
function between(value: Float32Array, at: number, columns: number, fx: number, fy: number): number {
  const below = at + 3 * columns;
  const top = (value[at] as number) + fx * ((value[at + 3] as number) - (value[at] as number));
  const bottom = (value[below] as number) + fx * ((value[below + 3] as number) - (value[below] as number));
  return top + fy * (bottom - top);
}

interface Axis {
  /** The cell whose centre lies before or on that of the pixel, the barred border counted. */
  readonly cell: Int32Array;
  /** How far it is to the next, 0…1, and the same with a ramp of `SEAM` pixels halfway. */
  readonly share: Float64Array;
  readonly hard: Float64Array;
}

function axis(from: number, to: number, origin: number, scale: number): Axis {
  const cell = new Int32Array(to - from);
  const share = new Float64Array(to - from);
  const hard = new Float64Array(to - from);
  const steepness = Math.max(1, scale / SEAM);
  for (let k = 0; k < cell.length; k++) {
    const place = (from + k - origin + 0.5) / scale - 0.5;
    cell[k] = Math.floor(place) + REACH;
    const f = place - Math.floor(place);
    share[k] = f;
    hard[k] = Math.min(1, Math.max(0, (f - 0.5) * steepness + 0.5));
  }
  return { cell, share, hard };
}

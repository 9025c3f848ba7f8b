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
  /** Added to what is copied for a cell. */
  const shade = new Float32Array(level.kind.length * 3);
  /** From a pixel of the cell to the one to copy, as a distance in `image.data`. */
  const shift = new Int32Array(level.kind.length);
  for (const t of targets) {
    isTarget[t] = 1;
    const q = to?.[t];
    for (let c = 0; c < 3; c++) {
      shade[3 * t + c] = (tone[3 * t + c] as number) - (q === undefined ? 0 : (sourceTone[3 * q + c] as number));
    }
    if (q === undefined) continue;
    const dx = (q % columns) - (t % columns);
    const dy = ((q / columns) | 0) - ((t / columns) | 0);
    shift[t] = 3 * scale * (dy * image.width + dx);
  }
  const width = box.x2 - box.x1;
  const data = new Uint8ClampedArray(width * (box.y2 - box.y1) * 3);
  const across = axis(box.x1, box.x2, window.x1, scale);
  const down = axis(box.y1, box.y2, window.y1, scale);
  const mixed = new Float64Array(3);
  for (let y = box.y1; y < box.y2; y++) {
    const fy = down.share[y - box.y1] as number;
    const hy = down.hard[y - box.y1] as number;
    const row = (down.cell[y - box.y1] as number) * columns;
    for (let x = box.x1; x < box.x2; x++) {
      const from = 3 * (y * image.width + x);
      const at = ((y - box.y1) * width + x - box.x1) * 3;
      if (!covered[y * image.width + x]) {
        data[at] = image.data[from] as number;
        data[at + 1] = image.data[from + 1] as number;
        data[at + 2] = image.data[from + 2] as number;
        continue;
      }
      const a = row + (across.cell[x - box.x1] as number);
      const c = a + columns;
      const fx = across.share[x - box.x1] as number;
      const all = isTarget[a] && isTarget[a + 1] && isTarget[c] && isTarget[c + 1];
      const move = shift[a] as number;
      if (all && move !== 0 && shift[a + 1] === move && shift[c] === move && shift[c + 1] === move) {
        for (let k = 0; k < 3; k++) {
          const upper = shade[3 * a + k] as number;
          const lower = shade[3 * c + k] as number;
          const top = upper + fx * ((shade[3 * a + 3 + k] as number) - upper);
          const bottom = lower + fx * ((shade[3 * c + 3 + k] as number) - lower);
          data[at + k] = (image.data[from + move + k] as number) + top + fy * (bottom - top);
        }
        continue;
      }
      const hx = across.hard[x - box.x1] as number;
      mixed.fill(0);
      let total = 0;
      let hard = 0;
      for (let k = 0; k < 4; k++) {
        const cell = (k < 2 ? a : c) + (k & 1);
        if (!isTarget[cell]) continue;
        total += (k & 1 ? fx : 1 - fx) * (k < 2 ? 1 - fy : fy);
        hard += (k & 1 ? hx : 1 - hx) * (k < 2 ? 1 - hy : hy);
      }
      for (let k = 0; k < 4; k++) {
        const cell = (k < 2 ? a : c) + (k & 1);
        if (!isTarget[cell]) continue;
        const soft = ((k & 1 ? fx : 1 - fx) * (k < 2 ? 1 - fy : fy)) / total;
        // Where the nearest cell is barred, what lies beyond the ramp has to do.
        const sharp = to ? (hard > 0 ? ((k & 1 ? hx : 1 - hx) * (k < 2 ? 1 - hy : hy)) / hard : soft) : 0;
        const source = from + (shift[cell] as number);
        for (let channel = 0; channel < 3; channel++) {
          mixed[channel] =
            (mixed[channel] as number) +
            soft * (shade[3 * cell + channel] as number) +
            (sharp > 0 ? sharp * (image.data[source + channel] as number) : 0);
        }
      }
      for (let k = 0; k < 3; k++) data[at + k] = mixed[k] as number;
    }
  }
  return { data: new Uint8Array(data.buffer), width, height: box.y2 - box.y1 };
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

import type { RgbImage } from '../core/types.ts';
import { cellCount } from './strength.ts';

/** Writes the redacted colours of row `y`, columns `x1 <= x < x2`, to `out` from index `at` on, as RGB. */
export type RowPainter = (y: number, x1: number, x2: number, out: Uint8Array, at: number) => void;

/** What becomes of a region's mean cells before they are painted, such as a mean over the frames of a clip. */
export type Steady = (grid: CellGrid) => CellGrid;

/** Equal cells along one axis. */
export interface CellAxis {
  readonly count: number;
  /** Where the first cell begins, and the length of a cell; pixels, not necessarily whole. */
  readonly start: number;
  readonly size: number;
  /** Cell `i` averages the pixels `edges[i] <= p < edges[i + 1]`. */
  readonly edges: Int32Array;
}

/** Colours over cells, row by row: `value[(j * x.count + i) * 3 + channel]`, 0…255, not rounded. */
export interface CellGrid {
  readonly x: CellAxis;
  readonly y: CellAxis;
  readonly value: Float64Array;
}

/**
 * Divides the pixels from `from` to `to` into as many equal cells of at least `cell` pixels as fit. A stretch shorter
 * than one cell is widened to one within 0…`limit`: a sliver at the image's border must not keep fine detail.
 * With `neighbours`, one more cell follows on each side where a whole one lies within 0…`limit`.
 */
export function divide(from: number, to: number, cell: number, limit: number, neighbours = false): CellAxis {
  const length = Math.min(limit, Math.max(to - from, Math.ceil(cell)));
  const first = Math.max(0, Math.min(limit - length, from - Math.floor((length - (to - from)) / 2)));
  const inside = cellCount(length, cell);
  const size = length / inside;
  const before = neighbours && first - size >= 0 ? 1 : 0;
  const after = neighbours && first + length + size <= limit ? 1 : 0;
  const count = before + inside + after;
  const edges = new Int32Array(count + 1);
  for (let i = 0; i <= count; i++) edges[i] = first + Math.floor(((i - before) * length) / inside);
  return { count, start: first - before * size, size, edges };
}

/** The mean colour of every cell: all of its pixels, none of another's. */
export function meanCells(image: RgbImage, x: CellAxis, y: CellAxis): CellGrid {
  const { data, width } = image;
  const value = new Float64Array(x.count * y.count * 3);
  for (let j = 0; j < y.count; j++) {
    const top = y.edges[j] as number;
    const bottom = y.edges[j + 1] as number;
    for (let row = top; row < bottom; row++) {
      let p = (row * width + (x.edges[0] as number)) * 3;
      let at = j * x.count * 3;
      for (let i = 1; i <= x.count; i++) {
        const stop = (row * width + (x.edges[i] as number)) * 3;
        let r = 0;
        let g = 0;
        let b = 0;
        for (; p < stop; p += 3) {
          r += data[p] as number;
          g += data[p + 1] as number;
          b += data[p + 2] as number;
        }
        value[at] = (value[at] as number) + r;
        value[at + 1] = (value[at + 1] as number) + g;
        value[at + 2] = (value[at + 2] as number) + b;
        at += 3;
      }
    }
    for (let i = 0; i < x.count; i++) {
      const pixels = ((x.edges[i + 1] as number) - (x.edges[i] as number)) * (bottom - top);
      const at = (j * x.count + i) * 3;
      for (let c = at; c < at + 3; c++) value[c] = (value[c] as number) / pixels;
    }
  }
  return { x, y, value };
}

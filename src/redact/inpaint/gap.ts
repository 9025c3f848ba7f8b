import type { Box } from '../../core/types.ts';
import type { Scene } from '../patch.ts';

/** Covered pixels are told apart in squares of so many pixels: what lies nearer together is filled as one. */
const SQUARE = 1 << 3;

/** One piece of what is covered: regions that overlap or nearly touch are filled as one, or seams would show. */
export interface Gap {
  /** Pixels; holds every covered pixel of the gap, and perhaps some of others. */
  readonly box: Box;
  /** How many pixels of it are covered, about. */
  readonly area: number;
  has(x: number, y: number): boolean;
}

/** All gaps of a scene; `at` tells that of a covered pixel. */
export interface Gaps {
  at(x: number, y: number): Gap | undefined;
}

/** Labels the connected squares that hold covered pixels (flood fill, 8 neighbours). */
export function gapsOf({ image, covered }: Scene): Gaps {
  const columns = Math.ceil(image.width / SQUARE);
  const rows = Math.ceil(image.height / SQUARE);
  const pixels = new Uint8Array(columns * rows);
  for (let y = 0, i = 0; y < image.height; y++) {
    const row = (y >> 3) * columns;
    for (let x = 0; x < image.width; x++, i++) {
      if (covered[i]) pixels[row + (x >> 3)] = (pixels[row + (x >> 3)] as number) + 1;
    }
  }
  const label = new Int32Array(columns * rows);
  const gaps: Gap[] = [];
  for (let start = 0; start < label.length; start++) {
    if (!pixels[start] || label[start]) continue;
    const id = gaps.length + 1;
    const open = [start];
    label[start] = id;
    let area = 0;
    let [left, top, right, bottom] = [columns, rows, 0, 0];
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      const x = i % columns;
      const y = (i - x) / columns;
      area += pixels[i] as number;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      for (let v = Math.max(0, y - 1); v <= Math.min(rows - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(columns - 1, x + 1); u++) {
          const k = v * columns + u;
          if (!pixels[k] || label[k]) continue;
          label[k] = id;
          open.push(k);
        }
      }
    }
    gaps.push({
      box: {
        x1: left * SQUARE,
        y1: top * SQUARE,
        x2: Math.min(image.width, (right + 1) * SQUARE),
        y2: Math.min(image.height, (bottom + 1) * SQUARE),
      },
      area,
      has: (x, y) => label[(y >> 3) * columns + (x >> 3)] === id,
    });
  }
  return { at: (x, y) => gaps[(label[(y >> 3) * columns + (x >> 3)] as number) - 1] };
}

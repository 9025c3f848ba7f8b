import type { RowPainter } from './cells.ts';

/** Colour of `solid`, 0…255 per channel. */
export interface Fill {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

/** One colour, nothing of the source. */
export function solidPainter({ r, g, b }: Fill): RowPainter {
  return (_, x1, x2, out, at) => {
    const end = at + (x2 - x1) * 3;
    for (let o = at; o < end; o += 3) {
      out[o] = r;
      out[o + 1] = g;
      out[o + 2] = b;
    }
  };
}

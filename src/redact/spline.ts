import type { CellGrid, RowPainter } from './cells.ts';

const clampIndex = (i: number, count: number): number => (i < 0 ? 0 : i < count ? i : count - 1);

/**
 * Paints the uniform cubic B-spline whose control values are the cells' colours (de Boor, A Practical Guide to
 * Splines, 1978).
 *
 * It approximates rather than interpolates: every colour is a convex combination of 4 × 4 neighbouring cells, so
 * there is no overshoot, the second derivative is continuous, and nothing is finer than a cell. Past the grid's
 * last cell its value is repeated.
 */
export function splinePainter(grid: CellGrid): RowPainter {
  const { x: columns } = grid;
  const scale = 1 / columns.size;
  const line = new Float64Array(columns.count * 3);
  const cubic = new Float64Array(12);

  return (y, x1, x2, out) => {
    blendRows(grid, y, line);
    let o = 0;
    let x = x1;
    while (x < x2) {
      // From one cell centre to the next, each channel is one cubic of the position t between them.
      const i = Math.floor((x + 0.5 - columns.start) * scale - 0.5);
      const centre = columns.start + (i + 0.5) * columns.size - 0.5;
      const stop = Math.min(x2, Math.max(x + 1, Math.ceil(centre + columns.size)));
      fitCubics(line, columns.count, i, cubic);
      const [r0, r1, r2, r3] = [cubic[0] as number, cubic[1] as number, cubic[2] as number, cubic[3] as number];
      const [g0, g1, g2, g3] = [cubic[4] as number, cubic[5] as number, cubic[6] as number, cubic[7] as number];
      const [b0, b1, b2, b3] = [cubic[8] as number, cubic[9] as number, cubic[10] as number, cubic[11] as number];
      for (; x < stop; x++) {
        const t = (x - centre) * scale;
        out[o] = r0 + t * (r1 + t * (r2 + t * r3)) + 0.5;
        out[o + 1] = g0 + t * (g1 + t * (g2 + t * g3)) + 0.5;
        out[o + 2] = b0 + t * (b1 + t * (b2 + t * b3)) + 0.5;
        o += 3;
      }
    }
  };
}

/** Blends the four rows of cells around pixel row `y` into the control values of that row. */
function blendRows({ x, y: rows, value }: CellGrid, y: number, line: Float64Array): void {
  const stride = x.count * 3;
  const v = (y + 0.5 - rows.start) / rows.size - 0.5;
  const j = Math.floor(v);
  const t = v - j;
  const w0 = (1 - t) ** 3 / 6;
  const w1 = 2 / 3 + t * t * (t / 2 - 1);
  const w3 = t ** 3 / 6;
  const w2 = 1 - w0 - w1 - w3;
  const r0 = clampIndex(j - 1, rows.count) * stride;
  const r1 = clampIndex(j, rows.count) * stride;
  const r2 = clampIndex(j + 1, rows.count) * stride;
  const r3 = clampIndex(j + 2, rows.count) * stride;
  for (let k = 0; k < stride; k++) {
    line[k] =
      w0 * (value[r0 + k] as number) +
      w1 * (value[r1 + k] as number) +
      w2 * (value[r2 + k] as number) +
      w3 * (value[r3 + k] as number);
  }
}

/** Coefficients, constant first, of the three channels' cubics between the centres of cells `i` and `i + 1`. */
function fitCubics(line: Float64Array, count: number, i: number, cubic: Float64Array): void {
  const at0 = clampIndex(i - 1, count) * 3;
  const at1 = clampIndex(i, count) * 3;
  const at2 = clampIndex(i + 1, count) * 3;
  const at3 = clampIndex(i + 2, count) * 3;
  for (let c = 0; c < 3; c++) {
    const p0 = line[at0 + c] as number;
    const p1 = line[at1 + c] as number;
    const p2 = line[at2 + c] as number;
    const p3 = line[at3 + c] as number;
    cubic[c * 4] = (p0 + 4 * p1 + p2) / 6;
    cubic[c * 4 + 1] = (p2 - p0) / 2;
    cubic[c * 4 + 2] = (p0 - 2 * p1 + p2) / 2;
    cubic[c * 4 + 3] = (p3 - p0 + 3 * (p1 - p2)) / 6;
  }
}

import type { Region, RgbImage } from '../core/types.ts';
import { type CellAxis, divide, meanCells, type RowPainter, type Steady } from './cells.ts';
import { splinePainter } from './spline.ts';
import { cellSize, featherWidth } from './strength.ts';

/** The tails beyond this many sigmas hold less than 0.3 % of the weight and are left out. */
const REACH = 3;

/**
 * Gaussian blur whose cost does not grow with sigma: mean cells of half a sigma, a sampled kernel over the cells,
 * a cubic B-spline back to pixels. The variances of the three steps add up to sigma².
 * The image is mirrored at its border, so that border pixels count for no more than others.
 */
export function gaussianPainter(image: RgbImage, region: Region, steady: Steady = (grid) => grid): RowPainter {
  const sigma = cellSize(region, 'gaussian');
  const margin = Math.ceil(REACH * sigma + featherWidth(region));
  const { x1, y1, x2, y2 } = region.box;
  const extend = (from: number, to: number, limit: number): CellAxis =>
    divide(Math.max(0, from - margin), Math.min(limit, to + margin), sigma / 2, limit);
  const columns = extend(x1, x2, image.width);
  const rows = extend(y1, y2, image.height);
  const { value } = steady(meanCells(image, columns, rows));
  const across = convolve(value, columns.count, rows.count, 3, columns.count * 3, kernel(sigma, columns));
  const both = convolve(across, rows.count, columns.count, columns.count * 3, 3, kernel(sigma, rows));
  return splinePainter({ x: columns, y: rows, value: both });
}

/** One half of a symmetric kernel over cells, the centre first, summing to 1 with its mirror image. */
function kernel(sigma: number, axis: CellAxis): Float64Array {
  // A mean over a cell of length s has variance s² / 12, the cubic B-spline s² / 3.
  const variance = Math.max(0, (sigma / axis.size) ** 2 - 5 / 12);
  if (variance === 0) return Float64Array.of(1);
  const half = new Float64Array(Math.ceil(REACH * Math.sqrt(variance)) + 1);
  let sum = 0;
  for (let k = 0; k < half.length; k++) {
    const weight = Math.exp((-k * k) / (2 * variance));
    half[k] = weight;
    sum += k === 0 ? weight : 2 * weight;
  }
  return half.map((weight) => weight / sum);
}

/** Index into `count` samples that are mirrored at both ends, the end samples repeated. */
function mirror(i: number, count: number): number {
  const folded = (((i % (2 * count)) + 2 * count) % (2 * count)) | 0;
  return folded < count ? folded : 2 * count - 1 - folded;
}

/** Convolves `lines` lines of `count` RGB cells; `step` and `lineStep` are distances in `value`. */
function convolve(
  value: Float64Array,
  count: number,
  lines: number,
  step: number,
  lineStep: number,
  half: Float64Array,
): Float64Array {
  const out = new Float64Array(value.length);
  for (let i = 0; i < count; i++) {
    for (let k = 1 - half.length; k < half.length; k++) {
      const weight = half[Math.abs(k)] as number;
      const from = mirror(i + k, count) * step;
      for (let l = 0; l < lines; l++) {
        const at = l * lineStep;
        for (let c = at; c < at + 3; c++) {
          out[i * step + c] = (out[i * step + c] as number) + weight * (value[from + c] as number);
        }
      }
    }
  }
  return out;
}

import type { Region, RgbImage } from '../core/types.ts';
import { divide, meanCells, type RowPainter, type Steady } from './cells.ts';
import { splinePainter } from './spline.ts';
import { cellSize } from './strength.ts';

/**
 * The region as a few mean cells, interpolated smoothly; the cells around it make the edge blend in.
 * @param mode whose cells.
 */
export function blurPainter(
  image: RgbImage,
  region: Region,
  mode: 'blur' | 'synthetic' = 'blur',
  steady: Steady = (grid) => grid,
): RowPainter {
  const cell = cellSize(region, mode);
  const { x1, y1, x2, y2 } = region.box;
  const columns = divide(x1, x2, cell, image.width, true);
  const rows = divide(y1, y2, cell, image.height, true);
  return splinePainter(steady(meanCells(image, columns, rows)));
}

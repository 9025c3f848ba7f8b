import type { Region, RgbImage } from '../core/types.ts';
import { divide, meanCells, type RowPainter, type Steady } from './cells.ts';
import { cellSize } from './strength.ts';

/** The region as mean cells with hard borders, anchored to the region's box. */
export function pixelatePainter(image: RgbImage, region: Region, steady: Steady = (grid) => grid): RowPainter {
  const cell = cellSize(region, 'pixelate');
  const { box } = region;
  const columns = divide(box.x1, box.x2, cell, image.width);
  const rows = divide(box.y1, box.y2, cell, image.height);
  const { value } = steady(meanCells(image, columns, rows));
  let j = 0;
  return (y, x1, x2, out, start) => {
    while (y < (rows.edges[j] as number)) j--;
    while (y >= (rows.edges[j + 1] as number)) j++;
    let o = start;
    for (let i = 0; i < columns.count; i++) {
      const at = (j * columns.count + i) * 3;
      const stop = Math.min(x2, columns.edges[i + 1] as number);
      for (let x = Math.max(x1, columns.edges[i] as number); x < stop; x++) {
        out[o] = (value[at] as number) + 0.5;
        out[o + 1] = (value[at + 1] as number) + 0.5;
        out[o + 2] = (value[at + 2] as number) + 0.5;
        o += 3;
      }
    }
  };
}

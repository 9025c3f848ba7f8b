import { COCO_LABELS, type Decode, type RawDetection } from '../decoder.ts';

/** Pixels of the input per cell of the maps. */
const STRIDE = 4;
const CLASSES = 80;

/**
 * CenterNet with its own peak search (Zhou et al., Objects as Points, 2019): scores [1,80,H/4,W/4] by COCO
 * class, 0 where there is no peak, and [1,4,H/4,W/4] distances from the cell to the left, top, right and
 * bottom edge in pixels of the input.
 */
export const decodeCenternet: Decode = (outputs, { width, height, keep }) => {
  const [rows, columns] = [height / STRIDE, width / STRIDE];
  const { data: scores } = outputs.get('tower_0/mul_1', [1, CLASSES, rows, columns]);
  const { data: sides } = outputs.get('tower_0/mul', [1, 4, rows, columns]);
  const cells = rows * columns;
  const found: RawDetection[] = [];
  for (const [index, label] of COCO_LABELS) {
    const least = keep[label];
    if (least === undefined) continue;
    for (let cell = 0; cell < cells; cell++) {
      const score = scores[index * cells + cell] as number;
      if (score < least || score <= 0) continue;
      const side = (i: number): number => sides[i * cells + cell] as number;
      const [x, y] = [(cell % columns) * STRIDE, Math.floor(cell / columns) * STRIDE];
      const box = { x1: x - side(0), y1: y - side(1), x2: x + side(2), y2: y + side(3) };
      if (box.x1 < box.x2 && box.y1 < box.y2) found.push({ label, score, box });
    }
  }
  return found;
};

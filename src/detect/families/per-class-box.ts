import { PER_CLASS_BOX_CLASSES, PER_CLASS_BOX_OUTPUT } from '../../models/families.ts';
import type { Decode, RawDetection } from '../decoder.ts';

const STRIDES = [8, 16, 32];
/** Numbers per class. */
const BOX = 5;
const ROW = BOX * PER_CLASS_BOX_CLASSES.length;
/** Largest log of a size in strides: e¹⁶ strides are more than any image, and e⁷¹⁰ would be no number any more. */
const LARGEST = 16;

/**
 * A network with a box and a score of its own for each class in every cell: `predictions` [1,N,15] over the grids of
 * strides 8, 16 and 32, row by row. Per face, body and plate: offset of the centre from the cell's corner and log of
 * width and height, in strides, then the probability. Only the classes that are wanted are read.
 */
export const decodePerClassBox: Decode = (outputs, { width, height, keep }) => {
  const cells = STRIDES.reduce((sum, s) => sum + (width / s) * (height / s), 0);
  const { data } = outputs.get(PER_CLASS_BOX_OUTPUT, [1, cells, ROW]);
  const found: RawDetection[] = [];
  for (const [c, label] of PER_CLASS_BOX_CLASSES.entries()) {
    const least = keep[label];
    if (least === undefined) continue;
    let at = c * BOX;
    for (const stride of STRIDES) {
      const columns = width / stride;
      for (let i = 0; i < columns * (height / stride); i++, at += ROW) {
        const score = data[at + 4] as number;
        if (score < least) continue;
        const cx = ((i % columns) + (data[at] as number)) * stride;
        const cy = (Math.floor(i / columns) + (data[at + 1] as number)) * stride;
        const w = Math.exp(Math.min(data[at + 2] as number, LARGEST)) * stride;
        const h = Math.exp(Math.min(data[at + 3] as number, LARGEST)) * stride;
        const box = { x1: cx - w / 2, y1: cy - h / 2, x2: cx + w / 2, y2: cy + h / 2 };
        if (box.x1 < box.x2 && box.y1 < box.y2) found.push({ label, score, box });
      }
    }
  }
  return found;
};

import type { Decode, RawDetection } from '../decoder.ts';

/**
 * YuNet (Wu et al., 2023): per stride a grid of `cls` and `obj` probabilities and box offsets;
 * score = √(cls·obj), centre = (cell + offset)·stride, size = exp(offset)·stride, in input pixels.
 */
export const decodeYunet: Decode = (outputs, { width, height, keep }) => {
  const least = keep.face ?? Infinity;
  const found: RawDetection[] = [];
  for (const stride of [8, 16, 32]) {
    const columns = width / stride;
    const cells = columns * (height / stride);
    const cls = outputs.get(`cls_${stride}`, [1, cells, 1]).data;
    const obj = outputs.get(`obj_${stride}`, [1, cells, 1]).data;
    const box = outputs.get(`bbox_${stride}`, [1, cells, 4]).data;
    for (let i = 0; i < cells; i++) {
      const score = Math.sqrt(Math.max(0, cls[i] as number) * Math.max(0, obj[i] as number));
      if (score < least) continue;
      const cx = ((i % columns) + (box[i * 4] as number)) * stride;
      const cy = (Math.floor(i / columns) + (box[i * 4 + 1] as number)) * stride;
      const w = Math.exp(box[i * 4 + 2] as number) * stride;
      const h = Math.exp(box[i * 4 + 3] as number) * stride;
      found.push({ label: 'face', score, box: { x1: cx - w / 2, y1: cy - h / 2, x2: cx + w / 2, y2: cy + h / 2 } });
    }
  }
  return found;
};

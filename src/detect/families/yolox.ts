import { COCO_LABELS, type Decode, type RawDetection } from '../decoder.ts';

const ROW = 85;

/**
 * YOLOX (Ge et al., 2021) without decoding in the graph: [1,N,85] as centre offset, log size,
 * objectness, 80 COCO class probabilities, over the grids of strides 8, 16 and 32.
 */
export const decodeYolox: Decode = (outputs, { width, height, keep }) => {
  const strides = [8, 16, 32];
  const cells = strides.reduce((sum, s) => sum + (width / s) * (height / s), 0);
  const { data } = outputs.get(undefined, [1, cells, ROW]);
  const found: RawDetection[] = [];
  let at = 0;
  for (const stride of strides) {
    const columns = width / stride;
    for (let i = 0; i < columns * (height / stride); i++, at += ROW) {
      const objectness = data[at + 4] as number;
      for (const [index, label] of COCO_LABELS) {
        const score = objectness * (data[at + 5 + index] as number);
        if (score < (keep[label] ?? Infinity)) continue;
        const cx = ((i % columns) + (data[at] as number)) * stride;
        const cy = (Math.floor(i / columns) + (data[at + 1] as number)) * stride;
        const w = Math.exp(data[at + 2] as number) * stride;
        const h = Math.exp(data[at + 3] as number) * stride;
        found.push({ label, score, box: { x1: cx - w / 2, y1: cy - h / 2, x2: cx + w / 2, y2: cy + h / 2 } });
      }
    }
  }
  return found;
};

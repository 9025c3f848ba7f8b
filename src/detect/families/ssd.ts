import type { Decode, RawDetection } from '../decoder.ts';

/**
 * face-api's SSD MobileNetV1 as our compiler writes it: `boxes` [1,N,4] as x1, y1, x2, y2 in 0…1 of
 * the input, already decoded from priors, and `scores` [1,N].
 */
export const decodeSsd: Decode = (outputs, { width, height, keep }) => {
  const least = keep.face ?? Infinity;
  const boxes = outputs.get('boxes', [1, -1, 4]).data;
  const scores = outputs.get('scores', [1, -1]).data;
  const found: RawDetection[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (score < least) continue;
    const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
    found.push({ label: 'face', score, box: { x1: x1 * width, y1: y1 * height, x2: x2 * width, y2: y2 * height } });
  }
  return found;
};

import { COCO_LABELS, type Decode, type RawDetection } from '../decoder.ts';

/**
 * CenterNet with its own peak search (Zhou et al., Objects as Points, 2019): [1,100,6] as x1, y1, x2,
 * y2 in pixels of the input, score, COCO class index.
 */
export const decodeCenternet: Decode = (outputs, { keep }) => {
  const { data } = outputs.get('tower_0/detections', [1, -1, 6]);
  const found: RawDetection[] = [];
  for (let i = 0; i + 6 <= data.length; i += 6) {
    const [x1, y1, x2, y2, score, index] = data.subarray(i, i + 6) as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const label = COCO_LABELS.get(index);
    if (label === undefined || score < (keep[label] ?? Infinity) || x2 <= x1 || y2 <= y1) continue;
    found.push({ label, score, box: { x1, y1, x2, y2 } });
  }
  return found;
};

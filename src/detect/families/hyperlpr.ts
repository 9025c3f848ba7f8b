import { boundingBox } from '../../core/geometry.ts';
import type { Decode, RawDetection } from '../decoder.ts';

const ROW = 15;

/**
 * HyperLPR's plate detector, a YOLOv5 with corner points: [1,N,15] as cx, cy, w, h in input pixels,
 * objectness, four corners, two class probabilities (one and two lines). The box holds the corners too,
 * since either alone may cut the plate.
 */
export const decodeHyperlpr: Decode = (outputs, { keep }) => {
  const least = keep.plate ?? Infinity;
  const { data } = outputs.get(undefined, [1, -1, ROW]);
  const found: RawDetection[] = [];
  for (let at = 0; at + ROW <= data.length; at += ROW) {
    const row = data.subarray(at, at + ROW);
    const score = (row[4] as number) * Math.max(row[13] as number, row[14] as number);
    if (score < least) continue;
    const [cx, cy, w, h] = row as unknown as [number, number, number, number];
    const corners = [5, 7, 9, 11].map((i) => ({ x: row[i] as number, y: row[i + 1] as number }));
    const box = boundingBox([{ x: cx - w / 2, y: cy - h / 2 }, { x: cx + w / 2, y: cy + h / 2 }, ...corners]);
    found.push({ label: 'plate', score, box });
  }
  return found;
};

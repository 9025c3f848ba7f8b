import type { Region, RgbImage } from '../../core/types.ts';
import { rowSpans } from '../mask.ts';
import type { Scene } from '../patch.ts';

/** How far beyond the region is looked, as a share of its longer side, and at least, pixels. */
const BEYOND = { share: 0.15, least: 2 } as const;

/** A part of the photograph; its `image` begins at `x`, `y` there. */
export interface Part {
  readonly image: RgbImage;
  readonly x: number;
  readonly y: number;
}

/**
 * The region and what is around it, without what other regions cover: the mean colour of the rest stands there, so
 * that what they hide decides nothing of how this one is drawn.
 */
export function readablePart({ image, covered }: Scene, region: Region): Part {
  const { x1, y1, x2, y2 } = region.box;
  const margin = BEYOND.least + Math.ceil(BEYOND.share * Math.max(x2 - x1, y2 - y1));
  const [left, top] = [Math.max(0, x1 - margin), Math.max(0, y1 - margin)];
  const width = Math.min(image.width, x2 + margin) - left;
  const height = Math.min(image.height, y2 + margin) - top;
  const data = new Uint8Array(width * height * 3);
  const spans = rowSpans(region, image.width, image.height);
  const hidden: number[] = [];
  const sum = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    const from = (top + y) * image.width + left;
    data.set(image.data.subarray(3 * from, 3 * (from + width)), 3 * y * width);
    const row = top + y - spans.y1;
    const [start, end] = row >= 0 && row < spans.start.length ? [spans.start[row], spans.end[row]] : [0, 0];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const isOwn = left + x >= (start as number) && left + x < (end as number);
      if (covered[from + x] && !isOwn) hidden.push(at);
      else for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + (data[3 * at + c] as number);
    }
  }
  const seen = Math.max(1, width * height - hidden.length);
  for (const at of hidden) for (let c = 0; c < 3; c++) data[3 * at + c] = (sum[c] as number) / seen;
  return { image: { data, width, height }, x: left, y: top };
}

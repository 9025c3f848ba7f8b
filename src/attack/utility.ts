import { iou } from '../core/geometry.ts';
import type { Box, ClassName, Detection } from '../core/types.ts';
import { type Cluster, clusteredShare, type Share } from '../eval/statistics.ts';

/** Overlap with the original box from which something counts as found again. */
export const FOUND_IOU = 0.5;

/** Objects of one class on one photograph, and those that are found again where they were. */
export function foundAgain(cls: ClassName, before: readonly Detection[], after: readonly Detection[]): Cluster {
  const objects = before.filter((d) => d.label === cls);
  const candidates = after.filter((d) => d.label === cls);
  const hits = objects.filter(({ box }) =>
    candidates.some((c) => iou(c.box, box) >= FOUND_IOU || holdsMiddle(box, c.box)),
  );
  return { hits: hits.length, n: objects.length };
}

/** @param photographs one entry each @returns a share with a 95 % interval over photographs */
export function utility(photographs: readonly Cluster[]): Share {
  return clusteredShare(photographs.filter(({ n }) => n > 0));
}

function holdsMiddle(box: Box, of: Box): boolean {
  const [x, y] = [(of.x1 + of.x2) / 2, (of.y1 + of.y2) / 2];
  return x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;
}

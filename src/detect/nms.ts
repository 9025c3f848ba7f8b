import { iou } from '../core/geometry.ts';
import type { Box, Label } from '../core/types.ts';

interface Scored {
  readonly label: Label;
  readonly box: Box;
  readonly score: number;
}

/** Order that does not depend on how a model listed its candidates. */
export function byScore(a: Scored, b: Scored): number {
  return (
    b.score - a.score ||
    a.box.x1 - b.box.x1 ||
    a.box.y1 - b.box.y1 ||
    a.box.x2 - b.box.x2 ||
    a.box.y2 - b.box.y2 ||
    (a.label < b.label ? -1 : a.label > b.label ? 1 : 0)
  );
}

/** IoU above which two boxes of a label show the same object. */
export type SameObject = Readonly<Record<Label, number>>;
/** People in a crowd overlap more than their faces do. */
export const SAME_OBJECT: SameObject = { face: 0.45, body: 0.6, plate: 0.45, text: 0.5, vehicle: 0.6 };

/** Greedy non-maximum suppression per label: of boxes that show the same object, the best score stays. */
export function nms<T extends Scored>(candidates: readonly T[], same = SAME_OBJECT): T[] {
  const kept: T[] = [];
  for (const candidate of [...candidates].sort(byScore)) {
    const covered = kept.some((k) => k.label === candidate.label && iou(k.box, candidate.box) > same[k.label]);
    if (!covered) kept.push(candidate);
  }
  return kept;
}

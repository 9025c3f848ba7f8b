import { containment, iou } from '../core/geometry.ts';
import type { Box } from '../core/types.ts';

/** IoU from which an object counts as found, and from which a detection counts as right. */
export const RECALL_IOU = 0.5;
export const PRECISION_IOU = 0.4;
/** Share of a detection inside an ignored object from which it is neither right nor wrong. */
const IGNORED_SHARE = 0.5;

export interface ScoredBox {
  readonly box: Box;
  readonly score: number;
}

export interface Matches {
  /** By object: whether a detection was matched to it at `RECALL_IOU`. */
  readonly found: boolean[];
  /** Detections matched at `PRECISION_IOU`. */
  readonly right: number;
  /** Detections that count: all but unmatched ones in ignored objects. */
  readonly counted: number;
}

/**
 * Pairs detections with objects one to one: the best score chooses first, the object of the highest IoU.
 * @param objects without the ignored ones
 */
export function matchDetections(
  detections: readonly ScoredBox[],
  objects: readonly Box[],
  ignored: readonly Box[],
): Matches {
  const found = objects.map(() => false);
  for (const i of pair(detections, objects, RECALL_IOU)) if (i !== undefined) found[i] = true;
  const sorted = byScore(detections);
  const pairs = pair(sorted, objects, PRECISION_IOU);
  let right = 0;
  let counted = 0;
  for (const [i, { box }] of sorted.entries()) {
    if (pairs[i] !== undefined) right++;
    else if (ignored.some((object) => containment(box, object) >= IGNORED_SHARE)) continue;
    counted++;
  }
  return { found, right, counted };
}

function byScore(detections: readonly ScoredBox[]): ScoredBox[] {
  return [...detections].sort((a, b) => b.score - a.score);
}

/** By detection, best score first: the index of its object. */
function pair(detections: readonly ScoredBox[], objects: readonly Box[], least: number): (number | undefined)[] {
  const taken = new Set<number>();
  return byScore(detections).map(({ box }) => {
    let best: number | undefined;
    let bestIou = least;
    for (const [i, object] of objects.entries()) {
      if (taken.has(i)) continue;
      const overlap = iou(box, object);
      if (overlap < bestIou || (best !== undefined && overlap === bestIou)) continue;
      best = i;
      bestIou = overlap;
    }
    if (best !== undefined) taken.add(best);
    return best;
  });
}

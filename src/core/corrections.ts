import { boxArea, boxCorners, iou } from './geometry.ts';
import type { Box, ClassName, Detection, Point } from './types.ts';

/** What a person says about one region of an image, in pixels of the upright image. */
export type Correction =
  | { readonly action: 'add'; readonly class: ClassName; readonly region: ReviewedRegion }
  | { readonly action: 'remove'; readonly class: ClassName; readonly target: Target }
  | { readonly action: 'change'; readonly class: ClassName; readonly target: Target; readonly region: ReviewedRegion };

export interface ReviewedRegion {
  readonly box: Box;
  readonly polygon?: readonly Point[];
}

/** Which detection of the class is meant: the one that holds `at`; where several do, or without a point, the one most like `box`. */
export interface Target {
  readonly at?: Point;
  readonly box?: Box;
}

export interface Corrected {
  /** What is to be redacted. */
  readonly settled: readonly Detection[];
  /** Corrections that address no detection. */
  readonly unmatched: readonly Correction[];
  /** Regions by what happened to them. */
  readonly counts: Readonly<Record<Correction['action'], number>>;
}

/** Detections of at least the wanted score by class. */
export function certainOf(
  detections: readonly Detection[],
  thresholds: Readonly<Record<ClassName, number>>,
): Detection[] {
  return detections.filter(
    ({ origin, label, score }) => origin !== undefined || label === 'vehicle' || score >= thresholds[label],
  );
}

/**
 * Applies corrections to detections. All of them speak of what was found, none of another correction, so their order
 * does not matter. A detection that is both removed and changed is changed: the more careful of the two.
 */
export function correct(detections: readonly Detection[], corrections: readonly Correction[]): Corrected {
  const addressed = new Map<Detection, 'removed' | 'changed'>();
  const reviewed: Detection[] = [];
  const unmatched: Correction[] = [];
  let added = 0;
  for (const correction of inOrder(corrections)) {
    if (correction.action === 'add') {
      added++;
    } else {
      const found = addressedBy(correction, detections);
      if (found === undefined) {
        unmatched.push(correction);
        continue;
      }
      if (correction.action === 'change') addressed.set(found, 'changed');
      else if (!addressed.has(found)) addressed.set(found, 'removed');
    }
    if (correction.action !== 'remove') {
      reviewed.push({ label: correction.class, ...correction.region, score: 1, model: 'review', origin: 'review' });
    }
  }
  const fates = [...addressed.values()];
  return {
    settled: [...detections.filter((detection) => !addressed.has(detection)), ...reviewed],
    unmatched,
    counts: {
      add: added,
      remove: fates.filter((fate) => fate === 'removed').length,
      change: fates.filter((fate) => fate === 'changed').length,
    },
  };
}

/** Without repetitions, in an order that does not depend on the given one. */
export function inOrder<T>(corrections: readonly T[]): T[] {
  const byText = new Map(corrections.map((correction) => [JSON.stringify(correction), correction]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, correction]) => correction);
}

/** The detection that is meant; undefined when there is none. */
export function addressedBy(
  { class: cls, target: { at, box } }: Exclude<Correction, { action: 'add' }>,
  detections: readonly Detection[],
): Detection | undefined {
  const candidates = detections.filter(
    (d) => d.label === cls && (at === undefined ? box !== undefined && iou(d.box, box) > 0 : holds(d, at)),
  );
  const likeness = (d: Detection): number => (box === undefined ? 0 : iou(d.box, box));
  // Of nested boxes, a point in the inner one means that one.
  return candidates.sort((a, b) => likeness(b) - likeness(a) || boxArea(a.box) - boxArea(b.box))[0];
}

/** Whether a point, half-open as boxes are, lies in the outline of a detection. */
function holds({ box, polygon }: Detection, { x, y }: Point): boolean {
  const corners = polygon === undefined || polygon.length < 3 ? boxCorners(box) : polygon;
  let inside = false;
  for (const [i, a] of corners.entries()) {
    const b = corners[(i + 1) % corners.length] as Point;
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

import { boxCorners, clockwise, containment, iou, polygonArea, sharedArea } from '../core/geometry.ts';
import type { Detection, Point } from '../core/types.ts';

/** The polygon of a detection, or the corners of its box; clockwise on screen. */
export function outlineOf({ polygon, box }: Detection): readonly Point[] {
  return polygon ? clockwise(polygon) : boxCorners(box);
}

/** Intersection over union of the outlines, 0…1. */
export function overlap(a: Detection, b: Detection): number {
  const boxes = iou(a.box, b.box);
  if (boxes === 0 || (!a.polygon && !b.polygon)) return boxes;
  const [p, q] = [outlineOf(a), outlineOf(b)];
  const shared = sharedArea(p, q);
  const union = polygonArea(p) + polygonArea(q) - shared;
  return union > 0 ? shared / union : 0;
}

/** Share of the inner detection's area that lies inside the outline of the outer one, 0…1. */
export function shareInside(inner: Detection, outer: Detection): number {
  const boxes = containment(inner.box, outer.box);
  if (boxes === 0 || (!inner.polygon && !outer.polygon)) return boxes;
  const outline = outlineOf(inner);
  const area = polygonArea(outline);
  return area > 0 ? sharedArea(outline, outlineOf(outer)) / area : 0;
}

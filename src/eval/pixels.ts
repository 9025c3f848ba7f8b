import { boundingBox, boxHeight, convexHull, intersect, minAreaRect } from '../core/geometry.ts';
import type { Box, Point } from '../core/types.ts';
import type { LabelledObject } from './labels/types.ts';

/** Pixels of one row: `x1 <= x < x2`. */
export interface Run {
  readonly y: number;
  readonly x1: number;
  readonly x2: number;
}

/** The polygon of an object, or the four corners of its box. */
export function outlineOf({ polygon, box }: Pick<LabelledObject, 'polygon' | 'box'>): readonly Point[] {
  return (
    polygon ?? [
      { x: box.x1, y: box.y1 },
      { x: box.x2, y: box.y1 },
      { x: box.x2, y: box.y2 },
      { x: box.x1, y: box.y2 },
    ]
  );
}

/** An outline scaled about the middle of its bounding box, so that each side moves out by `margin` of the size. */
export function withMargin(outline: readonly Point[], margin: number): Point[] {
  const { x1, y1, x2, y2 } = boundingBox(outline);
  const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const factor = 1 + 2 * margin;
  return outline.map(({ x, y }) => ({ x: cx + (x - cx) * factor, y: cy + (y - cy) * factor }));
}

/**
 * Pixels of an image whose centres lie inside an outline (even-odd rule, so it need not be convex). The image has
 * `width` × `height` pixels; what reaches over its border is left out.
 */
export function pixelRuns(outline: readonly Point[], width: number, height: number): Run[] {
  const bounds = boundingBox(outline);
  const top = Math.max(0, Math.floor(bounds.y1));
  const bottom = Math.min(height, Math.ceil(bounds.y2));
  const runs: Run[] = [];
  for (let y = top; y < bottom; y++) {
    const centre = y + 0.5;
    const crossings: number[] = [];
    let a = outline[outline.length - 1] as Point;
    for (const b of outline) {
      if (a.y <= centre !== b.y <= centre) crossings.push(a.x + ((centre - a.y) / (b.y - a.y)) * (b.x - a.x));
      a = b;
    }
    crossings.sort((p, q) => p - q);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      // The first centre at or right of the one crossing, and of the other.
      const x1 = Math.max(0, Math.ceil((crossings[i] as number) - 0.5));
      const x2 = Math.min(width, Math.ceil((crossings[i + 1] as number) - 0.5));
      if (x2 > x1) runs.push({ y, x1, x2 });
    }
  }
  return runs;
}

/** The tight box inside the image: of the outline where there is one. */
export function tightBox(
  { polygon, box }: { readonly polygon?: readonly Point[]; readonly box: Box },
  width: number,
  height: number,
): Box {
  const tight = polygon && polygon.length > 0 ? boundingBox(polygon) : box;
  return intersect(tight, { x1: 0, y1: 0, x2: width, y2: height });
}

/** Height in pixels by which objects are grouped: of the box, or of the line for text with an outline. */
export function heightOf(object: Pick<LabelledObject, 'class' | 'box' | 'polygon'>): number {
  if (object.class === 'text' && object.polygon) {
    const hull = convexHull(object.polygon);
    if (hull.length >= 3) {
      const line = minAreaRect(hull);
      return Math.min(line.width, line.height);
    }
  }
  return boxHeight(object.box);
}

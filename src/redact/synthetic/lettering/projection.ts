import type { Point } from '../../../core/types.ts';

/** The corners of a rectangle as it is seen: what was its top left corner first, then on around it. */
export type Quad = readonly [Point, Point, Point, Point];

/** A plane projective map, row by row, last element 1: `x' = (m0 x + m1 y + m2) / (m6 x + m7 y + 1)`. */
export type Projection = readonly [number, number, number, number, number, number, number, number];

/** Maps the unit square onto a quadrilateral (Heckbert, Fundamentals of Texture Mapping, 1989). */
export function ontoQuad([p0, p1, p2, p3]: Quad): Projection {
  const sx = p0.x - p1.x + p2.x - p3.x;
  const sy = p0.y - p1.y + p2.y - p3.y;
  const dx1 = p1.x - p2.x;
  const dy1 = p1.y - p2.y;
  const dx2 = p3.x - p2.x;
  const dy2 = p3.y - p2.y;
  const area = dx1 * dy2 - dx2 * dy1;
  const g = area ? (sx * dy2 - dx2 * sy) / area : 0;
  const h = area ? (dx1 * sy - sx * dy1) / area : 0;
  return [
    p1.x - p0.x + g * p1.x,
    p3.x - p0.x + h * p3.x,
    p0.x,
    p1.y - p0.y + g * p1.y,
    p3.y - p0.y + h * p3.y,
    p0.y,
    g,
    h,
  ];
}

export function project([a, b, c, d, e, f, g, h]: Projection, x: number, y: number): Point {
  const w = g * x + h * y + 1;
  return { x: (a * x + b * y + c) / w, y: (d * x + e * y + f) / w };
}

/** The map back; without one (a quadrilateral without area), everything lies far outside. */
export function inverse([a, b, c, d, e, f, g, h]: Projection): Projection {
  const last = a * e - b * d;
  if (!(Math.abs(last) > 1e-9)) return [0, 0, -1, 0, 0, -1, 0, 0];
  const n = (value: number): number => value / last;
  return [
    n(e - f * h),
    n(c * h - b),
    n(b * f - c * e),
    n(f * g - d),
    n(a - c * g),
    n(c * d - a * f),
    n(d * h - e * g),
    n(b * g - a * h),
  ];
}

/** Mean lengths of the sides along and across, pixels. */
export function quadSize([p0, p1, p2, p3]: Quad): { width: number; height: number } {
  const length = (p: Point, q: Point): number => Math.hypot(q.x - p.x, q.y - p.y);
  return { width: (length(p0, p1) + length(p3, p2)) / 2, height: (length(p0, p3) + length(p1, p2)) / 2 };
}

import type { Box, Point } from './types.ts';

export function boxWidth(box: Box): number {
  return box.x2 - box.x1;
}

export function boxHeight(box: Box): number {
  return box.y2 - box.y1;
}

export function boxArea(box: Box): number {
  return Math.max(0, boxWidth(box)) * Math.max(0, boxHeight(box));
}

export function isEmptyBox(box: Box): boolean {
  return !(box.x2 > box.x1 && box.y2 > box.y1);
}

/** Smallest box that holds all `points` (pixels). */
export function boundingBox(points: readonly Point[]): Box {
  let x1 = Infinity;
  let y1 = Infinity;
  let x2 = -Infinity;
  let y2 = -Infinity;
  for (const { x, y } of points) {
    x1 = Math.min(x1, x);
    y1 = Math.min(y1, y);
    x2 = Math.max(x2, x);
    y2 = Math.max(y2, y);
  }
  return { x1, y1, x2, y2 };
}

export function intersect(a: Box, b: Box): Box {
  return {
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
    x2: Math.min(a.x2, b.x2),
    y2: Math.min(a.y2, b.y2),
  };
}

/** Smallest box that holds both. */
export function unite(a: Box, b: Box): Box {
  return {
    x1: Math.min(a.x1, b.x1),
    y1: Math.min(a.y1, b.y1),
    x2: Math.max(a.x2, b.x2),
    y2: Math.max(a.y2, b.y2),
  };
}

/** Intersection over union, 0…1; 0 for empty boxes. */
export function iou(a: Box, b: Box): number {
  const inter = boxArea(intersect(a, b));
  const union = boxArea(a) + boxArea(b) - inter;
  return union > 0 ? inter / union : 0;
}

/** Share of `inner`'s area that lies inside `outer`, 0…1. */
export function containment(inner: Box, outer: Box): number {
  const area = boxArea(inner);
  return area > 0 ? boxArea(intersect(inner, outer)) / area : 0;
}

/** Grows by `fraction` of the box's own width and height on each side. */
export function growBox(box: Box, fraction: number): Box {
  const dx = boxWidth(box) * fraction;
  const dy = boxHeight(box) * fraction;
  return { x1: box.x1 - dx, y1: box.y1 - dy, x2: box.x2 + dx, y2: box.y2 + dy };
}

/** Rounds outwards to multiples of `step` pixels (minima down, maxima up), then clips to the image. */
export function snapOutward(box: Box, width: number, height: number, step = 1): Box {
  return {
    x1: Math.max(0, Math.floor(box.x1 / step) * step),
    y1: Math.max(0, Math.floor(box.y1 / step) * step),
    x2: Math.min(width, Math.ceil(box.x2 / step) * step),
    y2: Math.min(height, Math.ceil(box.y2 / step) * step),
  };
}

/** Twice the signed area; positive when the outline runs clockwise on screen (y points down). */
function signedArea2(polygon: readonly Point[]): number {
  let sum = 0;
  for (let i = 0; i < polygon.length; i++) {
    const a = polygon[i] as Point;
    const b = polygon[(i + 1) % polygon.length] as Point;
    sum += a.x * b.y - b.x * a.y;
  }
  return sum;
}

export function polygonArea(polygon: readonly Point[]): number {
  return Math.abs(signedArea2(polygon)) / 2;
}

/** The same outline, clockwise on screen. */
export function clockwise(polygon: readonly Point[]): Point[] {
  return signedArea2(polygon) < 0 ? [...polygon].reverse() : [...polygon];
}

/** Convex hull, clockwise on screen, without collinear points (Andrew's monotone chain, 1979). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  if (sorted.length < 3) return sorted;
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const p of ordered) {
      while (chain.length >= 2) {
        const a = chain[chain.length - 2] as Point;
        const b = chain[chain.length - 1] as Point;
        if ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) > 0) break;
        chain.pop();
      }
      chain.push(p);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** Area that two convex outlines, both clockwise on screen, have in common (Sutherland and Hodgman, 1974). */
export function sharedArea(a: readonly Point[], b: readonly Point[]): number {
  // An outline without area has no inside to clip to.
  let clipped: readonly Point[] = polygonArea(b) > 0 ? a : [];
  for (let i = 0; i < b.length && clipped.length > 0; i++) {
    const from = b[i] as Point;
    const to = b[(i + 1) % b.length] as Point;
    const side = (p: Point): number => (to.x - from.x) * (p.y - from.y) - (to.y - from.y) * (p.x - from.x);
    const next: Point[] = [];
    for (const [k, p] of clipped.entries()) {
      const q = clipped[(k + 1) % clipped.length] as Point;
      const [sp, sq] = [side(p), side(q)];
      if (sp >= 0) next.push(p);
      if (sp >= 0 === sq >= 0) continue;
      const t = sp / (sp - sq);
      next.push({ x: p.x + t * (q.x - p.x), y: p.y + t * (q.y - p.y) });
    }
    clipped = next;
  }
  return polygonArea(clipped);
}

/** The corners of a box, clockwise on screen. */
export function boxCorners({ x1, y1, x2, y2 }: Box): Point[] {
  return [
    { x: x1, y: y1 },
    { x: x2, y: y1 },
    { x: x2, y: y2 },
    { x: x1, y: y2 },
  ];
}

/** A rectangle of any direction. `width` runs along `angle` (radians, clockwise on screen), pixels. */
export interface OrientedRect {
  readonly cx: number;
  readonly cy: number;
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}

/** Rectangle of least area around a convex outline: one of its sides lies on an edge (Freeman and Shapira, 1975). */
export function minAreaRect(hull: readonly Point[]): OrientedRect {
  if (hull.length === 0) throw new RangeError('Expected at least one point for minAreaRect');
  let best: OrientedRect | undefined;
  for (let i = 0; i < hull.length; i++) {
    const a = hull[i] as Point;
    const b = hull[(i + 1) % hull.length] as Point;
    const angle = a.x === b.x && a.y === b.y ? 0 : Math.atan2(b.y - a.y, b.x - a.x);
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const rotated = hull.map((p) => ({ x: p.x * cos + p.y * sin, y: p.y * cos - p.x * sin }));
    const box = boundingBox(rotated);
    const width = boxWidth(box);
    const height = boxHeight(box);
    if (best !== undefined && width * height >= best.width * best.height) continue;
    const u = (box.x1 + box.x2) / 2;
    const v = (box.y1 + box.y2) / 2;
    best = { cx: u * cos - v * sin, cy: u * sin + v * cos, width, height, angle };
  }
  return best as OrientedRect;
}

/** The four corners, clockwise on screen. */
export function rectCorners(rect: OrientedRect): Point[] {
  const cos = Math.cos(rect.angle);
  const sin = Math.sin(rect.angle);
  const w = rect.width / 2;
  const h = rect.height / 2;
  const corner = (u: number, v: number): Point => ({
    x: rect.cx + u * cos - v * sin,
    y: rect.cy + u * sin + v * cos,
  });
  return [corner(-w, -h), corner(w, -h), corner(w, h), corner(-w, h)];
}

/** Grows every side outwards by `dx` along the width and `dy` along the height (pixels). */
export function growRect(rect: OrientedRect, dx: number, dy: number): OrientedRect {
  return { ...rect, width: rect.width + 2 * dx, height: rect.height + 2 * dy };
}

import { boundingBox } from '../core/geometry.ts';
import type { Box, Point, Region } from '../core/types.ts';

/** What decides which pixels a region covers. */
export type Shape = Pick<Region, 'shape' | 'core' | 'polygon'>;

/** Pixels that a convex shape touches: in row `y1 + i`, the columns `start[i] <= x < end[i]`. */
export interface RowSpans {
  readonly y1: number;
  readonly y2: number;
  readonly start: Int32Array;
  readonly end: Int32Array;
}

export interface Ellipse {
  readonly cx: number;
  readonly cy: number;
  /** Semi-axes, pixels. */
  readonly a: number;
  readonly b: number;
}

/** The ellipse of the core's proportions that passes through its four corners. */
export function circumscribe(core: Box): Ellipse {
  return {
    cx: (core.x1 + core.x2) / 2,
    cy: (core.y1 + core.y2) / 2,
    a: (core.x2 - core.x1) * Math.SQRT1_2,
    b: (core.y2 - core.y1) * Math.SQRT1_2,
  };
}

/** The points of a polygon. */
export function outlineOf(shape: Shape): readonly Point[] {
  if (shape.polygon === undefined) throw new RangeError('Expected points for a polygon region but received none');
  return shape.polygon;
}

/** Exact bounding box of a shape, not clipped, in pixels. */
export function shapeBounds(shape: Shape): Box {
  switch (shape.shape) {
    case 'box':
      return shape.core;
    case 'ellipse': {
      const { cx, cy, a, b } = circumscribe(shape.core);
      return { x1: cx - a, y1: cy - b, x2: cx + a, y2: cy + b };
    }
    case 'polygon':
      return boundingBox(outlineOf(shape));
  }
}

type Extent = (y: number, into: { x1: number; x2: number }) => void;

/** Horizontal extent of a shape within the strip from `y` to `y + 1`. */
function stripExtent(shape: Shape): Extent {
  if (shape.shape === 'box') {
    return (_, into) => {
      into.x1 = shape.core.x1;
      into.x2 = shape.core.x2;
    };
  }
  if (shape.shape === 'ellipse') {
    const { cx, cy, a, b } = circumscribe(shape.core);
    return (y, into) => {
      const nearest = (Math.min(y + 1, Math.max(y, cy)) - cy) / b;
      const half = a * Math.sqrt(Math.max(0, 1 - nearest * nearest));
      into.x1 = cx - half;
      into.x2 = cx + half;
    };
  }
  const polygon = outlineOf(shape);
  return (y, into) => {
    into.x1 = Infinity;
    into.x2 = -Infinity;
    let p = polygon[polygon.length - 1] as Point;
    for (const q of polygon) {
      const [upper, lower] = p.y <= q.y ? [p, q] : [q, p];
      if (upper.y <= y + 1 && lower.y >= y) {
        const slope = upper.y === lower.y ? 0 : (lower.x - upper.x) / (lower.y - upper.y);
        const top = upper.y >= y ? upper.x : upper.x + (y - upper.y) * slope;
        const bottom = lower.y <= y + 1 ? lower.x : upper.x + (y + 1 - upper.y) * slope;
        into.x1 = Math.min(into.x1, top, bottom);
        into.x2 = Math.max(into.x2, top, bottom);
      }
      p = q;
    }
  };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** Every pixel of a `width` × `height` image that the shape touches, even by a corner, as one span per row. */
export function rowSpans(shape: Shape, width: number, height: number): RowSpans {
  const bounds = shapeBounds(shape);
  const y1 = clamp(Math.floor(bounds.y1), 0, height);
  const y2 = clamp(Math.ceil(bounds.y2), y1, height);
  const start = new Int32Array(y2 - y1);
  const end = new Int32Array(y2 - y1);
  const extent = stripExtent(shape);
  const at = { x1: 0, x2: 0 };
  for (let y = y1; y < y2; y++) {
    extent(y, at);
    const from = clamp(Math.floor(at.x1), 0, width);
    start[y - y1] = from;
    end[y - y1] = clamp(Math.ceil(at.x2), from, width);
  }
  return { y1, y2, start, end };
}

/** Integral bounding box of the covered pixels; empty when the shape misses the image. */
export function spanBounds(spans: RowSpans): Box {
  const box = { x1: Infinity, y1: Infinity, x2: -Infinity, y2: -Infinity };
  for (let i = 0; i < spans.start.length; i++) {
    const from = spans.start[i] as number;
    const to = spans.end[i] as number;
    if (from >= to) continue;
    box.x1 = Math.min(box.x1, from);
    box.x2 = Math.max(box.x2, to);
    box.y1 = Math.min(box.y1, spans.y1 + i);
    box.y2 = spans.y1 + i + 1;
  }
  return box;
}

/** Sets `into[y * width + x]` to 1 for every pixel inside the region's shape (the feather excluded). */
export function rasterizeRegion(region: Region, width: number, height: number, into: Uint8Array): void {
  if (into.length !== width * height) {
    throw new RangeError(`Expected a mask of ${width} × ${height} bytes but received ${into.length}`);
  }
  const { y1, start, end } = rowSpans(region, width, height);
  for (let i = 0; i < start.length; i++) {
    const row = (y1 + i) * width;
    into.fill(1, row + (start[i] as number), row + (end[i] as number));
  }
}

import type { Box, Point } from '../core/types.ts';
import { circumscribe, outlineOf, type Shape } from './mask.ts';

/**
 * Weight of the redacted colour around a shape: towards 1 at its edge, 0 at `width` pixels from it and beyond.
 * Takes a point outside the shape, in pixels. Along a straight line away from the shape it never rises.
 */
export function featherWeight(shape: Shape, width: number): (x: number, y: number) => number {
  const smooth = (t: number): number => (t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t));
  if (shape.shape === 'ellipse') {
    // Fades between the ellipse and the one with semi-axes longer by `width`, which lies within that distance of it.
    const { cx, cy, a, b } = circumscribe(shape.core);
    const radius = (x: number, y: number): number => Math.sqrt(x * x + y * y);
    return (x, y) => {
      const outside = 1 - radius((x - cx) / (a + width), (y - cy) / (b + width));
      if (outside <= 0) return 0;
      const inside = radius((x - cx) / a, (y - cy) / b) - 1;
      return inside <= 0 ? 1 : smooth(outside / (outside + inside));
    };
  }
  const squaredDistance = shape.shape === 'box' ? toBox(shape.core) : toOutline(outlineOf(shape));
  return (x, y) => smooth(1 - Math.sqrt(squaredDistance(x, y)) / width);
}

type SquaredDistance = (x: number, y: number) => number;

function toBox(box: Box): SquaredDistance {
  return (x, y) => {
    const dx = Math.max(box.x1 - x, 0, x - box.x2);
    const dy = Math.max(box.y1 - y, 0, y - box.y2);
    return dx * dx + dy * dy;
  };
}

function toOutline(polygon: readonly Point[]): SquaredDistance {
  return (x, y) => {
    let least = Infinity;
    let p = polygon[polygon.length - 1] as Point;
    for (const q of polygon) {
      const sideX = q.x - p.x;
      const sideY = q.y - p.y;
      const along = ((x - p.x) * sideX + (y - p.y) * sideY) / (sideX * sideX + sideY * sideY || 1);
      const share = Math.min(1, Math.max(0, along));
      const dx = x - p.x - share * sideX;
      const dy = y - p.y - share * sideY;
      least = Math.min(least, dx * dx + dy * dy);
      p = q;
    }
    return least;
  };
}

import type { Box, Point } from '../core/types.ts';
import { circumscribe, outlineOf, type Shape } from './mask.ts';

/**
 * Writes the weight of the redacted colour at the centre of pixel `x`, `y` to `into[at]` and tells whether it is
 * above 0. Whole numbers in and a flag out: a fraction as argument or result would be allocated, millions of times
 * an image.
 */
export type FeatherWeight = (x: number, y: number, into: Float64Array, at: number) => boolean;

/**
 * Weights around a shape: towards 1 at its edge, 0 at `width` pixels from it and beyond. For pixels outside the
 * shape; along a straight line away from it the weight never rises.
 */
export function featherWeight(shape: Shape, width: number): FeatherWeight {
  if (width <= 0) return noFeather;
  switch (shape.shape) {
    case 'ellipse':
      return aroundEllipse(shape.core, width);
    case 'box':
      return aroundBox(shape.core, width);
    case 'polygon':
      return aroundOutline(outlineOf(shape), width);
  }
}

const noFeather: FeatherWeight = (_x, _y, into, at) => {
  into[at] = 0;
  return false;
};

function smooth(t: number): number {
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

/** Fades between the ellipse and the one with semi-axes longer by `width`, which lies within that distance of it. */
function aroundEllipse(core: Box, width: number): FeatherWeight {
  const { cx, cy, a, b } = circumscribe(core);
  return (x, y, into, at) => {
    const dx = x + 0.5 - cx;
    const dy = y + 0.5 - cy;
    const outside = 1 - Math.sqrt((dx / (a + width)) ** 2 + (dy / (b + width)) ** 2);
    const inside = Math.sqrt((dx / a) ** 2 + (dy / b) ** 2) - 1;
    const weight = outside <= 0 ? 0 : inside <= 0 ? 1 : smooth(outside / (outside + inside));
    into[at] = weight;
    return weight > 0;
  };
}

function aroundBox(box: Box, width: number): FeatherWeight {
  return (x, y, into, at) => {
    const dx = Math.max(box.x1 - x - 0.5, 0, x + 0.5 - box.x2);
    const dy = Math.max(box.y1 - y - 0.5, 0, y + 0.5 - box.y2);
    const weight = smooth(1 - Math.sqrt(dx * dx + dy * dy) / width);
    into[at] = weight;
    return weight > 0;
  };
}

function aroundOutline(polygon: readonly Point[], width: number): FeatherWeight {
  return (px, py, into, at) => {
    const x = px + 0.5;
    const y = py + 0.5;
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
    const weight = smooth(1 - Math.sqrt(least) / width);
    into[at] = weight;
    return weight > 0;
  };
}

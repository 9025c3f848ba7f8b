import type { Box, Point } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';

/** No photograph is near this long; a larger number is damage, and would cost memory later. */
const MAX_PIXELS = 1_000_000;

function isPixels(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) <= MAX_PIXELS;
}

/**
 * A box from its corners, in pixels. It may reach over the image's border.
 * @throws UsageError for numbers that are not finite or absurd, and for a box without area.
 */
export function cornerBox(x1: number, y1: number, x2: number, y2: number, where: string): Box {
  if (![x1, y1, x2, y2].every(isPixels)) {
    throw new UsageError(
      `${where}: expected finite pixels up to ±${MAX_PIXELS} but received ${[x1, y1, x2, y2].join(', ')}`,
    );
  }
  if (!(x2 > x1 && y2 > y1)) {
    throw new UsageError(
      `${where}: expected a box with a positive width and height but received ${x2 - x1} × ${y2 - y1}`,
    );
  }
  return { x1, y1, x2, y2 };
}

/** A box from its top left corner and size, in pixels. Throws as `cornerBox` does. */
export function sizedBox(x: number, y: number, w: number, h: number, where: string): Box {
  return cornerBox(x, y, x + w, y + h, where);
}

/** @throws UsageError for fewer than three points, or numbers that are not finite or absurd. */
export function outline(points: readonly (readonly [number, number])[], where: string): Point[] {
  if (points.length < 3) throw new UsageError(`${where}: expected at least 3 points but received ${points.length}`);
  return points.map(([x, y]) => {
    if (isPixels(x) && isPixels(y)) return { x, y };
    throw new UsageError(`${where}: expected finite pixels up to ±${MAX_PIXELS} but received ${x}, ${y}`);
  });
}

import { boundingBox, boxHeight, boxWidth, polygonArea } from '../../core/geometry.ts';
import type { Point } from '../../core/types.ts';

/** Index of each of the 68 points in the mirror image of a face. */
const MIRRORED: readonly number[] = [
  ...range(16, 0),
  ...range(26, 17),
  27,
  28,
  29,
  30,
  ...range(35, 31),
  ...[45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40],
  ...range(54, 48),
  ...range(59, 55),
  ...range(64, 60),
  ...range(67, 65),
];

function range(from: number, to: number): number[] {
  const step = Math.sign(to - from);
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => from + i * step);
}

/** The points of a face as they are called in its mirror image; their places stay. */
export function mirrorFace(points: readonly Point[]): Point[] {
  return MIRRORED.map((i) => points[i] as Point);
}

/** Mean distance between two sets of points, in shares of the size (root of the area of the bounding box) of the first. */
export function spreadOf(a: readonly Point[], b: readonly Point[]): number {
  const box = boundingBox(a);
  const size = Math.sqrt(boxWidth(box) * boxHeight(box));
  const sum = a.reduce((total, p, i) => {
    const q = b[i] as Point;
    return total + Math.hypot(p.x - q.x, p.y - q.y);
  }, 0);
  return size > 0 ? sum / a.length / size : Infinity;
}

/** Whether brows, eyes, nose, mouth and chin follow each other and the outline has an area. */
export function isPlausibleFace(points: readonly Point[]): boolean {
  const mean = (from: number, to: number): Point => {
    const part = points.slice(from, to + 1);
    const n = part.length;
    return { x: part.reduce((s, p) => s + p.x, 0) / n, y: part.reduce((s, p) => s + p.y, 0) / n };
  };
  const brows = mean(17, 26);
  const chin = points[8] as Point;
  const down = { x: chin.x - brows.x, y: chin.y - brows.y };
  const length = down.x ** 2 + down.y ** 2;
  const along = (p: Point): number => ((p.x - brows.x) * down.x + (p.y - brows.y) * down.y) / length;
  const order = [0, along(mean(36, 47)), along(points[33] as Point), along(mean(48, 67)), 1];
  const isOrdered = order.every((value, i) => i === 0 || value > (order[i - 1] as number) + 0.03);
  const across = (points[16] as Point).x - (points[0] as Point).x;
  const turned = (points[16] as Point).y - (points[0] as Point).y;
  // Upside down counts: what must hold is that left and right are where they are in a face that looks out.
  const isUnmirrored = across * down.y - turned * down.x > 0;
  return isOrdered && isUnmirrored && polygonArea(points.slice(0, 17)) > 0.1 * length;
}

import { describe, expect, it } from 'vitest';
import { boundingBox, boxCorners, rectCorners } from '../../src/core/geometry.ts';
import type { Detection, Point } from '../../src/core/types.ts';
import { outlineOf, overlap, shareInside } from '../../src/detect/outline.ts';

const about = { label: 'text', model: 'm', score: 0.5 } as const;
const boxed = (x1: number, y1: number, x2: number, y2: number): Detection => ({ ...about, box: { x1, y1, x2, y2 } });
const outlined = (polygon: readonly Point[]): Detection => ({ ...about, polygon, box: boundingBox(polygon) });
/** A bar around (100, 100), `angle` in degrees. */
const bar = (width: number, height: number, angle: number): Detection =>
  outlined(rectCorners({ cx: 100, cy: 100, width, height, angle: (angle * Math.PI) / 180 }));
const backwards = (d: Detection): Detection => ({ ...d, polygon: d.polygon?.toReversed() ?? [] });

describe('outlineOf', () => {
  const clockwise = boxCorners({ x1: 1, y1: 2, x2: 5, y2: 4 });

  it.each([
    ['the corners of a box', boxed(1, 2, 5, 4), clockwise],
    ['a polygon, not its box', bar(40, 10, 30), bar(40, 10, 30).polygon],
    ['a clockwise polygon as it is', outlined(clockwise), clockwise],
    ['an anticlockwise polygon turned around', outlined(clockwise.toReversed()), clockwise],
  ])('gives %s', (_, detection, expected) => {
    expect(outlineOf(detection)).toEqual(expected);
  });
});

describe.each<[string, Detection, Detection, number, number]>([
  ['two boxes', boxed(0, 0, 100, 100), boxed(50, 0, 150, 100), 1 / 3, 1 / 2],
  ['a box within a box', boxed(10, 10, 30, 30), boxed(0, 0, 40, 40), 1 / 4, 1],
  ['boxes apart', boxed(0, 0, 10, 10), boxed(20, 0, 30, 10), 0, 0],
  ['boxes that touch', boxed(0, 0, 10, 10), boxed(10, 0, 20, 10), 0, 0],
  ['an empty box', boxed(5, 5, 5, 5), boxed(0, 0, 10, 10), 0, 0],
  ['crossing bars in equal boxes', bar(100, 20, 45), bar(100, 20, -45), 400 / 3600, 400 / 2000],
  ['bars along each other', bar(60, 20, 25), bar(100, 20, 25), 0.6, 1],
  ['a bar listed anticlockwise', backwards(bar(60, 20, 25)), bar(100, 20, 25), 0.6, 1],
  ['a bar beside a box that its own box holds', boxed(120, 62, 134, 72), bar(140, 14, 45), 0, 0],
  ['a box and a bar across it', boxed(90, 90, 110, 110), bar(100, 10, 0), 200 / 1200, 1 / 2],
  [
    'a bar without area',
    outlined([
      { x: 90, y: 90 },
      { x: 110, y: 110 },
    ]),
    bar(60, 20, 0),
    0,
    0,
  ],
])('%s', (_, a, b, iou, inside) => {
  it('overlap, whichever comes first', () => {
    expect(overlap(a, b)).toBeCloseTo(iou, 9);
    expect(overlap(b, a)).toBeCloseTo(iou, 9);
  });

  it('share of the first inside the second', () => {
    expect(shareInside(a, b)).toBeCloseTo(inside, 9);
  });
});

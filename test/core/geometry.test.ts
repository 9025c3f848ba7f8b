import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundingBox,
  boxArea,
  boxCorners,
  clockwise,
  containment,
  convexHull,
  growBox,
  growRect,
  intersect,
  iou,
  isEmptyBox,
  minAreaRect,
  polygonArea,
  rectCorners,
  sharedArea,
  snapOutward,
  unite,
} from '../../src/core/geometry.ts';
import type { Box, Point } from '../../src/core/types.ts';

const coordinate = fc.integer({ min: -300, max: 300 });
const point: fc.Arbitrary<Point> = fc.record({ x: coordinate, y: coordinate });
const points = fc.array(point, { minLength: 1, maxLength: 40 });
// Sixty-fourths: between pixels, and exact in arithmetic.
const real = fc.integer({ min: -20_000, max: 20_000 }).map((n) => n / 64);
const length = fc.integer({ min: 0, max: 12_000 }).map((n) => n / 64);
const box: fc.Arbitrary<Box> = fc
  .tuple(real, real, length, length)
  .map(([x1, y1, w, h]) => ({ x1, y1, x2: x1 + w, y2: y1 + h }));

/** Positive when `p` lies to the right of a → b on screen, that is inside a clockwise outline. */
function side(a: Point, b: Point, p: Point): number {
  return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
}

function edges(polygon: readonly Point[]): [Point, Point][] {
  return polygon.map((a, i) => [a, polygon[(i + 1) % polygon.length] as Point]);
}

describe('convexHull', () => {
  it('holds every point, turns clockwise at every corner and is made of the points themselves', () => {
    fc.assert(
      fc.property(points, (all) => {
        const hull = convexHull(all);
        expect(hull.every((p) => all.some((q) => q.x === p.x && q.y === p.y))).toBe(true);
        if (polygonArea(hull) === 0) return;
        for (const [a, b] of edges(hull)) {
          for (const p of all) expect(side(a, b, p)).toBeGreaterThanOrEqual(0);
        }
        for (const [i, [a, b]] of edges(hull).entries()) {
          expect(side(a, b, hull[(i + 2) % hull.length] as Point)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('drops points inside, on edges and given twice', () => {
    const square = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
      { x: 10, y: 10 },
      { x: 0, y: 10 },
    ];
    expect(convexHull([...square, { x: 5, y: 5 }, { x: 5, y: 0 }, ...square])).toEqual(square);
  });

  it('leaves its argument as it was', () => {
    const given = [
      { x: 3, y: 1 },
      { x: 0, y: 0 },
      { x: 1, y: 4 },
    ];
    const before = structuredClone(given);
    convexHull(given);
    expect(given).toEqual(before);
  });
});

describe('minAreaRect', () => {
  it('holds every point and is never larger than the axis-aligned box', () => {
    fc.assert(
      fc.property(points, (all) => {
        const rect = minAreaRect(convexHull(all));
        expect(rect.width * rect.height).toBeLessThanOrEqual(boxArea(boundingBox(all)) + 1e-6);
        const cos = Math.cos(rect.angle);
        const sin = Math.sin(rect.angle);
        for (const { x, y } of all) {
          const u = (x - rect.cx) * cos + (y - rect.cy) * sin;
          const v = (y - rect.cy) * cos - (x - rect.cx) * sin;
          expect(Math.abs(u)).toBeLessThanOrEqual(rect.width / 2 + 1e-6);
          expect(Math.abs(v)).toBeLessThanOrEqual(rect.height / 2 + 1e-6);
        }
      }),
    );
  });

  it('finds a rectangle of any direction again', () => {
    const side = fc.double({ min: 1, max: 300, noNaN: true });
    const angle = fc.double({ min: -Math.PI, max: Math.PI, noNaN: true });
    fc.assert(
      fc.property(real, real, side, side, angle, (cx, cy, width, height, angle) => {
        const found = minAreaRect(convexHull(rectCorners({ cx, cy, width, height, angle })));
        expect(found.cx).toBeCloseTo(cx, 6);
        expect(found.cy).toBeCloseTo(cy, 6);
        expect(Math.max(found.width, found.height)).toBeCloseTo(Math.max(width, height), 6);
        expect(Math.min(found.width, found.height)).toBeCloseTo(Math.min(width, height), 6);
      }),
    );
  });

  it.each([
    ['one point', [{ x: 4, y: 5 }], { cx: 4, cy: 5, width: 0, height: 0 }],
    [
      'one point twice',
      [
        { x: 4, y: 5 },
        { x: 4, y: 5 },
      ],
      { cx: 4, cy: 5, width: 0, height: 0 },
    ],
    [
      'a segment',
      [
        { x: 0, y: 0 },
        { x: 3, y: 4 },
      ],
      { cx: 1.5, cy: 2, width: 5, height: 0 },
    ],
  ])('takes %s', (_, hull, expected) => {
    const found = minAreaRect(hull);
    for (const [key, value] of Object.entries(expected)) expect(found[key as 'cx'], key).toBeCloseTo(value, 9);
  });

  it('refuses nothing at all', () => {
    expect(() => minAreaRect([])).toThrow(RangeError);
  });
});

describe('oriented rectangles', () => {
  it('lists corners clockwise on screen, from the one that is top left when level', () => {
    expect(rectCorners({ cx: 10, cy: 20, width: 6, height: 4, angle: 0 })).toEqual([
      { x: 7, y: 18 },
      { x: 13, y: 18 },
      { x: 13, y: 22 },
      { x: 7, y: 22 },
    ]);
    fc.assert(
      fc.property(fc.double({ min: -7, max: 7, noNaN: true }), (angle) => {
        const corners = rectCorners({ cx: 0, cy: 0, width: 30, height: 10, angle });
        const [a, b, c] = corners as [Point, Point, Point];
        expect(side(a, b, c)).toBeCloseTo(300, 6);
        expect(Math.atan2(b.y - a.y, b.x - a.x)).toBeCloseTo(Math.atan2(Math.sin(angle), Math.cos(angle)), 6);
      }),
    );
  });

  it('grows on both sides and keeps centre and direction', () => {
    expect(growRect({ cx: 1, cy: 2, width: 10, height: 4, angle: 0.3 }, 3, 1)).toEqual({
      cx: 1,
      cy: 2,
      width: 16,
      height: 6,
      angle: 0.3,
    });
  });

  it('turns an outline clockwise without touching its argument', () => {
    const clockwiseSquare = [
      { x: 0, y: 0 },
      { x: 1, y: 0 },
      { x: 1, y: 1 },
      { x: 0, y: 1 },
    ];
    const reversed = clockwiseSquare.toReversed();
    expect(clockwise(clockwiseSquare)).toEqual(clockwiseSquare);
    expect(clockwise(reversed)).toEqual(clockwiseSquare);
    expect(reversed[0]).toEqual({ x: 0, y: 1 });
  });
});

describe('boxes', () => {
  it('measures overlap symmetrically and between 0 and 1', () => {
    fc.assert(
      fc.property(box, box, (a, b) => {
        const overlap = iou(a, b);
        expect(overlap).toBe(iou(b, a));
        expect(overlap).toBeGreaterThanOrEqual(0);
        expect(overlap).toBeLessThanOrEqual(1 + 1e-9);
        if (boxArea(a) > 1e-6) expect(iou(a, a)).toBeCloseTo(1, 9);
        expect(containment(a, b)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it.each([
    ['half beside', { x1: 5, y1: 0, x2: 15, y2: 10 }, 1 / 3, 1 / 2],
    ['inside', { x1: 2, y1: 2, x2: 4, y2: 7 }, 1 / 10, 1 / 10],
    ['around', { x1: -10, y1: -10, x2: 20, y2: 20 }, 1 / 9, 1],
    ['touching', { x1: 10, y1: 0, x2: 20, y2: 10 }, 0, 0],
    ['diagonally apart', { x1: 20, y1: 20, x2: 30, y2: 30 }, 0, 0],
    ['empty', { x1: 5, y1: 5, x2: 5, y2: 9 }, 0, 0],
  ])('relates a box of 10 × 10 to one that is %s', (_, other, overlap, held) => {
    const box = { x1: 0, y1: 0, x2: 10, y2: 10 };
    expect(iou(box, other)).toBeCloseTo(overlap, 12);
    expect(containment(box, other)).toBeCloseTo(held, 12);
  });

  it('grows by a share of its own sides', () => {
    expect(growBox({ x1: 10, y1: 20, x2: 30, y2: 60 }, 0.1)).toEqual({ x1: 8, y1: 16, x2: 32, y2: 64 });
  });

  it('snaps outwards: holds the clipped box, stays in the image, lies on the grid or the border', () => {
    const size = fc.integer({ min: 1, max: 250 });
    fc.assert(
      fc.property(box, size, size, fc.constantFrom(1, 2, 8, 16), (given, width, height, step) => {
        const clipped = intersect(given, { x1: 0, y1: 0, x2: width, y2: height });
        fc.pre(!isEmptyBox(clipped));
        const snapped = snapOutward(given, width, height, step);
        expect(snapped.x1).toBeLessThanOrEqual(clipped.x1);
        expect(snapped.y1).toBeLessThanOrEqual(clipped.y1);
        expect(snapped.x2).toBeGreaterThanOrEqual(clipped.x2);
        expect(snapped.y2).toBeGreaterThanOrEqual(clipped.y2);
        expect(intersect(snapped, { x1: 0, y1: 0, x2: width, y2: height })).toEqual(snapped);
        for (const value of [snapped.x1, snapped.y1]) expect(value % step).toBe(0);
        expect(snapped.x2 % step === 0 || snapped.x2 === width).toBe(true);
        expect(snapped.y2 % step === 0 || snapped.y2 === height).toBe(true);
        expect(clipped.x1 - snapped.x1).toBeLessThan(step);
      }),
    );
  });

  it('snaps to the last row and column, not to the one before', () => {
    expect(snapOutward({ x1: 95.5, y1: 40.2, x2: 103, y2: 50 }, 100, 50, 16)).toEqual({
      x1: 80,
      y1: 32,
      x2: 100,
      y2: 50,
    });
  });
});

describe('boxCorners and unite', () => {
  it('lists the corners clockwise on screen, from the top left one', () => {
    const corners = boxCorners({ x1: 1, y1: 2, x2: 5, y2: 9 });
    expect(corners).toEqual([
      { x: 1, y: 2 },
      { x: 5, y: 2 },
      { x: 5, y: 9 },
      { x: 1, y: 9 },
    ]);
    expect(clockwise(corners)).toEqual(corners);
  });

  it('has the box of its corners and their area', () => {
    fc.assert(
      fc.property(box, (b) => {
        expect(boundingBox(boxCorners(b))).toEqual(b);
        expect(polygonArea(boxCorners(b))).toBeCloseTo(boxArea(b), 6);
      }),
    );
  });

  it('unites boxes to the smallest one around both', () => {
    expect(unite({ x1: 0, y1: 5, x2: 10, y2: 6 }, { x1: -3, y1: 2, x2: 4, y2: 9 })).toEqual({
      x1: -3,
      y1: 2,
      x2: 10,
      y2: 9,
    });
    fc.assert(
      fc.property(box, box, (a, b) => {
        expect(unite(a, b)).toEqual(boundingBox([...boxCorners(a), ...boxCorners(b)]));
        expect(unite(b, a)).toEqual(unite(a, b));
      }),
    );
  });
});

describe('sharedArea', () => {
  const square = boxCorners({ x1: 0, y1: 0, x2: 10, y2: 10 });
  const diamond = (cx: number, cy: number, r: number): Point[] => [
    { x: cx, y: cy - r },
    { x: cx + r, y: cy },
    { x: cx, y: cy + r },
    { x: cx - r, y: cy },
  ];
  const triangle: Point[] = [
    { x: 0, y: 0 },
    { x: 20, y: 0 },
    { x: 0, y: 20 },
  ];

  it.each<[string, Point[], Point[], number]>([
    ['itself', square, square, 100],
    ['half of it', square, boxCorners({ x1: 5, y1: -5, x2: 30, y2: 30 }), 50],
    ['one inside', square, boxCorners({ x1: 2, y1: 3, x2: 4, y2: 8 }), 10],
    ['one around', square, boxCorners({ x1: -2, y1: -3, x2: 40, y2: 80 }), 100],
    ['one that touches a side', square, boxCorners({ x1: 10, y1: 0, x2: 20, y2: 10 }), 0],
    ['one that touches a corner', square, boxCorners({ x1: 10, y1: 10, x2: 20, y2: 20 }), 0],
    ['one far away', square, boxCorners({ x1: 100, y1: 0, x2: 110, y2: 10 }), 0],
    // Four corners of the square of which a diamond through the middles of its sides leaves half.
    ['a diamond inside', square, diamond(5, 5, 5), 50],
    // The square less four corner triangles with legs of 3: 100 - 4 · 4.5.
    ['a diamond that cuts the corners off', square, diamond(5, 5, 7), 82],
    ['a diamond around', square, diamond(5, 5, 10), 100],
    // A quarter of 2 · 5².
    ['a diamond around a corner', square, diamond(10, 10, 5), 12.5],
    ['a triangle through its far corner', square, triangle, 100],
    // Less the corner beyond x + y = 15, whose legs are 5.
    ['a smaller triangle', square, triangle.map(({ x, y }) => ({ x: x * 0.75, y: y * 0.75 })), 87.5],
    ['a point', square, [{ x: 5, y: 5 }], 0],
    ['an empty box', square, boxCorners({ x1: 5, y1: 5, x2: 5, y2: 5 }), 0],
    ['nothing', square, [], 0],
    [
      'a line',
      square,
      [
        { x: -5, y: 5 },
        { x: 15, y: 5 },
      ],
      0,
    ],
  ])('of a square and %s', (_, a, b, expected) => {
    expect(sharedArea(a, b)).toBeCloseTo(expected, 9);
    expect(sharedArea(b, a)).toBeCloseTo(expected, 9);
  });

  it('of two bars that cross at a right angle is the square in the middle, whatever their direction', () => {
    for (const degrees of [0, 17, 45, 90, 123]) {
      const angle = (degrees * Math.PI) / 180;
      const bar = { cx: 50, cy: 60, width: 100, height: 12, angle };
      expect(sharedArea(rectCorners(bar), rectCorners({ ...bar, angle: angle + Math.PI / 2 }))).toBeCloseTo(144, 6);
    }
  });

  const rect = fc
    .tuple(
      real,
      real,
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 0, max: 179 }),
    )
    .map(([cx, cy, width, height, degrees]) =>
      rectCorners({ cx: cx / 4, cy: cy / 4, width, height, angle: (degrees * Math.PI) / 180 }),
    );

  it('is symmetric and no more than either area', () => {
    fc.assert(
      fc.property(rect, rect, (a, b) => {
        const shared = sharedArea(a, b);
        expect(shared).toBeCloseTo(sharedArea(b, a), 5);
        expect(shared).toBeGreaterThanOrEqual(0);
        expect(shared).toBeLessThanOrEqual(Math.min(polygonArea(a), polygonArea(b)) + 1e-6);
        expect(sharedArea(a, a)).toBeCloseTo(polygonArea(a), 5);
      }),
    );
  });

  it('equals the intersection for boxes', () => {
    fc.assert(
      fc.property(box, box, (a, b) => {
        expect(sharedArea(boxCorners(a), boxCorners(b))).toBeCloseTo(boxArea(intersect(a, b)), 5);
      }),
    );
  });

  it('does not change when both are turned and moved', () => {
    fc.assert(
      fc.property(rect, rect, fc.integer({ min: 0, max: 359 }), real, (a, b, degrees, shift) => {
        const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
        const moved = (p: Point): Point => ({ x: p.x * cos - p.y * sin + shift, y: p.x * sin + p.y * cos - shift });
        expect(sharedArea(a.map(moved), b.map(moved))).toBeCloseTo(sharedArea(a, b), 4);
      }),
    );
  });
});

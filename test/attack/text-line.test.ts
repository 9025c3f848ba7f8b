import { describe, expect, it } from 'vitest';
import { attempts } from '../../src/attack/reading-attempts.ts';
import { lineRect, readingDirections, rectify } from '../../src/attack/text-line.ts';
import { rectCorners } from '../../src/core/geometry.ts';
import type { RgbImage } from '../../src/core/types.ts';

const BOX = { x1: 10, y1: 20, x2: 110, y2: 40 };

/** Corners of a line of 100 × 20 pixels around (100, 100). */
const turned = (degrees: number) =>
  rectCorners({ cx: 100, cy: 100, width: 100, height: 20, angle: (degrees * Math.PI) / 180 });

describe('the rectangle of a line', () => {
  it.each([0, 30, -30, 60, 89, -89, 150, 210])('runs along the line at %d°', (degrees) => {
    const { width, height, angle } = lineRect(turned(degrees), BOX);
    expect([width, height]).toEqual([expect.closeTo(100), expect.closeTo(20)]);
    const expected = ((((degrees + 90) % 180) + 180) % 180) - 90;
    expect((angle * 180) / Math.PI).toBeCloseTo(expected);
  });

  it('is the box where there is no outline', () => {
    expect(lineRect(undefined, BOX)).toEqual({ cx: 60, cy: 30, width: 100, height: 20, angle: 0 });
    expect(lineRect([{ x: 1, y: 1 }], BOX)).toMatchObject({ width: 100, angle: 0 });
  });

  it('of a short line stays upright', () => {
    const square = rectCorners({ cx: 50, cy: 50, width: 20, height: 24, angle: 0.1 });
    expect(Math.abs(lineRect(square, BOX).angle)).toBeLessThan(0.2);
  });

  it.each([
    [10, 1],
    [80, 2],
    [-80, 2],
  ])('at %d° is read from %d sides', (degrees, sides) => {
    expect(readingDirections(lineRect(turned(degrees), BOX))).toHaveLength(sides);
  });
});

describe('a line turned to the horizontal', () => {
  /** Dark left of the line's middle, light right of it, along the direction. */
  function halves(degrees: number): RgbImage {
    const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    const data = Uint8Array.from({ length: 200 * 200 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 200, Math.floor(i / 600)];
      return (x + 0.5 - 100) * cos + (y + 0.5 - 100) * sin < 0 ? 40 : 200;
    });
    return { data, width: 200, height: 200 };
  }

  it.each([0, 25, -60])('keeps what is left and right at %d°', (degrees) => {
    const line = rectify(halves(degrees), lineRect(turned(degrees), BOX), 0, 1);
    expect([line.width, line.height]).toEqual([100, 20]);
    for (let y = 0; y < 20; y++) {
      expect(line.data[(y * 100 + 20) * 3]).toBe(40);
      expect(line.data[(y * 100 + 80) * 3]).toBe(200);
    }
  });

  it('is of the wanted scale, and at least 2 × 2 pixels', () => {
    const rect = lineRect(turned(0), BOX);
    const sizes = [0.5, 2, 0.001].map((scale) => rectify(halves(0), rect, 0, scale));
    expect(sizes.map((s) => [s.width, s.height])).toEqual([
      [50, 10],
      [200, 40],
      [2, 2],
    ]);
    expect(rectify(halves(0), rect, 0.5, 1)).toMatchObject({ width: 120, height: 40 });
  });

  it('is tried at four scales and through three filters, of which one stretches faint contrast', () => {
    const faint = halves(0);
    const image = { ...faint, data: faint.data.map((v) => (v < 100 ? 120 : 124)) };
    const tried = attempts(image, lineRect(turned(0), BOX));
    expect(tried.map((t) => t.height)).toEqual([10, 20, 40, 80, 20, 20, 20]);
    expect([...new Set(tried.at(-1)?.data)]).toEqual([0, 255]);
    const plain = { ...faint, data: faint.data.map(() => 77) };
    for (const { data } of attempts(plain, lineRect(turned(0), BOX))) expect([...new Set(data)]).toEqual([77]);
  });
});

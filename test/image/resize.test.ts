import { describe, expect, it } from 'vitest';
import { resizeImage } from '../../src/image/resize.ts';

function imageOf(width: number, height: number, value: (x: number, y: number) => number) {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.fill(value(i % width, Math.floor(i / width)), i * 3, i * 3 + 3);
  return { data, width, height };
}

describe('resizeImage', () => {
  it('hands over an image that has the size already', async () => {
    const image = imageOf(5, 4, () => 9);
    expect(await resizeImage(image, 5, 4)).toBe(image);
  });

  it.each([
    [1, 1, 32, 32],
    [1, 5000, 1, 960],
    [5000, 1, 960, 1],
    [64, 48, 33, 17],
    [20, 30, 640, 960],
  ])('scales %i × %i to %i × %i and keeps a flat colour', async (width, height, toWidth, toHeight) => {
    const scaled = await resizeImage(
      imageOf(width, height, () => 77),
      toWidth,
      toHeight,
    );
    expect([scaled.width, scaled.height]).toEqual([toWidth, toHeight]);
    expect(new Set(scaled.data)).toEqual(new Set([77]));
    expect(scaled.data.length).toBe(toWidth * toHeight * 3);
  });

  it('averages what it shrinks instead of skipping pixels', async () => {
    const scaled = await resizeImage(
      imageOf(240, 240, (x) => (x % 8 === 0 ? 255 : 0)),
      30,
      30,
    );
    const mean = scaled.data.reduce((sum, v) => sum + v, 0) / scaled.data.length;
    expect(mean).toBeGreaterThan(25);
    expect(mean).toBeLessThan(40);
  });

  it('neither shifts nor mirrors: a ramp stays a ramp with the same ends and middle', async () => {
    const scaled = await resizeImage(
      imageOf(256, 2, (x) => x),
      64,
      2,
    );
    for (const x of [1, 16, 32, 48, 62]) expect(scaled.data[x * 3]).toBeCloseTo(x * 4 + 1.5, -0.5);
  });

  const quadrants = imageOf(40, 30, (x, y) => (x < 20 ? 10 : 100) + (y < 15 ? 0 : 100));

  it.each([
    ['top left', { x1: 0, y1: 0, x2: 20, y2: 15 }, 10],
    ['top right', { x1: 20, y1: 0, x2: 40, y2: 15 }, 100],
    ['bottom left', { x1: 0, y1: 15, x2: 20, y2: 30 }, 110],
    ['bottom right', { x1: 20, y1: 15, x2: 40, y2: 30 }, 200],
  ])('scales the %s region alone: nothing from beyond its border gets in', async (_, region, value) => {
    for (const [width, height] of [
      [20, 15],
      [64, 48],
      [7, 3],
    ] as const) {
      const scaled = await resizeImage(quadrants, width, height, region);
      expect([scaled.width, scaled.height, scaled.data.length]).toEqual([width, height, width * height * 3]);
      expect(new Set(scaled.data)).toEqual(new Set([value]));
    }
  });

  it('copies a region at its own size pixel by pixel', async () => {
    const image = imageOf(9, 7, (x, y) => 20 * y + x);
    const part = await resizeImage(image, 3, 2, { x1: 4, y1: 5, x2: 7, y2: 7 });
    expect([...part.data].filter((_, i) => i % 3 === 0)).toEqual([104, 105, 106, 124, 125, 126]);
  });

  it('takes a region that is the image for the image', async () => {
    expect(await resizeImage(quadrants, 40, 30, { x1: 0, y1: 0, x2: 40, y2: 30 })).toBe(quadrants);
    const scaled = await resizeImage(quadrants, 20, 15, { x1: 0, y1: 0, x2: 40, y2: 30 });
    expect(scaled).toEqual(await resizeImage(quadrants, 20, 15));
  });

  it('refuses a region beyond the image', async () => {
    await expect(resizeImage(quadrants, 10, 10, { x1: 30, y1: 0, x2: 50, y2: 10 })).rejects.toThrow();
  });
});

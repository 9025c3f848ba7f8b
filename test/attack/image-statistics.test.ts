import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarsePixels } from '../../src/attack/coarse-pixels.ts';
import { cutOut, differenceOf, sampleAt } from '../../src/attack/cut-out.ts';
import { averageStatistics, channelStatistics, frechetDistance } from '../../src/attack/image-statistics.ts';
import { isUntouched } from '../../src/attack/untouched.ts';
import type { RgbImage } from '../../src/core/types.ts';

function image(width: number, height: number, value: (x: number, y: number, c: number) => number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return value(pixel % width, Math.floor(pixel / width), i % 3);
  });
  return { data, width, height };
}

describe('channels', () => {
  it('have a mean and a deviation each', () => {
    const { mean, deviation } = channelStatistics(image(4, 2, (x, _, c) => [10, x < 2 ? 0 : 200, 255][c] as number));
    expect(mean).toEqual([10, 100, 255]);
    expect(deviation).toEqual([0, 100, 0]);
  });

  it('are averaged over photographs', () => {
    const of = (v: number) => channelStatistics(image(1, 1, () => v));
    expect(averageStatistics([of(0), of(100)]).mean).toEqual([50, 50, 50]);
  });
});

describe('the Fréchet distance', () => {
  const vectors = fc.array(
    fc.tuple(...[0, 1, 2].map(() => fc.float({ min: -5, max: 5, noNaN: true }))).map((v) => Float32Array.from(v)),
    { minLength: 2, maxLength: 6 },
  );

  it('is nothing between a set and itself, symmetric, and never negative', () => {
    fc.assert(
      fc.property(vectors, vectors, (a, b) => {
        expect(frechetDistance(a, a)).toBeCloseTo(0);
        expect(frechetDistance(a, b)).toBeCloseTo(frechetDistance(b, a) as number);
        expect(frechetDistance(a, b)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is the square of a shift', () => {
    const set = [0, 1, 2].map((v) => Float32Array.of(v, 5));
    const moved = set.map(([a = 0, b = 0]) => Float32Array.of(a + 3, b));
    expect(frechetDistance(set, moved)).toBeCloseTo(9);
  });

  it('needs two vectors of each', () => {
    expect(frechetDistance([Float32Array.of(1)], [Float32Array.of(1), Float32Array.of(2)])).toBeUndefined();
  });
});

describe('cut-outs', () => {
  const ramp = image(20, 10, (x, y) => x * 10 + y);

  it('repeat the border outside', () => {
    const out = cutOut(ramp, { x1: -5, y1: -3, x2: 2, y2: 1 });
    expect([out.width, out.height]).toEqual([7, 4]);
    expect([out.data[0], out.data.at(-1)]).toEqual([0, 10]);
    const beyond = cutOut(ramp, { x1: 100, y1: 100, x2: 102, y2: 101 });
    expect([...beyond.data]).toEqual(Array(6).fill(199));
  });

  it('are sampled between pixels', () => {
    expect(sampleAt(ramp, 3.5, 2, 0)).toBeCloseTo(37);
    expect(sampleAt(ramp, -9, -9, 0)).toBe(0);
  });

  it('as before: encoding noise is nothing, a blur of contrast is something', () => {
    const stripes = image(30, 30, (x) => (x % 2 ? 200 : 50));
    const noisy = image(30, 30, (x, y) => (x % 2 ? 200 : 50) + ((x + y) % 3));
    const flat = image(30, 30, () => 125);
    expect(differenceOf(stripes, stripes)).toBe(0);
    expect(isUntouched(stripes, noisy)).toBe(true);
    expect(isUntouched(stripes, flat)).toBe(false);
  });

  it('coarse pixels are means of cells', () => {
    const pixels = coarsePixels(image(150, 150, (x, _, c) => (c === 0 ? x % 15 : 40)));
    expect(pixels).toHaveLength(300);
    expect(pixels[0]).toBeCloseTo(7, 3);
    expect(pixels[1]).toBeCloseTo(40, 3);
  });
});

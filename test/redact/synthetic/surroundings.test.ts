import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../../src/core/types.ts';
import { surroundingsOf } from '../../../src/redact/synthetic/surroundings.ts';
import { paint, random } from '../scenes.ts';

const BOX = { x1: 80, y1: 80, x2: 120, y2: 100 };
const SIZE = 200;

/** 1 in the box and three pixels around it. */
function coveredAround(): Uint8Array {
  const covered = new Uint8Array(SIZE * SIZE);
  for (let y = BOX.y1 - 3; y < BOX.y2 + 3; y++) covered.fill(1, y * SIZE + BOX.x1 - 3, y * SIZE + BOX.x2 + 3);
  return covered;
}

/** Stripes whose edges are blurred by `sigma` pixels. */
function stripes(sigma: number): RgbImage {
  // The normal distribution, Abramowitz and Stegun 26.2.17.
  const edge = (d: number): number => {
    const z = Math.abs(d / sigma);
    const t = 1 / (1 + 0.2316419 * z);
    const poly = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
    const above = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
    return d > 0 ? 1 - above : above;
  };
  return paint(SIZE, SIZE, (x) => {
    const within = (x + 0.5) % 40;
    return 60 + 120 * (edge(within - 10) - edge(within - 30));
  });
}

describe('what surrounds a region', () => {
  it.each([0.4, 1, 2, 3])('is found to be blurred by %s px', (sigma) => {
    const { blur } = surroundingsOf({ image: stripes(sigma), covered: coveredAround() }, BOX);
    expect(blur).toBeGreaterThan(0.75 * sigma);
    expect(blur).toBeLessThan(1.35 * sigma);
  });

  it.each([2, 5, 10])('is found to have noise of %s', (deviation) => {
    const next = random(7);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    let value = 0;
    const image = paint(SIZE, SIZE, (_x, _y, c) => {
      if (c === 0) value = Math.round(128 + deviation * normal());
      return value;
    });
    const { noise } = surroundingsOf({ image, covered: coveredAround() }, BOX);
    expect(noise).toBeGreaterThan(0.85 * deviation);
    expect(noise).toBeLessThan(1.15 * deviation);
  });

  it('looks at nothing that is covered', () => {
    const covered = coveredAround();
    const image = stripes(1);
    const changed = paint(SIZE, SIZE, (x, y, c) =>
      covered[y * SIZE + x] ? (x * 37 + y * 101 + c * 13) % 256 : (image.data[(y * SIZE + x) * 3 + c] as number),
    );
    expect(surroundingsOf({ image: changed, covered }, BOX)).toEqual(surroundingsOf({ image, covered }, BOX));
  });

  it('is assumed where everything is covered, however small the image', () => {
    for (const size of [1, 5, 30]) {
      const image = paint(size, size, () => 90);
      const box = { x1: 0, y1: 0, x2: size, y2: size };
      const { blur, noise } = surroundingsOf({ image, covered: new Uint8Array(size * size).fill(1) }, box);
      expect([blur, noise]).toEqual([0.8, 1]);
    }
  });
});

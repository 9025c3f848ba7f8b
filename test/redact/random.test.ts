import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../src/redact/random.ts';

const draw = (...seed: number[]): number[] => {
  const random = randomFrom(...seed);
  return Array.from({ length: 50 }, () => random.next());
};

describe('randomFrom', () => {
  it('repeats itself, and depends on every part of the seed and their order', () => {
    expect(draw(7, 1, 0)).toEqual(draw(7, 1, 0));
    const first = [draw(7, 1, 0), draw(7, 0, 1), draw(8, 1, 0), draw(7, 1, 1), draw(0x80000007, 1, 0)].map((s) => s[0]);
    expect(new Set(first).size).toBe(first.length);
  });

  it('gives neighbouring seeds unrelated first numbers', () => {
    const first = Array.from({ length: 2000 }, (_, i) => randomFrom(0, i).next());
    const mean = first.reduce((sum, x) => sum + x, 0) / first.length;
    const serial = first.slice(1).reduce((sum, x, i) => sum + (x - mean) * ((first[i] as number) - mean), 0);
    expect(mean).toBeCloseTo(0.5, 1);
    expect(Math.abs(serial / first.length) / (1 / 12)).toBeLessThan(0.07);
  });

  it('keeps to the ranges that it promises', () => {
    const random = randomFrom(1);
    const ints = Array.from({ length: 500 }, () => random.int(-2, 3));
    expect([...new Set(ints)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
    const normals = Array.from({ length: 4000 }, () => random.normal());
    expect(normals.reduce((sum, x) => sum + x, 0) / 4000).toBeCloseTo(0, 1);
    expect(normals.reduce((sum, x) => sum + x * x, 0) / 4000).toBeCloseTo(1, 0);
    expect(['a', 'b']).toContain(random.pick(['a', 'b']));
    expect(() => random.pick([])).toThrow(RangeError);
  });
});

import { describe, expect, it } from 'vitest';
import { fillMembrane } from '../../../src/redact/inpaint/membrane.ts';

describe('membrane', () => {
  it.each([12, 60, 200])('continues a ramp across a hole of a third of %d cells', (size) => {
    const ramp = (i: number): number => 2 * (i % size) - Math.floor(i / size);
    const inside = (k: number): boolean => k >= size / 3 && k < (2 * size) / 3;
    const isHole = (i: number): boolean => inside(i % size) && inside(Math.floor(i / size));
    const value = Float32Array.from({ length: size * size }, (_, i) => (isHole(i) ? -1000 : ramp(i)));
    const fixed = Uint8Array.from(value, (_, i) => (isHole(i) ? 0 : 1));
    fillMembrane(value, fixed, size, size, 1);
    const off = value.reduce((most, v, i) => Math.max(most, Math.abs(v - ramp(i))), 0);
    expect(off).toBeLessThan(0.01 * size);
  });

  it('stays between the least and the greatest of the edge, and leaves out what is barred', () => {
    // A row: 10, hole, hole, barred; below: hole, hole, hole, 30.
    const value = Float32Array.of(10, 0, 0, 999, 0, 0, 0, 30);
    fillMembrane(value, Uint8Array.of(1, 0, 0, 2, 0, 0, 0, 1), 4, 2, 1);
    for (const i of [1, 2, 4, 5, 6]) {
      expect(value[i]).toBeGreaterThanOrEqual(10);
      expect(value[i]).toBeLessThanOrEqual(30);
    }
    expect([value[0], value[3], value[7]]).toEqual([10, 999, 30]);
  });

  it('keeps the channels apart', () => {
    const value = Float32Array.of(10, 200, 0, 0, 20, 100);
    fillMembrane(value, Uint8Array.of(1, 0, 1), 3, 1, 2);
    expect(value[2]).toBeCloseTo(15, 0);
    expect(value[3]).toBeCloseTo(150, -1);
  });

  it('is 0 where nothing is fixed', () => {
    const value = Float32Array.of(5, 5, 5, 5);
    fillMembrane(value, new Uint8Array(4), 2, 2, 1);
    expect([...value]).toEqual([0, 0, 0, 0]);
  });
});

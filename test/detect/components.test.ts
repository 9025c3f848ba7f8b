import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convexHull, polygonArea } from '../../src/core/geometry.ts';
import { connectedComponents } from '../../src/detect/components.ts';

/** Rows of digits, tenths of a probability; a dot is nothing. */
function mapOf(...rows: string[]): [Float32Array, number, number] {
  const digits = rows.join('').replaceAll('.', '0');
  return [Float32Array.from(digits, (d) => Number(d) / 10), (rows[0] as string).length, rows.length];
}

/** Labels by repeated spreading: slow, but plainly 8-connected. */
function spread(map: Float32Array, width: number, height: number, threshold: number): number[][] {
  const label = Array.from(map, (p, i) => (p >= threshold ? i : -1));
  for (let changed = true; changed; ) {
    changed = false;
    for (let a = 0; a < label.length; a++) {
      for (let b = 0; b < label.length; b++) {
        const near =
          Math.abs((a % width) - (b % width)) <= 1 && Math.abs(Math.floor(a / width) - Math.floor(b / width)) <= 1;
        const [la, lb] = [label[a] as number, label[b] as number];
        if (!near || la < 0 || lb < 0 || la <= lb) continue;
        label[a] = lb;
        changed = true;
      }
    }
  }
  const groups = new Map<number, number[]>();
  for (const [i, l] of label.entries()) if (l >= 0) groups.set(l, [...(groups.get(l) ?? []), i]);
  expect(width * height).toBe(map.length);
  return [...groups.values()];
}

describe('connectedComponents', () => {
  it.each([
    ['nothing', ['...', '...'], []],
    ['one pixel', ['...', '.9.'], [1]],
    ['neighbours across corners', ['9..', '.9.', '9..'], [3]],
    ['pixels apart', ['9.9', '...', '9.9'], [1, 1, 1, 1]],
    ['no wrapping from one row to the next', ['..9', '9..'], [1, 1]],
    ['the border', ['999', '9.9', '999'], [8]],
    ['a ring and its core', ['99999', '9...9', '9.9.9', '9...9', '99999'], [16, 1]],
    ['only what reaches the threshold', ['3.2', '3.2'], [2]],
  ])('finds %s', (_, rows, pixels) => {
    const [map, width, height] = mapOf(...rows);
    expect(connectedComponents(map, width, height, Math.fround(0.3)).map((c) => c.pixels)).toEqual(pixels);
  });

  it('averages the probability of its pixels', () => {
    const [component] = connectedComponents(...mapOf('8.', '44'), 0.3);
    expect(component?.mean).toBeCloseTo((0.8 + 0.4 + 0.4) / 3, 6);
  });

  it('finds the components of any map, in order of their first pixel, each whole inside its outline', () => {
    const map = fc
      .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
      .chain(([w, h]) =>
        fc.tuple(fc.array(fc.constantFrom(0, 0, 0.2, 0.5, 1), { minLength: w * h, maxLength: w * h }), fc.constant(w)),
      );
    fc.assert(
      fc.property(map, ([values, width]) => {
        const data = Float32Array.from(values);
        const height = values.length / width;
        const found = connectedComponents(data, width, height, 0.3);
        const groups = spread(data, width, height, 0.3);
        expect(found.map((c) => c.pixels)).toEqual(groups.map((g) => g.length));
        for (const [i, group] of groups.entries()) {
          const component = found[i];
          const mean = group.reduce((sum, at) => sum + (data[at] as number), 0) / group.length;
          expect(component?.mean).toBeCloseTo(mean, 6);
          const corners = group.flatMap((at) => {
            const [x, y] = [at % width, Math.floor(at / width)];
            return [
              { x, y },
              { x: x + 1, y },
              { x, y: y + 1 },
              { x: x + 1, y: y + 1 },
            ];
          });
          const outline = component?.outline ?? [];
          // The same hull: every pixel whole inside, and nothing else.
          expect(convexHull([...outline, ...corners])).toEqual(convexHull(outline));
          expect(polygonArea(convexHull(corners))).toBe(polygonArea(convexHull(outline)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('survives a map that is one single component', () => {
    const side = 1500;
    const [component, ...others] = connectedComponents(new Float32Array(side * side).fill(1), side, side, 0.3);
    expect(others).toEqual([]);
    expect(component?.pixels).toBe(side * side);
    expect(polygonArea(convexHull(component?.outline ?? []))).toBe(side * side);
  });
});

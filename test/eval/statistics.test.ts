import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusteredShare, effectiveSize, newcombe, wilson, zOfTests } from '../../src/eval/statistics.ts';

describe('wilson', () => {
  // Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%d of %d', (hits, n, low, high) => {
    const interval = wilson(hits / n, n);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });
});

describe('newcombe', () => {
  // Newcombe (1998), Interval estimation for the difference between independent proportions, table II, method 10.
  it.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [10, 10, 0, 10, 0.6075, 1],
  ])('%d/%d − %d/%d', (a, m, b, n, low, high) => {
    const interval = newcombe(a / m, m, b / n, n);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 4);
  });
});

describe('effectiveSize', () => {
  it.each<[string, [hits: number, n: number][], number]>([
    // p = ½, residuals ±1: variance 4/3 · 4/64 = 1/12, and ¼ · 12 = 3.
    [
      'photographs with all or none',
      [
        [2, 2],
        [0, 2],
        [2, 2],
        [0, 2],
      ],
      3,
    ],
    ['one object each: n − 1', Array.from({ length: 10 }, (_, i) => [i < 4 ? 1 : 0, 1]), 9],
    [
      'never more than the objects',
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      6,
    ],
    [
      'all covered: photographs',
      [
        [3, 3],
        [5, 5],
      ],
      2,
    ],
    [
      'none covered: photographs',
      [
        [0, 3],
        [0, 5],
        [0, 1],
      ],
      3,
    ],
    ['a single photograph', [[3, 7]], 1],
    [
      'photographs without any do not count',
      [
        [3, 7],
        [0, 0],
        [0, 0],
      ],
      1,
    ],
  ])('%s', (_, clusters, expected) => {
    expect(effectiveSize(clusters.map(([hits, n]) => ({ hits, n })))).toBeCloseTo(expected, 10);
  });

  it('gives intervals around the share, inside 0…1', () => {
    const cluster = fc.nat(20).chain((n) => fc.record({ n: fc.constant(n), hits: fc.nat(n) }));
    fc.assert(
      fc.property(fc.array(cluster, { minLength: 1, maxLength: 30 }), (clusters) => {
        const { value, low, high, n, effective } = clusteredShare(clusters);
        if (n === 0) {
          expect([value, low, high]).toEqual([null, null, null]);
          return;
        }
        expect(effective).toBeGreaterThanOrEqual(1);
        expect(effective).toBeLessThanOrEqual(n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual((value as number) + 1e-12);
        expect(high).toBeGreaterThanOrEqual((value as number) - 1e-12);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('zOfTests', () => {
  // Quantiles of the standard normal distribution at 1 − 0.025 / tests.
  it.each([
    [1, 1.959964],
    [3, 2.39398],
    [10, 2.807034],
    [66, 3.367847],
  ])('%d tests', (tests, z) => {
    expect(zOfTests(tests)).toBeCloseTo(z, 4);
  });
});

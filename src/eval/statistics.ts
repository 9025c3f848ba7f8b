/** Two-sided 95 %. */
export const Z95 = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A share with its 95 % interval; all null when there was nothing to count. */
export interface Share {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** What was counted; `n` is the number of instances, `effective` that of independent ones with the same spread. */
  readonly hits: number;
  readonly n: number;
  readonly effective: number;
}

/** Hits among the instances of one photograph. */
export interface Cluster {
  readonly hits: number;
  readonly n: number;
}

/** Score interval of a proportion (Wilson, 1927). @param n need not be integral. */
export function wilson(p: number, n: number, z = Z95): Interval {
  const z2 = z * z;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (z / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Hybrid score interval of `p1 - p2` for independent proportions (Newcombe, 1998, method 10). */
export function newcombe(p1: number, n1: number, p2: number, n2: number, z = Z95): Interval {
  const a = wilson(p1, n1, z);
  const b = wilson(p2, n2, z);
  const difference = p1 - p2;
  return {
    low: difference - Math.hypot(p1 - a.low, b.high - p2),
    high: difference + Math.hypot(a.high - p1, p2 - b.low),
  };
}

/**
 * Number of independent instances that would give a proportion the variance that it has over photographs: p(1 - p)
 * over the ratio estimator's variance with photographs as clusters (Korn and Graubard, 1998). Where that variance
 * says nothing (all or none hit, a single photograph), the number of photographs. Between 1 and the instances.
 */
export function effectiveSize(clusters: readonly Cluster[]): number {
  const counted = clusters.filter((c) => c.n > 0);
  const images = counted.length;
  const n = counted.reduce((sum, c) => sum + c.n, 0);
  const p = counted.reduce((sum, c) => sum + c.hits, 0) / n;
  if (images < 2 || p === 0 || p === 1) return images;
  const squares = counted.reduce((sum, c) => sum + (c.hits - p * c.n) ** 2, 0);
  const variance = ((images / (images - 1)) * squares) / (n * n);
  return Math.max(1, Math.min(n, (p * (1 - p)) / variance));
}

/** A share over photographs, with an interval that respects that instances of one photograph are alike. */
export function clusteredShare(clusters: readonly Cluster[]): Share {
  const n = clusters.reduce((sum, c) => sum + c.n, 0);
  const hits = clusters.reduce((sum, c) => sum + c.hits, 0);
  if (n === 0) return { value: null, low: null, high: null, hits, n, effective: 0 };
  const effective = effectiveSize(clusters);
  return { value: hits / n, ...wilson(hits / n, effective), hits, n, effective };
}

/** z of a two-sided test at 5 % that is one of `tests` (Bonferroni). */
export function zOfTests(tests: number): number {
  // Bisection on the normal tail: exact enough, and asked only once per attribute.
  const tail = 0.025 / Math.max(1, tests);
  let low = 0;
  let high = 10;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(Z > z) for z ≥ 0, by Lentz's continued fraction where it converges and by the series near 0. */
function upperTail(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let k = 1; Math.abs(term) > 1e-17; k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 - density * sum;
  }
  let fraction = 0;
  for (let k = 200; k >= 1; k--) fraction = k / (z + fraction);
  return density / (z + fraction);
}

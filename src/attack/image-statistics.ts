import type { RgbImage } from '../core/types.ts';

/** Of one photograph, by channel (red, green, blue), 0…255. */
export interface ChannelStatistics {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

export function channelStatistics({ data }: RgbImage): ChannelStatistics {
  const n = data.length / 3;
  const sum = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let i = 0; i < data.length; i += 3) {
    for (let c = 0; c < 3; c++) {
      const value = data[i + c] as number;
      sum[c] = (sum[c] as number) + value;
      squares[c] = (squares[c] as number) + value * value;
    }
  }
  const mean = sum.map((s) => s / n) as [number, number, number];
  const deviation = squares.map((s, c) => Math.sqrt(Math.max(0, s / n - (mean[c] as number) ** 2)));
  return { mean, deviation: deviation as [number, number, number] };
}

/** Mean over photographs of each of the six numbers. */
export function averageStatistics(all: readonly ChannelStatistics[]): ChannelStatistics {
  const average = (pick: (s: ChannelStatistics) => readonly number[]): [number, number, number] =>
    [0, 1, 2].map((c) => all.reduce((sum, s) => sum + (pick(s)[c] as number), 0) / all.length) as [
      number,
      number,
      number,
    ];
  return { mean: average((s) => s.mean), deviation: average((s) => s.deviation) };
}

/**
 * Fréchet distance of two sets of feature vectors, taken as Gaussian with diagonal covariance: the sets are smaller
 * than the vectors are long, so that a full covariance (Heusel et al., 2017) would be singular.
 * Σ (μ₁ − μ₂)² + (σ₁ − σ₂)².
 *
 * @returns nothing for fewer than two vectors in either set
 */
export function frechetDistance(a: readonly Float32Array[], b: readonly Float32Array[]): number | undefined {
  if (a.length < 2 || b.length < 2) return undefined;
  const length = (a[0] as Float32Array).length;
  let distance = 0;
  for (let i = 0; i < length; i++) {
    const [p, q] = [moments(a, i), moments(b, i)];
    distance += (p.mean - q.mean) ** 2 + (p.deviation - q.deviation) ** 2;
  }
  return distance;
}

function moments(vectors: readonly Float32Array[], i: number): { mean: number; deviation: number } {
  const mean = vectors.reduce((sum, v) => sum + (v[i] as number), 0) / vectors.length;
  const squares = vectors.reduce((sum, v) => sum + ((v[i] as number) - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (vectors.length - 1)) };
}

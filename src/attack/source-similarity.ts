import { clusteredShare, type Share } from '../eval/statistics.ts';
import { descriptorDistance } from './face-recognizer.ts';
import { quantile } from './reidentification.ts';

/** Impostors: the share of pairs of two people that are at least as close as the limit. */
export const IMPOSTOR_TAIL = 0.01;

/** A face before and after; photographs are numbered. */
export interface FacePair {
  readonly photograph: number;
  readonly original: Float32Array;
  readonly redacted: Float32Array;
}

export interface SourceSimilarity {
  readonly faces: number;
  /** Faces farther from their source than all but 1 % of the pairs of two people are from each other. */
  readonly beyondImpostors: Share;
  /** The same share of the originals of other faces: what it would be if the source did not matter. */
  readonly others: number;
  /** The distance of that 1 %. */
  readonly limit: number;
  readonly medianDistance: number;
  /** Median distance of two people. */
  readonly medianImpostor: number;
  /** Share of redacted faces whose nearest original is their own, and what guessing gives. */
  readonly ownNearest: Share;
  readonly chance: number;
}

/**
 * Whether a redacted face still resembles its source more than strangers resemble each other.
 * @param impostors distances between originals of different people
 * @returns nothing without faces or impostors
 */
export function sourceSimilarity(
  pairs: readonly FacePair[],
  impostors: readonly number[],
): SourceSimilarity | undefined {
  const sorted = [...impostors].sort((a, b) => a - b);
  const limit = quantile(sorted, IMPOSTOR_TAIL);
  if (limit === undefined || pairs.length === 0) return undefined;
  const distances = pairs.map((p) => descriptorDistance(p.original, p.redacted));
  const share = (hit: (i: number) => number): Share => {
    const photographs = new Map<number, { hits: number; n: number }>();
    for (const [i, { photograph }] of pairs.entries()) {
      const { hits, n } = photographs.get(photograph) ?? { hits: 0, n: 0 };
      photographs.set(photograph, { hits: hits + hit(i), n: n + 1 });
    }
    return clusteredShare([...photographs.values()]);
  };
  const ascending = [...distances].sort((a, b) => a - b);
  return {
    faces: pairs.length,
    beyondImpostors: share((i) => ((distances[i] as number) > limit ? 1 : 0)),
    others: sharesOfOthers(pairs, limit),
    limit,
    medianDistance: quantile(ascending, 0.5) as number,
    medianImpostor: quantile(sorted, 0.5) as number,
    ownNearest: share((i) => nearestShare(pairs, i)),
    chance: 1 / pairs.length,
  };
}

/** Redacted faces against the originals of other photographs. */
function sharesOfOthers(pairs: readonly FacePair[], limit: number): number {
  let [beyond, compared] = [0, 0];
  for (const { redacted, photograph } of pairs) {
    for (const other of pairs) {
      if (other.photograph === photograph) continue;
      compared++;
      if (descriptorDistance(other.original, redacted) > limit) beyond++;
    }
  }
  return compared === 0 ? 1 : beyond / compared;
}

/** 1 when the face's own source is nearest to it; equally near ones share it. */
function nearestShare(pairs: readonly FacePair[], probe: number): number {
  const { redacted } = pairs[probe] as FacePair;
  const own = descriptorDistance((pairs[probe] as FacePair).original, redacted);
  let ties = 1;
  for (const [i, { original }] of pairs.entries()) {
    if (i === probe) continue;
    const other = descriptorDistance(original, redacted);
    if (other < own) return 0;
    if (other === own) ties++;
  }
  return 1 / ties;
}

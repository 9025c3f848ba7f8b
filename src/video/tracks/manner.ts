import type { Box } from '../../core/types.ts';
import { type BoxMotion, correctBox, lengthOf, noiseOf, predictBox, SIDES, startBox, TURNS } from './box-motion.ts';
import type { Noise } from './motion.ts';
import type { Sighting, Timeline } from './types.ts';

/** How much a thing may turn in a step, in its lengths: the first where its sightings do not tell. */
const TURNINGS = [TURNS, TURNS / 2, TURNS / 6] as const;
/** So many coordinates that were off as far as expected are believed in before any was seen. */
const BELIEVED = 16;
/** Most that one coordinate tells, in variances: a box that jumps once does not make its thing a jumping one. */
const MOST_TOLD = 25;
/** Least of `Manner.surprise`: what stood still may get up. */
const LEAST_SURPRISE = 0.02;

/** How a thing moves, as its sightings tell. */
export interface Manner {
  readonly noiseOf: (box: Box) => Noise;
  /** What variances that the motion tells are to be multiplied by, up to 1: how far off sightings really were. */
  readonly surprise: number;
  /** At the last sighting. */
  readonly motion: BoxMotion;
}

/**
 * The likeliest manner of moving. A thing that stands still is known to do so, and one that staggers, too: the ratio of
 * turning and wavering is the one of the greatest likelihood of the innovations, and their variance is scaled to what
 * was observed (Mehra, On the identification of variances and adaptive Kalman filtering, 1970).
 *
 * @param sightings in the order in which they are followed, forwards or backwards in time.
 */
export function mannerOf(sightings: readonly Sighting[], { times }: Pick<Timeline, 'times'>): Manner {
  const manners = TURNINGS.map((turns) => follow(sightings, times, (box) => noiseOf(box, turns)));
  return manners.reduce((best, manner) => (manner.unlikely < best.unlikely ? manner : best));
}

function follow(
  [first, ...others]: readonly Sighting[],
  times: readonly number[],
  noiseOf: (box: Box) => Noise,
): Manner & { readonly unlikely: number } {
  let { frame, box } = first as Sighting;
  let motion = startBox(box, noiseOf(box));
  let squares = BELIEVED;
  let logarithms = 0;
  for (const sighting of others) {
    const noise = noiseOf(sighting.box);
    const expected = predictBox(motion, Math.abs((times[sighting.frame] as number) - (times[frame] as number)), noise);
    for (const side of SIDES) {
      const variance = expected[side].varAt + noise.measured;
      squares += Math.min(MOST_TOLD, (sighting.box[side] - expected[side].at) ** 2 / variance);
      logarithms += Math.log(variance / lengthOf(sighting.box) ** 2);
    }
    motion = correctBox(expected, sighting.box, noise);
    ({ frame, box } = sighting);
  }
  const told = BELIEVED + SIDES.length * others.length;
  const scale = squares / told;
  const surprise = Math.min(1, Math.max(LEAST_SURPRISE, scale));
  return { noiseOf, surprise, motion, unlikely: told * Math.log(scale) + logarithms };
}

import { boxHeight, boxWidth } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { borderOf, isAtBorder, keptInside } from './borders.ts';
import { type BoxMotion, boxAt, lengthOf, predictBox, SIDES, type Side } from './box-motion.ts';
import { doubtAt } from './doubt.ts';
import { mannerOf } from './manner.ts';
import type { Sighting, Timeline } from './types.ts';

/** Sightings that tell how a thing moves where it is lost, and how large it is there. */
const NEAREST = { motion: 32, size: 9 } as const;
/** So many tell how it gets faster, as what comes nearer does; fewer tell nothing. */
const LEAST_FOR_FASTER = 8;
/** Most that a thing is taken to have gone beyond what its speed tells, as a share of that way. */
const MOST_FASTER = 0.5;

interface Beyond {
  /** The last frame in which the thing was seen, or, backwards, the first. */
  readonly frame: number;
  readonly direction: 1 | -1;
  readonly margin: number;
  /** Frames of the scene: `from <= frame < to`. */
  readonly scene: { readonly from: number; readonly to: number };
  /** What covers it in `frame`. */
  readonly covered: Box;
}

/**
 * The boxes of up to `margin` frames beyond a track's end, nearest first.
 *
 * The middle of the box moves on at its speed and the box keeps its size, as those of lost tracks do in ByteTrack (Zhang
 * et al., 2022): two sides that were followed on their own would part by the noise in their speeds. It is as large as
 * it usually was, since a thing that is lost is often half hidden already, and grows by what is not known.
 */
export function coverBeyond(
  sightings: readonly Sighting[],
  timeline: Timeline,
  { frame, direction, margin, scene, covered }: Beyond,
): Box[] {
  const near = direction === 1 ? sightings.slice(-NEAREST.motion) : sightings.slice(0, NEAREST.motion).reverse();
  const { motion, noiseOf, surprise } = mannerOf(near, timeline);
  const seen = (near.at(-1) as Sighting).box;
  const start = usualSize(boxAt(motion), near.slice(-NEAREST.size));
  const noise = noiseOf(seen);
  const faster = accelerations(near, timeline);
  const x = speedAlong(motion, ['x1', 'x2'], seen, timeline);
  const y = speedAlong(motion, ['y1', 'y2'], seen, timeline);
  const speeds = { x1: x, y1: y, x2: x, y2: y };
  const boxes: Box[] = [];
  for (let at = frame + direction; boxes.length < margin; at += direction) {
    if (at < scene.from || at >= scene.to) break;
    const unseen = Math.abs((timeline.times[at] as number) - (timeline.times[frame] as number));
    const later = predictBox(motion, unseen, noise);
    const outer = { ...start };
    for (const side of SIDES) {
      const outwards = side === 'x1' || side === 'y1' ? -1 : 1;
      const speed = speeds[side];
      const doubt = doubtAt(seen, { speed, unseen, variance: surprise * later[side].varAt }, timeline);
      const before = (covered[side] - start[side]) * outwards;
      const ahead = Math.min((outwards * faster[side] * unseen ** 2) / 2, MOST_FASTER * Math.abs(speed) * unseen);
      outer[side] += speed * unseen + outwards * (Math.max(before, doubt) + Math.max(0, ahead));
    }
    // What the border has cut off is still there beyond it.
    for (const side of SIDES) if (isAtBorder(seen, side, timeline)) outer[side] = borderOf(side, timeline);
    boxes.push(keptInside(outer, lengthOf(seen), timeline));
  }
  return boxes;
}

/** Around the same middle, at least as wide and high as half of the sightings were. */
function usualSize({ x1, y1, x2, y2 }: Box, sightings: readonly Sighting[]): Box {
  const median = (of: (box: Box) => number): number => {
    const sorted = sightings.map(({ box }) => of(box)).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] as number;
  };
  const dx = Math.max(0, median(boxWidth) - (x2 - x1)) / 2;
  const dy = Math.max(0, median(boxHeight) - (y2 - y1)) / 2;
  return { x1: x1 - dx, y1: y1 - dy, x2: x2 + dx, y2: y2 + dy };
}

/** Pixels a step of the middle along one axis; of the free side where the border cuts the other one off. */
function speedAlong(motion: BoxMotion, [near, far]: readonly [Side, Side], seen: Box, timeline: Timeline): number {
  const [isNearCut, isFarCut] = [isAtBorder(seen, near, timeline), isAtBorder(seen, far, timeline)];
  if (isNearCut !== isFarCut) return motion[isNearCut ? far : near].speed;
  return (motion[near].speed + motion[far].speed) / 2;
}

/** How the sides of a box get faster, pixels a step²: by the parabola of least squares through what was seen. */
function accelerations(sightings: readonly Sighting[], { times }: Timeline): Record<Side, number> {
  if (sightings.length < LEAST_FOR_FASTER) return { x1: 0, y1: 0, x2: 0, y2: 0 };
  const at = sightings.map(({ frame }) => times[frame] as number);
  const middle = at.reduce((sum, t) => sum + t, 0) / at.length;
  const moment = (k: number): number => at.reduce((sum, t) => sum + (t - middle) ** k, 0) / at.length;
  const [m2, m3, m4] = [moment(2), moment(3), moment(4)];
  // What of t² is neither constant nor linear.
  const bend = at.map((t) => (t - middle) ** 2 - m2 - (m3 / m2) * (t - middle));
  const norm = at.length * (m4 - m2 ** 2 - m3 ** 2 / m2);
  const of = (side: Side): number =>
    (2 * bend.reduce((sum, b, i) => sum + b * ((sightings[i] as Sighting).box[side] as number), 0)) / norm;
  return { x1: of('x1'), y1: of('y1'), x2: of('x2'), y2: of('y2') };
}

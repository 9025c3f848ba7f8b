import type { Box, FollowedGuide, Point, PoseGuide } from '../../core/types.ts';
import { evenMiddles, inAllFrames, type Near, nearTo, weightedMean } from './even.ts';
import type { Steady } from './steady.ts';

/** Frames on each side with which a joint is compared: an outlier, such as sides that are mixed up, is none of their median. */
const ALIKE = 2;
/** A joint that was followed is made up below, one that was made up is followed above such a score. */
const SURE = { leave: 0.15, enter: 0.3 } as const;
/** Least score of a joint that is followed, and most of one that is made up, as a mannequin takes them. */
const SCORE = { followed: 0.3, madeUp: 0.2 } as const;

/** Joints one after the other: x, y from the middle of the box in pixels, and score. */
interface Placed {
  readonly frame: number;
  readonly joints: readonly number[];
}

/**
 * A followed body (see `steadyIn`). Joints are told by the middle of the track's box, and count the more the surer they are;
 * whether one is followed or made up does not change between two frames for a little more or less certainty. What it
 * carries: 1 for each joint that is followed, else 0.
 */
export function steadyBody(read: readonly (FollowedGuide | undefined)[], boxes: readonly Box[]): Steady {
  const middles = evenMiddles(boxes);
  const placed = read.flatMap((guide, frame): Placed[] => {
    return guide?.kind === 'pose' ? [{ frame, joints: jointsOf(guide, middles[frame] as Point) }] : [];
  });
  const typical = placed.map(({ frame }) => ({
    frame,
    joints: medianOf(placed.filter((other) => Math.abs(other.frame - frame) <= ALIKE)),
  }));
  const even = typical.map(({ frame }, at) => ({ frame, joints: meanOf(nearTo(typical, at)) }));
  const joints = inAllFrames(even, read.length, (one) => one.joints);
  return {
    at(i, [followed] = []) {
      const { x, y } = middles[i] as Point;
      const now = joints[i] as number[];
      const isFollowed = Array.from({ length: now.length / 3 }, (_, k) => {
        const least = followed === undefined ? SURE.enter : followed[k] === 1 ? SURE.leave : SURE.enter;
        return (now[3 * k + 2] as number) >= least ? 1 : 0;
      });
      const keypoints = isFollowed.map((isOne, k) => {
        const [right, down, sure] = now.slice(3 * k, 3 * k + 3) as [number, number, number];
        const score = isOne === 1 ? Math.max(SCORE.followed, sure) : Math.min(SCORE.madeUp, sure);
        return { x: x + right, y: y + down, score };
      });
      return { guide: { kind: 'pose', keypoints }, carried: [isFollowed] };
    },
  };
}

function jointsOf({ keypoints }: PoseGuide, middle: Point): number[] {
  return keypoints.flatMap(({ x, y, score }) => [x - middle.x, y - middle.y, score]);
}

/** The median of each number. */
function medianOf(sightings: readonly Placed[]): number[] {
  const [first] = sightings as [Placed];
  return first.joints.map((_, k) => {
    const sorted = sightings.map(({ joints }) => joints[k] as number).sort((a, b) => a - b);
    const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]] as [number, number];
    return (low + high) / 2;
  });
}

/** Mean joints, in which sure ones count more. */
function meanOf(near: readonly Near<Placed>[]): number[] {
  const [first] = near as [Near<Placed>];
  const of = (k: number): number[] => {
    const sure = near.map(({ one, weight }) => {
      const [x, y, score] = one.joints.slice(3 * k, 3 * k + 3) as [number, number, number];
      return { one: [x, y], weight: weight * (score ** 2 + 1e-6) };
    });
    const [score = 0] = weightedMean(near, ({ joints }) => [joints[3 * k + 2] as number]);
    return [...weightedMean(sure, (place) => place), score];
  };
  return Array.from({ length: first.one.joints.length / 3 }, (_, k) => of(k)).flat();
}

import type { Box, FacePose, FollowedFaceGuide, Grain } from '../core/types.ts';
import { coarseExpression } from '../redact/synthetic/face/expression.ts';

/** Standard deviation of the frames that a pose is averaged over, and how many of them on each side. */
const EVEN = { deviation: 2, reach: 6 } as const;
/** Frames on each side over which an expression goes from one step to the next. */
const GLIDE = 2;

/**
 * The poses of a followed face in every frame of its track, by those that could be read: averaged over the frames next to
 * them, straight between those that are farther apart, and the same as the nearest one beyond them. Places are told by
 * the middle of the track's box, which moves with the face. All are drawn equally sharp.
 *
 * @param read of every frame; at least one.
 * @param boxes of every frame, pixels.
 */
export function steadyPoses(
  read: readonly (FollowedFaceGuide | undefined)[],
  boxes: readonly Box[],
): FollowedFaceGuide[] {
  const frames = read.flatMap((guide, frame) => (guide ? [{ frame, guide }] : []));
  const placed = frames.map(({ frame, guide }) => ({
    frame,
    numbers: numbersOf(guide.pose, boxes[frame] as Box),
    expression: guide.expression,
    gaze: guide.gaze,
  }));
  const even = placed.map(({ frame }, at) => {
    const near = nearest(placed, at, frame);
    const mean = (of: (one: Placed) => readonly number[]): number[] => weightedMean(near, of);
    const looking = near.filter(({ one }) => one.gaze !== undefined);
    const gaze = weightedMean(looking, ({ gaze }) => [gaze?.x ?? 0, gaze?.y ?? 0]);
    return {
      frame,
      numbers: mean((one) => one.numbers),
      expression: mean((one) => one.expression),
      ...(2 * looking.length > near.length ? { gaze: { x: sign(gaze[0]), y: sign(gaze[1]) } } : {}),
    };
  });
  const expressions = glide(coarsely(inAllFrames(even, read.length, (one) => one.expression)));
  const numbers = inAllFrames(even, read.length, (one) => one.numbers);
  const grain = typicalGrain(frames.map(({ guide }) => guide.grain));
  let last = 0;
  return read.map((_, frame) => {
    while ((even[last + 1]?.frame ?? Infinity) <= frame) last++;
    const gaze = even[last]?.gaze;
    return {
      kind: 'followed-face',
      pose: poseOf(numbers[frame] as number[], boxes[frame] as Box),
      expression: expressions[frame] as number[],
      ...(gaze ? { gaze } : {}),
      grain,
    };
  });
}

interface Placed {
  readonly frame: number;
  readonly numbers: readonly number[];
  readonly expression: readonly number[];
  readonly gaze: FollowedFaceGuide['gaze'];
}

/** Angles, the logarithm of the scale, and the way from the middle of the box in pixels of the face model's frame. */
function numbersOf({ turn, nod, tilt, scale, shift }: FacePose, { x1, y1, x2, y2 }: Box): number[] {
  return [turn, nod, tilt, Math.log(scale), (shift.x - (x1 + x2) / 2) / scale, (shift.y - (y1 + y2) / 2) / scale];
}

function poseOf(numbers: readonly number[], { x1, y1, x2, y2 }: Box): FacePose {
  const [turn, nod, tilt, size, right, down] = numbers as [number, number, number, number, number, number];
  const scale = Math.exp(size);
  const shift = { x: (x1 + x2) / 2 + right * scale, y: (y1 + y2) / 2 + down * scale };
  return { turn, nod, tilt, scale, shift };
}

interface Weighted {
  readonly one: Placed;
  readonly weight: number;
}

function nearest(placed: readonly Placed[], at: number, frame: number): Weighted[] {
  return placed.slice(Math.max(0, at - EVEN.reach), at + EVEN.reach + 1).flatMap((one) => {
    const distance = Math.abs(one.frame - frame);
    return distance > EVEN.reach ? [] : [{ one, weight: Math.exp(-0.5 * (distance / EVEN.deviation) ** 2) }];
  });
}

function weightedMean(near: readonly Weighted[], of: (one: Placed) => readonly number[]): number[] {
  const total = near.reduce((sum, { weight }) => sum + weight, 0);
  const sums: number[] = [];
  for (const { one, weight } of near) {
    for (const [k, value] of of(one).entries()) sums[k] = (sums[k] ?? 0) + (weight / total) * value;
  }
  return sums;
}

/** Straight between the frames that are known, and the same as the nearest beyond them. */
function inAllFrames<T extends { readonly frame: number }>(
  known: readonly T[],
  length: number,
  of: (one: T) => readonly number[],
): number[][] {
  let next = 0;
  return Array.from({ length }, (_, frame) => {
    while (next < known.length - 1 && (known[next] as T).frame < frame) next++;
    const after = known[next] as T;
    const before = after.frame > frame ? (known[next - 1] ?? after) : after;
    if (before === after || after.frame < frame) return [...of(after)];
    const share = (frame - before.frame) / (after.frame - before.frame);
    return of(before).map((value, k) => value + share * ((of(after)[k] as number) - value));
  });
}

/** What a mean over frames would tell more finely is rounded again. */
function coarsely(expressions: readonly (readonly number[])[]): number[][] {
  const coarse: number[][] = [];
  for (const [i, values] of expressions.entries()) coarse.push(coarseExpression(values, coarse[i - 1]));
  return coarse;
}

function glide(expressions: readonly (readonly number[])[]): number[][] {
  return expressions.map((values, i) => {
    const near = expressions.slice(Math.max(0, i - GLIDE), i + GLIDE + 1);
    return values.map((_, k) => near.reduce((sum, other) => sum + (other[k] as number), 0) / near.length);
  });
}

/**
 * One for the whole track, since it tells of the camera. The sharper quarter says how sharp that is: where what surrounds
 * the face has no edges, it passes for blurred.
 */
function typicalGrain(grains: readonly Grain[]): Grain {
  const quantile = (values: readonly number[], share: number): number =>
    values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] as number;
  return {
    noise: quantile(
      grains.map(({ noise }) => noise),
      0.5,
    ),
    blur: quantile(
      grains.map(({ blur }) => blur),
      0.25,
    ),
  };
}

/** A direction of the eyes in three steps. */
function sign(value = 0): -1 | 0 | 1 {
  return value > 0.5 ? 1 : value < -0.5 ? -1 : 0;
}

import type { Box, FacePose, FollowedFaceGuide, FollowedGuide, Grain, Point } from '../../core/types.ts';
import { coarseExpression } from '../../redact/synthetic/face/expression.ts';
import { coarseComplexion } from '../../redact/synthetic/face/person.ts';
import { evenMiddles, inAllFrames, nearTo, weightedMean } from './even.ts';
import type { Steady } from './steady.ts';

/** Frames on each side over which an expression goes from one step to the next. */
const GLIDE = 2;
/** Share by which what is drawn becomes as sharp as what surrounds it, from frame to frame. */
const SHARPER = 1 / 8;

interface Placed {
  readonly frame: number;
  readonly numbers: readonly number[];
  readonly expression: readonly number[];
  readonly gaze: FollowedFaceGuide['gaze'];
}

/**
 * A followed face (see `steadyIn`). Places are told by the middle of the track's box, which moves with the face. It is
 * drawn about equally sharp in all frames, and as the same person. What it carries: noise, blur and complexion, then the
 * expressions of the last frames in their steps.
 */
export function steadyFace(read: readonly (FollowedGuide | undefined)[], boxes: readonly Box[]): Steady {
  const middles = evenMiddles(boxes);
  const faces = read.flatMap((guide, frame) => (guide?.kind === 'followed-face' ? [{ frame, guide }] : []));
  const placed: Placed[] = faces.map(({ frame, guide: { pose, expression, gaze } }) => {
    return { frame, numbers: numbersOf(pose, middles[frame] as Point), expression, gaze };
  });
  const even = placed.map(({ frame }, at): Placed => {
    const near = nearTo(placed, at);
    const looking = near.filter(({ one }) => one.gaze !== undefined);
    const gaze = weightedMean(looking, (one) => [one.gaze?.x ?? 0, one.gaze?.y ?? 0]);
    return {
      frame,
      numbers: weightedMean(near, (one) => one.numbers),
      expression: weightedMean(near, (one) => one.expression),
      gaze: 2 * looking.length > near.length ? { x: sign(gaze[0]), y: sign(gaze[1]) } : undefined,
    };
  });
  const expressions = inAllFrames(even, read.length, (one) => one.expression);
  const numbers = inAllFrames(even, read.length, (one) => one.numbers);
  const typical = typicalGrain(faces.map(({ guide }) => guide.grain));
  const skin = quantile(
    faces.map(({ guide }) => guide.complexion),
    0.5,
  );
  return {
    at(i, carried) {
      const [camera, ...past] = carried ?? [];
      // What a mean over frames would tell more finely is rounded again.
      const coarse = [...past];
      for (const values of expressions.slice(i, i + GLIDE + 1)) coarse.push(coarseExpression(values, coarse.at(-1)));
      const expression = (coarse[0] as number[]).map(
        (_, k) => coarse.reduce((sum, values) => sum + (values[k] as number), 0) / coarse.length,
      );
      const gaze = even.findLast(({ frame }) => frame <= i)?.gaze ?? even[0]?.gaze;
      const [noise, blur] = typical.map((value, k) => value + (1 - SHARPER) * ((camera?.[k] ?? value) - value)) as [
        number,
        number,
      ];
      const complexion = coarseComplexion(skin, camera?.[2]);
      const guide: FollowedFaceGuide = {
        kind: 'followed-face',
        pose: poseOf(numbers[i] as number[], middles[i] as Point),
        expression,
        ...(gaze ? { gaze } : {}),
        complexion,
        grain: { noise, blur },
      };
      return { guide, carried: [[noise, blur, complexion], ...coarse.slice(0, past.length + 1).slice(-GLIDE)] };
    },
  };
}

/** Angles, the logarithm of the scale, and the way from the middle of the box in pixels of the face model's frame. */
function numbersOf({ turn, nod, tilt, scale, shift }: FacePose, middle: Point): number[] {
  return [turn, nod, tilt, Math.log(scale), (shift.x - middle.x) / scale, (shift.y - middle.y) / scale];
}

function poseOf(numbers: readonly number[], middle: Point): FacePose {
  const [turn, nod, tilt, size, right, down] = numbers as [number, number, number, number, number, number];
  const scale = Math.exp(size);
  const shift = { x: middle.x + right * scale, y: middle.y + down * scale };
  return { turn, nod, tilt, scale, shift };
}

/**
 * Noise and blur of the whole track, since they tell of the camera. The sharper quarter says how sharp that is: where what
 * surrounds the face has no edges, it passes for blurred.
 */
function typicalGrain(grains: readonly Grain[]): number[] {
  const noise = grains.map((grain) => grain.noise);
  const blur = grains.map((grain) => grain.blur);
  return [quantile(noise, 0.5), quantile(blur, 0.25)];
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] as number;

/** A direction of the eyes in three steps. */
function sign(value = 0): -1 | 0 | 1 {
  return value > 0.5 ? 1 : value < -0.5 ? -1 : 0;
}

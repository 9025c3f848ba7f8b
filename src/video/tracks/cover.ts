import { unite } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { type BoxMotion, boxAt, lengthOf, noiseOf, predictBox, SIDES, type Side } from './box-motion.ts';
import { type Motion, smoothMotion } from './motion.ts';
import type { Sighting, Timeline } from './types.ts';

/** Standard deviations that are covered where nothing was found. */
const DEVIATIONS = 2;
/** What is covered ahead of and behind a moving side, in steps of its speed: it moves while a frame is exposed. */
const EXPOSURE = 0.25;
/** Most that a box spreads on each side for want of knowledge, in its lengths: it may not flood the picture. */
const MOST_SPREAD = 0.5;
/** More of it: a share of the way that it has gone unseen, since what goes fast may also go faster. */
const HASTE = 0.25;
/** Frames over which outlines are evened out, on each side. */
const EVEN = 4;
/** Share of a length that stays covered at the border over which a thing is leaving or entering. */
const REMAINS = 0.15;
/** Share of a length within which a side that close to the border counts as cut off there. */
const AT_BORDER = 0.04;

/** Sightings that tell how a thing gets faster, as what comes nearer does; fewer than so many tell nothing. */
const FASTER = { most: 16, least: 8 } as const;
/** Most that a thing is taken to have gone beyond what its speed tells, as a share of that way. */
const MOST_FASTER = 0.5;

/** Where a thing is covered, frame by frame. */
export interface Cover {
  readonly from: number;
  readonly boxes: readonly Box[];
  readonly seen: readonly boolean[];
}

/**
 * The boxes that cover a thing from `margin` frames before its first to `margin` frames after its last sighting,
 * within its scene.
 *
 * Where it was seen, its smoothed box and what was seen; in between, the box that both directions of time expect, grown
 * by what is not known. Sides come from motion alone, and are moved outwards by an evened-out length, so that the
 * outline does not tremble.
 *
 * @param sightings in order of frames, one a frame.
 */
export function coverTrack(sightings: readonly Sighting[], timeline: Timeline, margin: number): Cover {
  const first = (sightings[0] as Sighting).frame;
  const last = (sightings.at(-1) as Sighting).frame;
  const between = coverBetween(sightings, timeline, first, last);
  const scene = { from: 0, to: timeline.times.length };
  for (const cut of timeline.cuts) {
    if (cut <= first) scene.from = cut;
    else {
      scene.to = cut;
      break;
    }
  }
  const ends = (direction: 1 | -1, frame: number, motion: BoxMotion, seen: Box): Box[] =>
    extend(motion, seen, between.edgeOf(frame), timeline, {
      ...{ frame, direction, margin, scene },
      faster: accelerations(
        direction === 1 ? sightings.slice(-FASTER.most) : sightings.slice(0, FASTER.most),
        timeline,
      ),
    });
  const before = ends(-1, first, between.motionOf(first), (sightings[0] as Sighting).box).reverse();
  const after = ends(1, last, between.motionOf(last), (sightings.at(-1) as Sighting).box);
  const inferred = (boxes: readonly Box[]): boolean[] => boxes.map(() => false);
  return {
    from: first - before.length,
    boxes: [...before, ...between.boxes, ...after],
    seen: [...inferred(before), ...between.seen, ...inferred(after)],
  };
}

interface Between {
  readonly boxes: Box[];
  readonly seen: boolean[];
  motionOf(frame: number): BoxMotion;
  /** The box that covers the thing in a frame. */
  edgeOf(frame: number): Box;
}

function coverBetween(sightings: readonly Sighting[], timeline: Timeline, first: number, last: number): Between {
  const found: (Box | undefined)[] = new Array(last - first + 1).fill(undefined);
  for (const { frame, box } of sightings) found[frame - first] = box;
  const times = timeline.times.slice(first, last + 1);
  const latest: Box[] = [];
  for (const [i, box] of found.entries()) latest.push(box ?? (latest[i - 1] as Box));
  const noise = latest.map(noiseOf);
  const sideOf = (side: Side): Motion[] =>
    smoothMotion(
      times,
      found.map((box) => box?.[side]),
      noise,
    );
  const motions = { x1: sideOf('x1'), y1: sideOf('y1'), x2: sideOf('x2'), y2: sideOf('y2') };
  const outer = {} as Record<Side, number[]>;
  const unseen = stepsUnseen(times, found);
  for (const side of SIDES) {
    const outwards = side === 'x1' || side === 'y1' ? -1 : 1;
    const needed = motions[side].map(({ at, speed, varAt }, i) => {
      const box = found[i];
      const moves = EXPOSURE * Math.abs(speed);
      const most = MOST_SPREAD * lengthOf(latest[i] as Box) + HASTE * Math.abs(speed) * (unseen[i] as number);
      const doubt = Math.min(most, DEVIATIONS * Math.sqrt(varAt));
      return box === undefined ? doubt + moves : Math.max(0, (box[side] - at) * outwards) + moves;
    });
    const even = evenOut(needed);
    outer[side] = motions[side].map(({ at }, i) => at + outwards * (even[i] as number));
  }
  coverBorders(outer, found, timeline);
  const boxes = times.map((_, i) => {
    const box = {
      x1: outer.x1[i] as number,
      y1: outer.y1[i] as number,
      x2: outer.x2[i] as number,
      y2: outer.y2[i] as number,
    };
    const seen = found[i];
    return seen === undefined ? box : unite(box, seen);
  });
  return {
    boxes,
    seen: found.map((box) => box !== undefined),
    motionOf: (frame) => {
      const at = (side: Side): Motion => motions[side][frame - first] as Motion;
      return { x1: at('x1'), y1: at('y1'), x2: at('x2'), y2: at('y2') };
    },
    edgeOf: (frame) => boxes[frame - first] as Box,
  };
}

/** Steps to the nearest frame in which the thing was seen. */
function stepsUnseen(times: readonly number[], found: readonly (Box | undefined)[]): number[] {
  const unseen = new Array<number>(times.length).fill(Infinity);
  const pass = (order: readonly number[]): void => {
    let last = Infinity;
    for (const i of order) {
      if (found[i] !== undefined) last = times[i] as number;
      unseen[i] = Math.min(unseen[i] as number, Math.abs((times[i] as number) - last));
    }
  };
  const forwards = times.map((_, i) => i);
  pass(forwards);
  pass(forwards.toReversed());
  return unseen;
}

/**
 * A curve that is smooth and nowhere below the given one: the mean over a window of the largest values over the same
 * window, every one of which has seen the value in the middle.
 */
export function evenOut(values: readonly number[]): number[] {
  const window = (i: number): [number, number] => [Math.max(0, i - EVEN), Math.min(values.length, i + EVEN + 1)];
  const largest = values.map((_, i) => Math.max(...values.slice(...window(i))));
  return values.map((value, i) => {
    const near = largest.slice(...window(i));
    return Math.max(value, near.reduce((sum, v) => sum + v, 0) / near.length);
  });
}

/** A side that is cut off by the border when the thing is seen next or was seen last is there all the while between. */
function coverBorders(outer: Record<Side, number[]>, found: readonly (Box | undefined)[], timeline: Timeline): void {
  for (const side of SIDES) {
    const values = outer[side];
    let from = 0;
    for (const [i, box] of found.entries()) {
      if (box === undefined) continue;
      const touches = [found[from] as Box, box].some((seen) => isAtBorder(seen, side, timeline));
      for (let k = from + 1; touches && k < i; k++) values[k] = borderOf(side, timeline);
      from = i;
    }
  }
}

function borderOf(side: Side, { width, height }: Timeline): number {
  return side === 'x2' ? width : side === 'y2' ? height : 0;
}

function isAtBorder(box: Box, side: Side, timeline: Timeline): boolean {
  const near = Math.max(2, AT_BORDER * lengthOf(box));
  const border = borderOf(side, timeline);
  return side === 'x1' || side === 'y1' ? box[side] <= border + near : box[side] >= border - near;
}

interface Extension {
  readonly frame: number;
  readonly direction: 1 | -1;
  readonly margin: number;
  /** Frames of the scene: `from <= frame < to`. */
  readonly scene: { readonly from: number; readonly to: number };
  /** Of each side, pixels a step². */
  readonly faster: Readonly<Record<Side, number>>;
}

/** How the sides of a box get faster: by the parabola of least squares through what was seen. */
function accelerations(sightings: readonly Sighting[], { times }: Timeline): Record<Side, number> {
  if (sightings.length < FASTER.least) return { x1: 0, y1: 0, x2: 0, y2: 0 };
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

/** The boxes of the frames beyond a track's end, nearest first. */
function extend(
  motion: BoxMotion,
  seen: Box,
  covered: Box,
  timeline: Timeline,
  { frame, direction, margin, scene, faster }: Extension,
): Box[] {
  const noise = noiseOf(seen);
  const most = MOST_SPREAD * lengthOf(seen);
  const start = boxAt(motion);
  const boxes: Box[] = [];
  const backwards: BoxMotion = direction === 1 ? motion : reversed(motion);
  for (let k = 1; k <= margin; k++) {
    const at = frame + direction * k;
    if (at < scene.from || at >= scene.to) break;
    const dt = Math.abs((timeline.times[at] as number) - (timeline.times[frame] as number));
    const later = predictBox(backwards, dt, noise);
    const outer = { ...boxAt(later) };
    for (const side of SIDES) {
      const outwards = side === 'x1' || side === 'y1' ? -1 : 1;
      const before = Math.max(0, (covered[side] - start[side]) * outwards);
      const { speed, varAt } = later[side];
      const doubt = Math.min(most + HASTE * Math.abs(speed) * dt, DEVIATIONS * Math.sqrt(varAt));
      const ahead = Math.min((outwards * faster[side] * dt ** 2) / 2, MOST_FASTER * Math.abs(speed) * dt);
      outer[side] += outwards * (Math.max(before, doubt + EXPOSURE * Math.abs(speed)) + Math.max(0, ahead));
    }
    // What the border has cut off is still there beyond it.
    for (const side of SIDES) if (isAtBorder(seen, side, timeline)) outer[side] = borderOf(side, timeline);
    boxes.push(keptInside(outer, REMAINS * lengthOf(seen), timeline));
  }
  return boxes;
}

function reversed(motion: BoxMotion): BoxMotion {
  const turn = (m: Motion): Motion => ({ ...m, speed: -m.speed, covariance: -m.covariance });
  return { x1: turn(motion.x1), y1: turn(motion.y1), x2: turn(motion.x2), y2: turn(motion.y2) };
}

/** A thing that is expected to have left may show a little longer: `least` pixels along the border stay covered. */
function keptInside({ x1, y1, x2, y2 }: Box, least: number, { width, height }: Timeline): Box {
  return {
    x1: Math.min(x1, width - least),
    y1: Math.min(y1, height - least),
    x2: Math.max(x2, least),
    y2: Math.max(y2, least),
  };
}

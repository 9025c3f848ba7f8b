import { unite } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { borderOf, isAtBorder } from './borders.ts';
import { SIDES, type Side } from './box-motion.ts';
import { doubtAt, exposed } from './doubt.ts';
import { mannerOf } from './manner.ts';
import { smoothMotion } from './motion.ts';
import type { Sighting, Timeline } from './types.ts';

/** Frames over which outlines are evened out, on each side. */
const EVEN = 4;

/**
 * The boxes that cover a thing from its first to its last sighting: where it was seen, its smoothed box and what was
 * seen; where not, the box that both directions of time expect, grown by what is not known. Sides come from motion
 * alone, and are moved outwards by an evened-out length, so that the outline does not tremble.
 */
export function coverBetween(
  sightings: readonly Sighting[],
  timeline: Timeline,
): { readonly boxes: Box[]; readonly seen: boolean[] } {
  const first = (sightings[0] as Sighting).frame;
  const last = (sightings.at(-1) as Sighting).frame;
  const found: (Box | undefined)[] = new Array(last - first + 1).fill(undefined);
  for (const { frame, box } of sightings) found[frame - first] = box;
  const times = timeline.times.slice(first, last + 1);
  const latest: Box[] = [];
  for (const [i, box] of found.entries()) latest.push(box ?? (latest[i - 1] as Box));
  const { noiseOf, surprise } = mannerOf(sightings, timeline);
  const noise = latest.map(noiseOf);
  const unseen = stepsUnseen(times, found);
  const outer = {} as Record<Side, number[]>;
  for (const side of SIDES) {
    const outwards = side === 'x1' || side === 'y1' ? -1 : 1;
    const sides = found.map((box) => box?.[side]);
    const motions = smoothMotion(times, sides, noise);
    const needed = motions.map(({ at, speed }, i) => {
      return sides[i] === undefined ? 0 : Math.max(0, ((sides[i] as number) - at) * outwards) + exposed(speed);
    });
    const even = evenOut(needed);
    outer[side] = motions.map(({ at, speed, varAt }, i) => {
      const doubt = { speed, unseen: unseen[i] as number, variance: surprise * varAt };
      const least = sides[i] === undefined ? doubtAt(latest[i] as Box, doubt, timeline) : 0;
      return at + outwards * Math.max(least, even[i] as number);
    });
  }
  coverBorders(outer, found, timeline);
  const boxes = found.map((seen, i) => {
    const [x1, y1, x2, y2] = SIDES.map((side) => outer[side][i]) as [number, number, number, number];
    return seen === undefined ? { x1, y1, x2, y2 } : unite({ x1, y1, x2, y2 }, seen);
  });
  return { boxes, seen: found.map((box) => box !== undefined) };
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
function evenOut(values: readonly number[]): number[] {
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

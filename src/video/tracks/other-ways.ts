import { boxHeight, boxWidth } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { lengthOf } from './box-motion.ts';
import { type Cover, coverTrack } from './cover.ts';
import type { Sighting, Timeline } from './types.ts';

/** Sightings that tell how a thing moves before or after a gap. */
const MEMORY = 12;
/** A thing that is so many lengths from where its motion leads may be another one. */
const ELSEWHERE = 0.75;

/**
 * Where a thing may have been while it was missed, if what was found after the gap is another thing: on its way from
 * before the gap, and on the way to what came after it. Only where that is elsewhere than in `cover`.
 */
export function otherWays(sightings: readonly Sighting[], cover: Cover, timeline: Timeline, margin: number): Cover[] {
  return sightings.flatMap((_, i) => {
    return waysOverGap(sightings, i, cover, timeline, margin).filter((way) => way !== undefined);
  });
}

/** The same for what follows the i-th sighting: the way on from there, and the way to the next one. */
export function waysOverGap(
  sightings: readonly Sighting[],
  i: number,
  cover: Cover,
  timeline: Timeline,
  margin: number,
): (Cover | undefined)[] {
  const { frame } = sightings[i] as Sighting;
  const next = sightings[i + 1];
  if (next === undefined || next.frame === frame + 1) return [];
  const before = sightings.slice(Math.max(0, i + 1 - MEMORY), i + 1);
  const after = sightings.slice(i + 1, i + 1 + MEMORY);
  const onwards = within(coverTrack(before, timeline, margin), frame + 1, next.frame);
  const towards = within(coverTrack(after, timeline, margin), frame + 1, next.frame);
  return [onwards, towards].map((way) => (isElsewhere(way, cover) ? way : undefined));
}

/** The part from frame `from` to the one before `to`. */
function within({ from, boxes }: Cover, first: number, to: number): Cover {
  const start = Math.max(from, first);
  const part = boxes.slice(start - from, Math.max(0, to - from));
  return { from: start, boxes: part, seen: part.map(() => false) };
}

function isElsewhere(way: Cover, cover: Cover): boolean {
  return way.boxes.some((box, i) => {
    const usual = cover.boxes[way.from + i - cover.from];
    return usual === undefined || distance(box, usual) > ELSEWHERE * Math.min(lengthOf(box), lengthOf(usual));
  });
}

function distance(a: Box, b: Box): number {
  return Math.hypot(a.x1 + boxWidth(a) / 2 - b.x1 - boxWidth(b) / 2, a.y1 + boxHeight(a) / 2 - b.y1 - boxHeight(b) / 2);
}

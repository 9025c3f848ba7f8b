import type { Box } from '../../core/types.ts';
import { coverBetween } from './between.ts';
import { coverBeyond } from './beyond.ts';
import type { Sighting, Timeline } from './types.ts';

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
 * @param sightings in order of frames, one a frame.
 */
export function coverTrack(sightings: readonly Sighting[], timeline: Timeline, margin: number): Cover {
  const first = (sightings[0] as Sighting).frame;
  const last = (sightings.at(-1) as Sighting).frame;
  const scene = {
    from: timeline.cuts.findLast((cut) => cut <= first) ?? 0,
    to: timeline.cuts.find((cut) => cut > first) ?? timeline.times.length,
  };
  const between = coverBetween(sightings, timeline);
  const beyond = (frame: number, direction: 1 | -1): Box[] => {
    const covered = between.boxes[frame - first] as Box;
    return coverBeyond(sightings, timeline, { frame, direction, margin, scene, covered });
  };
  const before = beyond(first, -1).reverse();
  const after = beyond(last, 1);
  const inferred = (boxes: readonly Box[]): boolean[] => boxes.map(() => false);
  return {
    from: first - before.length,
    boxes: [...before, ...between.boxes, ...after],
    seen: [...inferred(before), ...between.seen, ...inferred(after)],
  };
}

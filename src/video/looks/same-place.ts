import { boxArea, intersect } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import type { Track } from '../tracks/index.ts';

/** Share of the smaller of two boxes within the other from which they show one thing. */
const SAME_PLACE = 0.6;

/** Whether two tracks are in the same place in most of the frames that they share: two would be drawn into each other. */
export function isInPlaceOf(a: Track, b: Track): boolean {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.from + a.boxes.length, b.from + b.boxes.length);
  let same = 0;
  for (let frame = from; frame < to; frame++) {
    if (isRemoved(a, frame) || isRemoved(b, frame)) continue;
    const [one, other] = [a.boxes[frame - a.from] as Box, b.boxes[frame - b.from] as Box];
    const smaller = Math.min(boxArea(one), boxArea(other));
    if (boxArea(intersect(one, other)) >= SAME_PLACE * smaller) same++;
  }
  return to > from && 2 * same > to - from;
}

/** Whether a person says that there is nothing. */
const isRemoved = ({ from, said }: Track, frame: number): boolean => said?.[frame - from] === 'removed';

import { boxArea, intersect } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';

/** Share of the smaller of two boxes within the other from which they show one thing. */
const SAME_PLACE = 0.6;

/** Where something is in each frame of its track. */
export interface Placed {
  /** First frame, and how many there are. */
  readonly from: number;
  readonly length: number;
  /** In frame `from + i`; nothing where a person says that it is not there. */
  boxAt(i: number): Box | undefined;
}

/** Whether two things are in the same place in most of the frames that they share: they would be drawn into each other. */
export function isInPlaceOf(a: Placed, b: Placed): boolean {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.from + a.length, b.from + b.length);
  let same = 0;
  for (let frame = from; frame < to; frame++) {
    const [one, other] = [a.boxAt(frame - a.from), b.boxAt(frame - b.from)];
    if (one === undefined || other === undefined) continue;
    const smaller = Math.min(boxArea(one), boxArea(other));
    if (boxArea(intersect(one, other)) >= SAME_PLACE * smaller) same++;
  }
  return to > from && 2 * same > to - from;
}

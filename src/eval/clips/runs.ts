import { COVERED } from '../measure-image.ts';
import type { UncoveredRun } from './report.ts';

/** Coverage of one thing in the labelled frames that show it. */
export interface SeenThing extends Pick<UncoveredRun, 'clip' | 'class' | 'id'> {
  /** By rising `position`: where the frame stands among the labelled frames of its clip. */
  readonly seen: readonly { readonly frame: number; readonly position: number; readonly coverage: number }[];
}

/**
 * The longest run of labelled frames in a row in which a thing shows and is not covered; a labelled frame that does not
 * show it, or in which it is covered, ends a run.
 */
export function longestRun({ seen, ...thing }: SeenThing): UncoveredRun | undefined {
  let longest: UncoveredRun | undefined;
  let current: UncoveredRun | undefined;
  let last = -Infinity;
  for (const { frame, position, coverage } of seen) {
    if (coverage >= COVERED) current = undefined;
    else if (current === undefined || position !== last + 1) {
      current = { ...thing, from: frame, frames: 1, coverage, of: seen.length };
    } else current = { ...current, frames: current.frames + 1, coverage: Math.min(current.coverage, coverage) };
    last = position;
    if (current !== undefined && current.frames > (longest?.frames ?? 0)) longest = current;
  }
  return longest;
}

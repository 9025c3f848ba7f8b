import type { ClipRegion } from '../../worker/clip.ts';
import type { Moment, Reason } from './moments.ts';
import type { LoggedBox } from './trace.ts';

/** More of one frame would not be read. */
const MOST_LINES = 8;

/** A line for `--corrections`, and the thing that it is about. */
export interface CorrectionLine {
  /** Class and number of the track. */
  readonly thing: string;
  readonly line: string;
}

/**
 * What a person may want to say of a frame: to cover what is not covered yet or no more, and to remove what is no such
 * thing, first those that are shown for it. Without boxes in the log, nothing.
 */
export function correctionLines(
  key: string,
  { frame, reasons }: Moment,
  regions: readonly ClipRegion[],
): CorrectionLine[] {
  const meant = new Set(reasons.flatMap((reason) => ('track' in reason ? [nameOf(reason.track)] : [])));
  const removed = regions.flatMap(({ track: id, class: cls, box }) => {
    const thing = nameOf({ id, class: cls });
    return box === undefined ? [] : [{ thing, said: { action: 'remove', class: cls, frame, at: middleOf(box), box } }];
  });
  return [
    ...reasons.flatMap((reason) => added(reason, frame)),
    ...removed.filter(({ thing }) => meant.has(thing)),
    ...removed.filter(({ thing }) => !meant.has(thing)),
  ]
    .slice(0, MOST_LINES)
    .map(({ thing, said }) => ({ thing, line: JSON.stringify({ key, ...said }) }));
}

function added(reason: Reason, frame: number) {
  if (reason.kind !== 'before' && reason.kind !== 'after') return [];
  const { track } = reason;
  const box = reason.kind === 'before' ? track.firstBox : track.lastBox;
  if (box === undefined) return [];
  return [{ thing: nameOf(track), said: { action: 'add', class: track.class, from: frame, to: frame, box } }];
}

function nameOf({ class: cls, id }: { readonly class: string; readonly id: number }): string {
  return `${cls} ${id}`;
}

function middleOf([x, y, width, height]: LoggedBox): [number, number] {
  return [Math.round(x + width / 2), Math.round(y + height / 2)];
}

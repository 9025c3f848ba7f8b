import * as v from 'valibot';
import type { Correction } from '../core/corrections.ts';
import type { Box } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { sizedBox } from '../eval/labels/pixels.ts';
import { type Address, addressOf, correctionFields, correctionOf } from './corrections.ts';
import { type Row, readText, rowsOf } from './rows.ts';

const frame = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));

const rowSchema = v.strictObject({
  ...correctionFields,
  frame,
  from: frame,
  to: frame,
  last_box: v.optional(v.tuple([v.number(), v.number(), v.number(), v.number()])),
});

type ClipRow = v.InferOutput<typeof rowSchema>;

/** What a person says about a thing in a clip, in pixels of the upright frame. Frames are numbered as the log does. */
export interface ClipCorrection {
  readonly class: Correction['class'];
  /** In one frame. */
  readonly said: Correction;
  /** The frame in which the thing is pointed at; none for `add`. */
  readonly frame?: number;
  /** First and last frame that it holds for; absent: those in which the thing is covered. */
  readonly from?: number;
  readonly to?: number;
  /** Of frame `to`: the box goes there on a straight line from that of frame `from`. */
  readonly lastBox?: Box;
}

/**
 * Reads what a person says about what was found in clips, one JSON object per line: as of images, with `frame`, `from`
 * and `to`, and `last_box`.
 * @throws UsageError naming file, line and field, what was expected and what was received.
 */
export async function readClipCorrections(
  file: string,
): Promise<(Address & { readonly correction: ClipCorrection })[]> {
  return rowsOf(rowSchema, await readText(file), file).map((row) => ({
    ...addressOf(row),
    correction: clipCorrectionOf(row),
  }));
}

function clipCorrectionOf({ where, value }: Row<ClipRow>): ClipCorrection {
  const { frame: pointedAt, from, to, last_box: last, ...rest } = value;
  const said = correctionOf(rest, where);
  const refuse = (expected: string): never => {
    throw new UsageError(`${where}: expected ${expected}`);
  };
  if (from !== undefined && to !== undefined && to < from) refuse(`from ≤ to but received ${from} and ${to}`);
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const lastBox = last === undefined ? {} : { lastBox: sizedBox(...last, `${where}.last_box`) };
  if (last !== undefined && (said.action === 'remove' || from === undefined || to === undefined)) {
    refuse('from, to and a box to add or change with last_box but received not all of them');
  }
  if (said.action === 'add') {
    if (pointedAt !== undefined) refuse('no frame for add, which addresses nothing, but received one');
    if (from === undefined || to === undefined) refuse('from and to of what is added but received not both');
    return { class: said.class, said, ...range, ...lastBox };
  }
  const at = pointedAt ?? from;
  if (at === undefined) refuse('a frame in which the thing is pointed at, or from, but received neither');
  return { class: said.class, said, frame: at as number, ...range, ...lastBox };
}

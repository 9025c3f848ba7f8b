import * as v from 'valibot';
import type { Detection } from '../core/types.ts';
import { SampleError, UsageError } from '../errors.ts';
import { boxSchema, givenBoxes } from './boxes.ts';
import { readText, rowsOf } from './rows.ts';

const number = v.pipe(v.number(), v.integer(), v.minValue(0));

const rowSchema = v.strictObject({
  file: v.pipe(v.string(), v.nonEmpty()),
  /** Frames that the boxes are of, numbered as the log does: one, or the first and the last. */
  frame: v.optional(number),
  from: v.optional(number),
  to: v.optional(number),
  boxes: v.array(v.strictObject({ ...boxSchema.entries, track: v.optional(number) })),
});

/** Boxes of some frames in a row of a clip. */
interface FrameBoxes {
  /** `from <= frame <= to`. */
  readonly from: number;
  readonly to: number;
  readonly detections: readonly Detection[];
}

/** What is to be redacted in a clip, by frame. */
export class ClipBoxes {
  readonly #ranges: readonly FrameBoxes[];

  /** @param ranges in the order of frames, apart from one another. */
  constructor(ranges: readonly FrameBoxes[]) {
    this.#ranges = ranges;
  }

  /** Whether a frame is published with nothing redacted. */
  get hasEmpty(): boolean {
    return this.#ranges.some(({ detections }) => detections.length === 0);
  }

  /**
   * What is given for each of `count` frames, in order.
   * @throws SampleError (`detect`, `no-boxes`) for a frame without an entry: nobody says that nothing is in it.
   */
  in(count: number): Detection[][] {
    const frames: Detection[][] = [];
    for (const { from, to, detections } of this.#ranges) {
      if (from !== frames.length) break;
      for (let frame = from; frame <= to && frame < count; frame++) frames.push([...detections]);
    }
    if (frames.length >= count) return frames;
    throw new SampleError(
      'detect',
      'no-boxes',
      `Expected an entry in --boxes for frame ${frames.length} but found none`,
    );
  }
}

/**
 * Reads the regions of every frame of clips: JSON lines of `{file, frame, boxes}`, or `from` and `to` for the same boxes
 * in all frames between.
 *
 * @returns by the clip's name.
 * @throws UsageError naming file, line and field, what was expected and what was received.
 */
export async function readClipBoxes(file: string): Promise<Map<string, ClipBoxes>> {
  const ranges = new Map<string, (FrameBoxes & { readonly where: string })[]>();
  for (const { where, value } of rowsOf(rowSchema, await readText(file), file)) {
    const { frame, from = frame, to = frame } = value;
    const isOne = frame !== undefined;
    if (from === undefined || to === undefined || to < from || (isOne && (value.from ?? value.to) !== undefined)) {
      throw new UsageError(`${where}: expected a frame, or from ≤ to, but received neither or both`);
    }
    const detections = givenBoxes(value.boxes, `${where}: boxes`).map((detection, i): Detection => {
      const track = value.boxes[i]?.track;
      return track === undefined ? detection : { ...detection, track };
    });
    assertApart(detections, where);
    const name = value.file.replace(/^\.\//, '');
    const list = ranges.get(name) ?? [];
    ranges.set(name, list);
    list.push({ where, from, to, detections });
  }
  return new Map(
    [...ranges].map(([name, list]) => {
      const sorted = list.sort((a, b) => a.from - b.from);
      for (const [i, { from, where }] of sorted.entries()) {
        if (from <= (sorted[i - 1]?.to ?? -1)) {
          throw new UsageError(`${where}: expected every frame once but received frame ${from} again`);
        }
      }
      return [name, new ClipBoxes(sorted)];
    }),
  );
}

/** Two things of one class in one frame are two. */
function assertApart(detections: readonly Detection[], where: string): void {
  const seen = new Set<string>();
  for (const { label, track } of detections) {
    const name = `${label} ${track}`;
    if (track !== undefined && seen.has(name)) {
      throw new UsageError(`${where}: expected each track once in a frame but received ${track} again`);
    }
    seen.add(name);
  }
}

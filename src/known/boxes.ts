import { basename, dirname } from 'node:path';
import * as v from 'valibot';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { Detection } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import type { Source } from '../io/source.ts';
import type { Known } from '../worker/job.ts';
import { indexByName } from './by-sample.ts';
import { checkShape, classNamed, type Drawn, parseJson, points, readText, regionOf, rowsOf } from './rows.ts';

const drawn = {
  x: v.optional(v.number()),
  y: v.optional(v.number()),
  w: v.optional(v.number()),
  h: v.optional(v.number()),
  polygon: v.optional(points),
};

/** One region in a line of JSON: its class, with `x`, `y`, `w`, `h`, `polygon` or both. */
export const boxSchema = v.strictObject({ class: v.string(), ...drawn });

/** A region that was drawn or found elsewhere: pixels of the upright image, a box, an outline, or both. */
export type GivenBox = v.InferInput<typeof boxSchema>;

const rowSchema = v.strictObject({ file: v.pipe(v.string(), v.nonEmpty()), boxes: v.array(boxSchema) });

/** The form that `eval` reads, too; what else it says of a box does not matter here. */
const nativeSchema = v.object({
  images: v.array(
    v.object({ file: v.string(), boxes: v.array(v.object({ class: v.optional(v.string()), ...drawn })) }),
  ),
});

/** What takes the place of detections. @throws UsageError naming the field, what was expected and what was received. */
export function givenDetections(boxes: readonly GivenBox[]): Detection[] {
  return givenBoxes(checkShape(v.array(boxSchema), boxes, 'boxes'), 'boxes');
}

/**
 * Reads the regions of every image: JSON lines of `{file, boxes}`, or the native labels (`annotations.json`) when the
 * name ends in `.json`. What labels say to ignore is redacted like everything else.
 *
 * @returns detections by the image's name.
 * @throws UsageError naming file, line or index, and field, what was expected and what was received.
 */
export async function readBoxes(file: string): Promise<Map<string, Detection[]>> {
  const text = await readText(file);
  const isNative = /\.json$/i.test(file);
  const rows = isNative
    ? checkShape(nativeSchema, parseJson(text, file), file).images.map((value, i) => ({
        where: `${file}: images.${i}`,
        value,
      }))
    : rowsOf(rowSchema, text, file);
  const folder = basename(dirname(file));
  const found = new Map<string, Detection[]>();
  for (const { where, value } of rows) {
    const name = value.file.replace(/^\.\//, '');
    if (found.has(name)) {
      throw new UsageError(`${where}.file: expected every image once but received one again`);
    }
    found.set(name, givenBoxes(value.boxes, `${where}: boxes`, folder));
  }
  return found;
}

/**
 * Regions that are given in the place of detections.
 * @param where they stand, for messages.
 * @param folder name of the class where a box states none.
 * @throws UsageError for a box of no class of ours, or without area.
 */
export function givenBoxes(
  boxes: readonly (Drawn & { readonly class?: string | undefined })[],
  where: string,
  folder = '',
): Detection[] {
  return boxes.map((box, k) => {
    const place = `${where}.${k}`;
    const label = classNamed(box.class ?? folder, place);
    return { label, ...regionOf(box, place), score: 1, model: 'given', origin: 'given' };
  });
}

export interface GivenBoxes {
  readonly knownOf: (index: number) => Promise<Known | RejectedOutcome>;
  readonly digest: string;
  readonly notices: readonly string[];
}

/** The regions of each sample. @throws UsageError as `readBoxes` does, and when they are of none of the images. */
export async function openGivenBoxes(file: string, source: Source): Promise<GivenBoxes> {
  const boxes = await readBoxes(file);
  const indices = indexByName(source, new Set(boxes.keys()));
  if (indices.size === 0 && source.total > 0) {
    throw new UsageError(`Expected boxes for images of the input in ${file} but received none by their names`);
  }
  const byIndex = new Map([...indices].map(([name, index]) => [index, boxes.get(name) as Detection[]]));
  const strays = [...boxes.keys()].filter((name) => !indices.has(name));
  const given = await givenByIndex(file, 'entry in --boxes', byIndex, source.total);
  if (strays.length === 0) return given;
  return {
    ...given,
    notices: [...given.notices, `--boxes has ${counted(strays.length, 'name', 'names')} of no image`],
  };
}

/** The regions that a list of images has for each of them; undefined when it has none for any. */
export async function boxesOfList(file: string, source: Source): Promise<GivenBoxes | undefined> {
  const byIndex = new Map<number, readonly Detection[]>();
  for (let index = 0; index < source.total; index++) {
    const boxes = source.boxesOf?.(index);
    if (boxes !== undefined) byIndex.set(index, boxes);
  }
  return byIndex.size === 0 ? undefined : givenByIndex(file, 'boxes in --from-file', byIndex, source.total);
}

/** @param wanted what an image must have, such as `entry in --boxes`. */
async function givenByIndex(
  file: string,
  wanted: string,
  byIndex: ReadonlyMap<number, readonly Detection[]>,
  total: number,
): Promise<GivenBoxes> {
  const missing = total - byIndex.size;
  const empty = [...byIndex.values()].filter((list) => list.length === 0).length;
  const notices: string[] = [];
  if (missing > 0)
    notices.push(`${counted(missing, 'image has', 'images have')} no ${wanted} and will not be published`);
  if (empty > 0) {
    notices.push(
      `${counted(empty, 'image has', 'images have')} an empty list in ${wanted.replace(/^.* in /, '')}: published with nothing redacted`,
    );
  }
  const rejected: RejectedOutcome = {
    status: 'quarantined',
    stage: 'detect',
    reason: 'no-boxes',
    message: `Expected ${wanted} but found none`,
  };
  return {
    knownOf: async (index) => {
      const detections = byIndex.get(index);
      return detections === undefined ? rejected : { detections };
    },
    digest: await sha256OfFile(file),
    notices,
  };
}

function counted(n: number, one: string, many: string): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

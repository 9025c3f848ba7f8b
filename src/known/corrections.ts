import * as v from 'valibot';
import type { Correction, Target } from '../core/corrections.ts';
import { UsageError } from '../errors.ts';
import { classNamed, points, type Row, readText, regionOf, rowsOf } from './rows.ts';

/** Fields of a line: the sample, by key or by name, and what is said of a region in it. */
export const correctionFields = {
  key: v.optional(v.pipe(v.string(), v.regex(/^\d{9,15}$/, 'Expected a key such as "000000031"'))),
  file: v.optional(v.pipe(v.string(), v.nonEmpty())),
  action: v.picklist(['add', 'remove', 'change']),
  class: v.string(),
  /** x, y, width, height. */
  box: v.optional(v.tuple([v.number(), v.number(), v.number(), v.number()])),
  polygon: v.optional(points),
  at: v.optional(v.tuple([v.number(), v.number()])),
};

const rowSchema = v.strictObject(correctionFields);

export type CorrectionRow = v.InferOutput<typeof rowSchema>;

/** The sample that a line speaks of. */
export interface Address {
  /** File and number of the line, for messages. */
  readonly where: string;
  readonly key?: string | undefined;
  readonly file?: string | undefined;
}

/** One correction and the sample that it speaks of, by key or by name. */
export interface AddressedCorrection extends Address {
  readonly correction: Correction;
}

/**
 * Reads what a person says about what was found, one JSON object per line.
 * @throws UsageError naming file, line and field, what was expected and what was received.
 */
export async function readCorrections(file: string): Promise<AddressedCorrection[]> {
  return rowsOf(rowSchema, await readText(file), file).map((row) => ({
    ...addressOf(row),
    correction: correctionOf(row.value, row.where),
  }));
}

/** @throws UsageError for a line that names its sample in two ways, or in none. */
export function addressOf({ where, value: { key, file } }: Row<CorrectionRow>): Address {
  if ((key === undefined) === (file === undefined)) {
    throw new UsageError(
      `${where}: expected either key or file but received ${key === undefined ? 'neither' : 'both'}`,
    );
  }
  return { where, key, file: file?.replace(/^\.\//, '') };
}

/** @throws UsageError naming the field, what was expected and what was received. */
export function correctionOf({ action, box, polygon, at, class: name }: CorrectionRow, where: string): Correction {
  const cls = classNamed(name, where);
  const hasRegion = box !== undefined || polygon !== undefined;
  if (action !== 'remove' && !hasRegion) {
    throw new UsageError(`${where}: expected a box or a polygon to ${action} but received none`);
  }
  if (action === 'add' && at !== undefined) {
    throw new UsageError(`${where}.at: expected no point for add, which addresses no detection, but received one`);
  }
  if (action === 'remove' && at === undefined && !hasRegion) {
    throw new UsageError(`${where}.at: expected a point or a box of what is to be removed but received neither`);
  }
  const [x, y, w, h] = box ?? [];
  const region = hasRegion ? regionOf({ x, y, w, h, polygon }, where) : undefined;
  const target: Target = {
    ...(at === undefined ? {} : { at: { x: at[0], y: at[1] } }),
    ...(region === undefined ? {} : { box: region.box }),
  };
  if (action === 'remove') return { action, class: cls, target };
  if (region === undefined) throw new UsageError(`${where}: expected a box or a polygon but received none`);
  return action === 'add' ? { action, class: cls, region } : { action, class: cls, target, region };
}

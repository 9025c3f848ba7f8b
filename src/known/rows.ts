import * as v from 'valibot';
import type { ReviewedRegion } from '../core/corrections.ts';
import { boundingBox } from '../core/geometry.ts';
import { CLASSES, type ClassName, type Point } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { CategoryNames } from '../eval/labels/names.ts';
import { outline, sizedBox } from '../eval/labels/pixels.ts';
import { checkShape, parseJson, readText } from '../eval/labels/text.ts';

/** One line of a JSON-lines file, checked. */
export interface Row<T> {
  /** File and number of the line, for messages. */
  readonly where: string;
  readonly value: T;
}

/** @throws UsageError naming file, line and field, what was expected and what was received. */
export function rowsOf<T extends v.GenericSchema>(schema: T, text: string, file: string): Row<v.InferOutput<T>>[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const where = `${file}: line ${i + 1}`;
    return [{ where, value: checkShape(schema, parseJson(line, where), where) }];
  });
}

export { checkShape, parseJson, readText };

export const points = v.array(v.tuple([v.number(), v.number()]));

/** @throws UsageError for a name that stands for no class: its regions would stay visible. */
export function classNamed(name: string, where: string): ClassName {
  const cls = new CategoryNames().classOf(name);
  if (cls !== undefined) return cls;
  throw new UsageError(
    `${where}.class: expected ${CLASSES.join(', ')} but received ${JSON.stringify(name.slice(0, 40))}`,
  );
}

/** Pixels of the upright image: top left corner and size, an outline, or both. */
export interface Drawn {
  readonly x?: number | undefined;
  readonly y?: number | undefined;
  readonly w?: number | undefined;
  readonly h?: number | undefined;
  readonly polygon?: readonly (readonly [number, number])[] | undefined;
}

/** @throws UsageError for a region without area, or with neither box nor outline. */
export function regionOf({ x, y, w, h, polygon }: Drawn, where: string): ReviewedRegion {
  const shape = polygon === undefined ? {} : { polygon: outline(polygon, `${where}.polygon`) };
  if (x !== undefined && y !== undefined && w !== undefined && h !== undefined) {
    return { box: sizedBox(x, y, w, h, where), ...shape };
  }
  if (shape.polygon === undefined || [x, y, w, h].some((value) => value !== undefined)) {
    throw new UsageError(`${where}: expected x, y, w and h, or a polygon, but received neither whole`);
  }
  const { x1, y1, x2, y2 } = boundingBox(shape.polygon as Point[]);
  return { box: sizedBox(x1, y1, x2 - x1, y2 - y1, `${where}.polygon`), ...shape };
}

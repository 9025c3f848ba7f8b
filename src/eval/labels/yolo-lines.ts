import { boundingBox } from '../../core/geometry.ts';
import type { Box, Point } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { YoloNames } from './yolo-names.ts';

/** Corners of oriented boxes and outlines may lie outside the image; pixels instead of fractions are far off. */
const LEAST = -1;
const MOST = 2;

export interface YoloObject {
  /** Category name. */
  readonly name: string;
  /** Fractions of the image's width and height. */
  readonly box: Box;
  /** Fractions of the image's width and height. */
  readonly polygon?: readonly Point[];
}

/**
 * Reads the lines of one txt file: `class cx cy w h`, or a class and the corners of an outline or of an oriented box,
 * all as fractions of the upright image.
 * @throws UsageError naming the file and line, what was expected and what was received.
 */
export function parseYoloLines(text: string, file: string, config: YoloNames): YoloObject[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const fields = line.trim().split(/\s+/);
    return fields[0] === '' ? [] : [parseLine(fields, `${file}:${i + 1}`, config)];
  });
}

function parseLine(fields: readonly string[], where: string, { names, keypointValues }: YoloNames): YoloObject {
  const [head = '', ...rest] = fields;
  const name = /^\d+(\.0*)?$/.test(head) ? names.get(Number(head)) : undefined;
  if (name === undefined) {
    const last = [...names.keys()].reduce((a, b) => Math.max(a, b), 0);
    throw new UsageError(`${where}: expected the number of a category, up to ${last}, but received ${clip(head)}`);
  }
  const isBox = rest.length === 4 + keypointValues;
  if (!isBox && (keypointValues > 0 || rest.length < 6 || rest.length % 2 !== 0)) {
    const wanted = keypointValues > 0 ? `${4 + keypointValues} numbers` : '4 numbers, or 3 or more pairs,';
    throw new UsageError(`${where}: expected ${wanted} after the class but received ${rest.length}`);
  }
  const values = (isBox ? rest.slice(0, 4) : rest).map((field) => parseFraction(field, where));
  if (isBox) {
    const [cx, cy, w, h] = values as [number, number, number, number];
    return { name, box: checkBox({ x1: cx - w / 2, y1: cy - h / 2, x2: cx + w / 2, y2: cy + h / 2 }, where) };
  }
  const polygon = values.flatMap((x, i) => (i % 2 === 0 ? [{ x, y: values[i + 1] as number }] : []));
  return { name, box: checkBox(boundingBox(polygon), where), polygon };
}

function parseFraction(field: string, where: string): number {
  const value = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(field) ? Number(field) : Number.NaN;
  if (value >= LEAST && value <= MOST) return value;
  throw new UsageError(`${where}: expected fractions of the image's size (0 to 1) but received ${clip(field)}`);
}

function checkBox(box: Box, where: string): Box {
  if (box.x2 > box.x1 && box.y2 > box.y1) return box;
  throw new UsageError(
    `${where}: expected a box with a positive width and height but received ${box.x2 - box.x1} × ${box.y2 - box.y1}`,
  );
}

function clip(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

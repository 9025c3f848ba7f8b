import { normalize, sep } from 'node:path';
import * as v from 'valibot';
import type { Detection } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { boxSchema, givenBoxes } from './boxes.ts';
import { checkShape, readText } from './rows.ts';

const KEY = 'Expected 1 to 128 of A-Z a-z 0-9 _ - for a key';
const LABEL = 'Expected a class index from 0 to 999999999, or a name, for a label';

const rowSchema = v.strictObject({
  path: v.pipe(v.string(), v.nonEmpty()),
  key: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,128}$/, KEY))),
  label: v.optional(v.custom<number | string>(isLabel, LABEL)),
  boxes: v.optional(v.array(boxSchema)),
});

function isLabel(value: unknown): boolean {
  if (typeof value === 'string') return value !== '' && value.length <= 200;
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 1e9;
}

/** One image of a list. */
export interface ListedImage {
  /** As the list gives it: relative to the folder of the list, or absolute. */
  readonly path: string;
  /** What the list calls it. */
  readonly key?: string;
  readonly label?: number | string;
  /** Taken in the place of what detectors would find. */
  readonly boxes?: readonly Detection[];
}

/**
 * Reads a list of images, one JSON object per line: `{"path", "key"?, "label"?, "boxes"?}`.
 * @throws UsageError naming file, line and field, what was expected and what was received; never a name of an image.
 */
export async function readList(file: string): Promise<ListedImage[]> {
  const paths = new Set<string>();
  const keys = new Set<string>();
  const labels = new Set<string>();
  const lines = (await readText(file)).split('\n');
  const images = lines.flatMap((line, i): ListedImage[] => {
    if (line.trim() === '') return [];
    const where = `${file}: line ${i + 1}`;
    const value = checkShape(rowSchema, parseLine(line, where), where);
    const path = normalized(value.path, where);
    if (paths.has(path)) throw new UsageError(`${where}.path: expected every image once but received one again`);
    paths.add(path);
    const { key, label, boxes } = value;
    if (key !== undefined && keys.has(key)) {
      throw new UsageError(`${where}.key: expected every key once but received one again`);
    }
    if (key !== undefined) keys.add(key);
    if (label !== undefined && labels.add(typeof label).size > 1) {
      throw new UsageError(`${where}.label: expected only class indices or only names but received both`);
    }
    return [
      {
        path,
        ...(key === undefined ? {} : { key }),
        ...(label === undefined ? {} : { label }),
        ...(boxes === undefined ? {} : { boxes: givenBoxes(boxes, `${where}: boxes`) }),
      },
    ];
  });
  if (images.length === 0) throw new UsageError(`Expected at least one image in ${file} but received an empty list`);
  return images;
}

/** Without what the parser stumbled over: that may be a name. */
function parseLine(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new UsageError(`${where}: expected a JSON object but received another text`, { cause });
  }
}

/** POSIX separators, no `.` segments and no repeated ones, so that a file has one name. */
function normalized(path: string, where: string): string {
  if (path.includes('\0')) throw new UsageError(`${where}.path: expected no NUL character but received one`);
  const plain = normalize(path).split(sep).join('/');
  if (plain === '.' || plain === '..' || plain.endsWith('/') || plain.endsWith('/..')) {
    throw new UsageError(`${where}.path: expected a file but received a folder`);
  }
  return plain;
}

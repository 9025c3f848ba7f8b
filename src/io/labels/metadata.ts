import { readdir } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { UsageError } from '../../errors.ts';
import { readText } from '../../eval/labels/text.ts';
import { type Fields, type FieldTypes, type JsonValue, KeepError, readFields } from '../json-fields.ts';
import { parseCsv } from './csv.ts';
import type { LabelReader } from './label-reader.ts';

export const METADATA_FILES: readonly string[] = ['metadata.jsonl', 'metadata.csv'];

/** What a row has besides its file: the wanted columns, or why they cannot pass. */
type Row = Fields | KeepError;

/**
 * Hugging Face's ImageFolder: `metadata.jsonl` or `metadata.csv` beside the images or in a folder above, with
 * `file_name` relative to it.
 *
 * @param folders of the images, POSIX paths below `root`.
 * @param wanted columns.
 * @throws UsageError for files that are damaged, have no `file_name`, or name an image twice.
 */
export async function metadataLabels(
  root: string,
  folders: Iterable<string>,
  wanted: readonly string[],
  types: FieldTypes,
): Promise<LabelReader> {
  const rows = new Map<string, Row>();
  const all = new Set([...folders].flatMap(withAbove));
  let files = 0;
  for (const folder of all) {
    for (const name of (await readdir(join(root, folder))).filter((entry) => METADATA_FILES.includes(entry))) {
      files++;
      await readInto(rows, join(root, folder, name), folder, wanted);
    }
  }
  if (files === 0) {
    throw new UsageError(`Expected ${METADATA_FILES.join(' or ')} in ${root} for --labels metadata but found neither`);
  }
  for (const row of rows.values()) if (!(row instanceof KeepError)) types.note(row);
  return {
    hasFileOf: () => false,
    async of(image) {
      const row = rows.get(image) ?? {};
      if (row instanceof KeepError) throw row;
      return { fields: row, hasFile: false };
    },
  };
}

/** `a/b` → ``, `a`, `a/b` */
function withAbove(folder: string): string[] {
  const segments = folder === '.' || folder === '' ? [] : folder.split('/');
  return ['', ...segments.map((_, i) => segments.slice(0, i + 1).join('/'))];
}

async function readInto(
  rows: Map<string, Row>,
  file: string,
  folder: string,
  wanted: readonly string[],
): Promise<void> {
  const text = (await readText(file)).replace(/^\uFEFF/, '');
  const read = file.endsWith('.csv') ? csvRows(text, file, wanted) : jsonRows(text, file, wanted);
  for (const { where, name, row } of read) {
    const path = posix.normalize(posix.join(folder, name.replaceAll('\\', '/')));
    if (path.startsWith('../')) throw new UsageError(`${where}: expected file_name below its folder`);
    if (rows.has(path)) throw new UsageError(`${where}: expected every file_name once but received one again`);
    rows.set(path, row);
  }
}

interface NamedRow {
  readonly where: string;
  readonly name: string;
  readonly row: Row;
}

function jsonRows(text: string, file: string, wanted: readonly string[]): NamedRow[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const where = `${relative(dirname(dirname(file)), file)
      .split(sep)
      .join('/')}: line ${i + 1}`;
    const bytes = Buffer.from(line);
    let name: JsonValue | undefined;
    try {
      name = readFields(bytes, ['file_name']).fields.file_name;
    } catch (cause) {
      throw new UsageError(`${where}: expected a JSON object but received another text`, { cause });
    }
    if (typeof name !== 'string' || name === '') throw new UsageError(`${where}: expected a file_name`);
    return [{ where, name, row: rowOf(bytes, wanted) }];
  });
}

function rowOf(bytes: Uint8Array, wanted: readonly string[]): Row {
  try {
    return readFields(bytes, wanted).fields;
  } catch (error) {
    if (error instanceof KeepError) return error;
    throw error;
  }
}

/** Columns of numbers alone become numbers; an empty cell is missing. */
function csvRows(text: string, file: string, wanted: readonly string[]): NamedRow[] {
  let cells: string[][];
  try {
    cells = parseCsv(text);
  } catch (error) {
    throw new UsageError(`${file}: expected comma-separated values but ${(error as Error).message}`, { cause: error });
  }
  const [head = [], ...lines] = cells;
  const nameAt = head.indexOf('file_name');
  if (nameAt < 0) throw new UsageError(`${file}: expected a column file_name`);
  if (lines.some((line) => line.length !== head.length)) {
    throw new UsageError(`${file}: expected ${head.length} cells in every line`);
  }
  const columns = wanted.flatMap((name) => {
    const at = head.indexOf(name);
    if (at < 0) return [];
    const isNumeric = lines.every((line) => isNumber(line[at] as string));
    return [{ name, at, isNumeric }];
  });
  return lines.map((line, i) => ({
    where: `${file}: row ${i + 2}`,
    name: line[nameAt] as string,
    row: Object.fromEntries(
      columns.map(({ name, at, isNumeric }) => {
        const cell = line[at] as string;
        return [name, cell === '' ? null : isNumeric ? Number(cell) : cell];
      }),
    ),
  }));
}

/** Written as JSON would write it: `007` is a text. */
function isNumber(cell: string): boolean {
  return cell === '' || (/^-?(0|[1-9]\d{0,14})(\.\d+)?(e[+-]?\d{1,2})?$/i.test(cell) && Number.isFinite(Number(cell)));
}

import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { UsageError } from '../errors.ts';

/**
 * The lines of a public list, each an object of a closed schema; none for a file that does not exist.
 * @throws UsageError for any other line.
 */
export async function readClosedLines<T extends v.GenericSchema>(path: string, schema: T): Promise<v.InferOutput<T>[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      try {
        return v.parse(schema, JSON.parse(line));
      } catch (cause) {
        throw new UsageError(`Expected ${path} as this tool writes it but line ${i + 1} has another form`, { cause });
      }
    });
}

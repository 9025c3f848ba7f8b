import { constants } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { UsageError } from '../../errors.ts';

/** Bytes of one label file. */
const MAX_BYTES = Math.min(512 * 2 ** 20, constants.MAX_STRING_LENGTH);

/**
 * A label file as text, without a byte order mark.
 * @throws UsageError for a file that cannot be read, is larger than 512 MiB, or is not UTF-8.
 */
export async function readText(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES)
      throw new UsageError(`${file}: expected at most 512 MiB of labels but received ${size} bytes`);
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Expected a readable label file but received ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${file}: expected UTF-8 text but received other bytes`, { cause: error });
  }
}

/** @throws UsageError naming the file and what the parser stumbled over. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text, which may be long.
    const message = (error as Error).message.replace(/\s+/g, ' ').slice(0, 200);
    throw new UsageError(`${file}: expected JSON but received text that is not: ${message}`, { cause: error });
  }
}

/** @throws UsageError naming the file, the place in it, what was expected and what was received. */
export function checkShape<T extends v.GenericSchema>(schema: T, json: unknown, file: string): v.InferOutput<T> {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  // The message quotes what was received, which may be long.
  const issue = result.issues[0];
  throw new UsageError(`${file}: ${v.getDotPath(issue) ?? 'file'}: ${issue.message.slice(0, 200)}`);
}

/** Runs an action for every item, at most 16 at a time, and keeps the order of the results. */
export async function mapInBatches<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += 16) {
    results.push(...(await Promise.all(items.slice(i, i + 16).map(action))));
  }
  return results;
}

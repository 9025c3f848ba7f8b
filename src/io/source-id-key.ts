import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { SOURCE_ID_KEY } from './private-files.ts';
import { readPrivateFile, writePrivateFile } from './private-lines.ts';
import type { Seal } from './seal.ts';

/** 256 bits, hex. */
export function newSourceIdKey(): string {
  return randomBytes(32).toString('hex');
}

/** @throws OutputError */
export function writeSourceIdKey(folder: string, key: string, seal: Seal | undefined): Promise<void> {
  return writePrivateFile(folder, SOURCE_ID_KEY, `${key}\n`, seal);
}

/** Undefined when the folder has none. */
export async function findSourceIdKey(folder: string, seal: Seal | undefined): Promise<string | undefined> {
  const key = (await readPrivateFile(folder, SOURCE_ID_KEY, seal))?.trim() ?? '';
  return /^[0-9a-f]{64}$/.test(key) ? key : undefined;
}

/** The key of an earlier run. @throws UsageError when its folder has none. */
export async function readSourceIdKey(folder: string, seal: Seal | undefined): Promise<string> {
  const key = await findSourceIdKey(folder, seal);
  if (key !== undefined) return key;
  throw new UsageError(
    `Expected the key of the earlier run's source ids in ${join(folder, SOURCE_ID_KEY)} but it is missing or damaged; --overwrite replaces the earlier output`,
  );
}

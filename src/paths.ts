import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { UsageError } from './errors.ts';

/** Whether `path` is `folder` or lies below it. Both absolute and free of symbolic links. */
export function isWithin(path: string, folder: string): boolean {
  const below = relative(folder, path);
  return below === '' || (below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below));
}

/**
 * What a folder that a caller has named holds.
 * @throws UsageError when it cannot be read.
 */
export async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw new UsageError(`Expected a readable folder but received ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

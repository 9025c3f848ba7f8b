import { stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../errors.ts';

/** Before the work, which may take hours. @throws UsageError when a file cannot be put there. */
export async function checkTarget(flag: string, file: string): Promise<void> {
  const folder = path.dirname(path.resolve(file));
  const isFolder = (target: string): Promise<boolean> =>
    stat(target).then(
      (status) => status.isDirectory(),
      () => false,
    );
  if (file === '' || (await isFolder(file))) {
    throw new UsageError(
      `Expected a file for ${flag} but received ${file === '' ? 'an empty string' : `the folder ${file}`}`,
    );
  }
  if (!(await isFolder(folder))) {
    throw new UsageError(`Expected a file in an existing folder for ${flag} but received ${file}`);
  }
}

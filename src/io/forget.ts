import { readdir, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { LEDGER, LEDGER_FILES, PRIVATE_RUN } from './ledger-files.ts';
import { CLIP_WORK } from './output-folder.ts';

/**
 * Deletes what a private folder knows: which sample came from where, what was detected, why samples were held back.
 * The map of sources goes first, so that what a broken deletion leaves behind no longer leads to anybody.
 *
 * @returns the names of the files that were there.
 * @throws UsageError, with nothing deleted, when the folder is not one of this tool; OutputError when deleting fails.
 */
export async function forget(privateDir: string): Promise<string[]> {
  const folder = resolve(privateDir);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Expected a private folder but received ${privateDir}, which cannot be read (${error.code})`);
  });
  const known = [...LEDGER_FILES, PRIVATE_RUN, CLIP_WORK];
  const foreign = names.filter((name) => !known.includes(name.replace(/\.tmp$/, ''))).length;
  if (!names.includes(LEDGER.sources) || foreign > 0) {
    const what = foreign > 0 ? `which also has ${foreign} other files` : `which has no ${LEDGER.sources}`;
    throw new UsageError(`Expected a private folder of a run but received ${privateDir}, ${what}; nothing was deleted`);
  }
  const order = names.sort((a, b) => Number(b === LEDGER.sources) - Number(a === LEDGER.sources) || (a < b ? -1 : 1));
  try {
    for (const name of order) await rm(join(folder, name), { recursive: true });
    await rmdir(folder);
  } catch (error) {
    throw asOutputError(folder, error);
  }
  return order;
}

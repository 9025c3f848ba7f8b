import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { notFinalized, PARTS_NAME } from './parts.ts';
import { finalName, isPrivateFile, LEDGER, PRIVATE_FILES, privatePath } from './private-files.ts';
import { assertNoWithdrawal } from './withdrawal.ts';

/**
 * Deletes what a private folder knows: which sample came from where, what was detected, why samples were held back, and
 * the keys. Keys and the map of sources go first, so that what a broken deletion leaves behind no longer leads to anybody.
 *
 * @returns the names of the files that were there.
 * @throws UsageError, with nothing deleted, when the folder is not one of this tool; OutputError when deleting fails.
 */
export async function forget(privateDir: string): Promise<string[]> {
  const folder = resolve(privateDir);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Expected a private folder but received ${privateDir}, which cannot be read (${error.code})`);
  });
  await assertNoWithdrawal(folder);
  if (names.includes(PARTS_NAME)) throw notFinalized(privateDir);
  const foreign = names.filter((name) => !isPrivateFile(name)).length;
  const sources = [false, true].map((isSealed) => basename(privatePath(folder, LEDGER.sources, isSealed)));
  if (!sources.some((name) => names.includes(name)) || foreign > 0) {
    const what = foreign > 0 ? `which also has ${foreign} other files` : `which has no ${LEDGER.sources}`;
    throw new UsageError(`Expected a private folder of a run but received ${privateDir}, ${what}; nothing was deleted`);
  }
  const rank = (name: string): number => PRIVATE_FILES.indexOf(finalName(name));
  const order = names.sort((a, b) => rank(a) - rank(b));
  try {
    for (const name of order) await rm(join(folder, name), { recursive: true });
    await rmdir(folder);
  } catch (error) {
    throw asOutputError(folder, error);
  }
  return order;
}

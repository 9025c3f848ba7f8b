import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { LEDGER_FILES } from './ledger.ts';
import { LOG_FOLDER, RUN_FILE, TOOL } from './run-log.ts';

/** Names in a folder; empty when it does not exist. Throws UsageError when it is no folder. */
async function namesIn(path: string, option: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    const what = code === 'ENOTDIR' ? 'which is not a folder' : `which cannot be read (${code})`;
    throw new UsageError(`Expected a folder for ${option} but received ${path}, ${what}`, { cause: error });
  }
}

async function isOurs(out: string): Promise<boolean> {
  try {
    const run: unknown = JSON.parse(await readFile(join(out, RUN_FILE), 'utf8'));
    return typeof run === 'object' && run !== null && 'tool' in run && run.tool === TOOL;
  } catch {
    return false;
  }
}

/**
 * Makes sure that the output and the private folder are new or empty or, with `overwrite`, hold only
 * what an earlier run left there. Changes nothing.
 *
 * @returns what `overwrite` would remove, in the order in which it must go.
 * @throws UsageError when something is there that must not be removed.
 */
export async function checkOutput(out: string, privateDir: string, overwrite: boolean): Promise<string[]> {
  const old = await namesIn(out, '--out');
  const oldPrivate = await namesIn(privateDir, '--private-dir');
  if (!overwrite) {
    const [option, path] = old.length > 0 ? ['--out', out] : ['--private-dir', privateDir];
    if (old.length + oldPrivate.length === 0) return [];
    throw new UsageError(
      `Expected a new or empty folder for ${option} but ${path} has content; --overwrite replaces an earlier output`,
    );
  }
  if (old.length > 0 && !(await isOurs(out))) {
    throw new UsageError(
      `Expected an earlier output for --overwrite but ${join(out, RUN_FILE)} is missing or not ours; nothing was removed`,
    );
  }
  const foreign = oldPrivate.find((name) => !LEDGER_FILES.includes(name.replace(/\.tmp$/, '')));
  if (foreign !== undefined) {
    throw new UsageError(
      `Expected only logs of an earlier run in --private-dir ${privateDir} but it has ${JSON.stringify(foreign)}; nothing was removed`,
    );
  }
  // The log that marks the folder as ours goes last: a removal that was cut short can be repeated.
  return [
    ...old.filter((name) => name !== LOG_FOLDER).map((name) => join(out, name)),
    ...oldPrivate.map((name) => join(privateDir, name)),
    ...old.filter((name) => name === LOG_FOLDER).map((name) => join(out, name)),
  ];
}

/**
 * `checkOutput`, then removes what an earlier run left; a folder that no run of ours has written is
 * never touched.
 *
 * @throws UsageError as `checkOutput`; OutputError when removing fails.
 */
export async function clearOutput(out: string, privateDir: string, overwrite: boolean): Promise<void> {
  for (const path of await checkOutput(out, privateDir, overwrite)) {
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      throw asOutputError(path, error);
    });
  }
}

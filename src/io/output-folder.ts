import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError, writeFileAtomic } from './atomic.ts';
import { LEDGER_FILES, PRIVATE_RUN } from './ledger-files.ts';
import { assertUnlocked, isLockName } from './lock.ts';
import { LOG_FOLDER, RUN_FILE, TOOL } from './run-log.ts';

/** What is in the places that a run is to write to. */
export type OutputState =
  /** Nothing, or what a run that was killed before its first word leaves. */
  | { readonly kind: 'new' }
  /** An earlier output, to be replaced. */
  | { readonly kind: 'replaced'; readonly paths: readonly string[] }
  /** An earlier run, to be gone on with. */
  | { readonly kind: 'earlier'; readonly run: Readonly<Record<string, unknown>> };

export interface OutputChoice {
  readonly out: string;
  readonly privateDir: string;
  readonly overwrite: boolean;
  readonly resume: boolean;
}

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

/** The run.json of a folder; undefined when it has none of this tool. */
async function readOurs(out: string): Promise<Record<string, unknown> | undefined> {
  try {
    const run: unknown = JSON.parse(await readFile(join(out, RUN_FILE), 'utf8'));
    return typeof run === 'object' && run !== null && 'tool' in run && run.tool === TOOL ? { ...run } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the folder has nothing, or only what a run leaves before it writes run.json. */
async function isUnbegun(out: string, names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return true;
  if (names.length > 1 || names[0] !== LOG_FOLDER) return false;
  const logs = await readdir(join(out, LOG_FOLDER)).catch(() => ['unreadable']);
  const redactions = logs.includes('redactions') ? await readdir(join(out, LOG_FOLDER, 'redactions')) : [];
  return (
    redactions.length === 0 && logs.every((name) => isLockName(name) || ['redactions', 'run.json.tmp'].includes(name))
  );
}

/** Folder of the work on clips, below the private folder. */
export const CLIP_WORK = 'clips';

function isLedgerName(name: string): boolean {
  return [...LEDGER_FILES, PRIVATE_RUN, CLIP_WORK].includes(name.replace(/\.tmp$/, ''));
}

/** Whether the private folder is empty or has empty logs of a run of which `out` has a trace. */
async function isUnbegunPrivate(
  privateDir: string,
  names: readonly string[],
  out: readonly string[],
): Promise<boolean> {
  // The private folder comes second: without a trace its logs are of a run that begins elsewhere.
  if (names.length > 0 && out.length === 0) return false;
  for (const name of names) {
    if (name.replace(/\.tmp$/, '') === PRIVATE_RUN) continue;
    if (!isLedgerName(name) || (await stat(join(privateDir, name))).size > 0) return false;
  }
  return true;
}

/** `inspectOutput` of folders that nobody is writing to. @throws UsageError, also when another run is at work. */
export async function checkOutput(choice: OutputChoice): Promise<OutputState> {
  const state = await inspectOutput(choice);
  await assertUnlocked(choice.out);
  return state;
}

/**
 * Looks at the output and the private folder: they must be new or empty, or hold an earlier run that may
 * be resumed or, with `overwrite`, removed. Changes nothing.
 *
 * @throws UsageError when something is there that must not be touched.
 */
export async function inspectOutput({ out, privateDir, overwrite, resume }: OutputChoice): Promise<OutputState> {
  const old = await namesIn(out, '--out');
  const oldPrivate = await namesIn(privateDir, '--private-dir');
  if (overwrite) return { kind: 'replaced', paths: await removable(out, old, privateDir, oldPrivate) };
  const isNew = await isUnbegun(out, old);
  if (isNew && (await isUnbegunPrivate(privateDir, oldPrivate, old))) return { kind: 'new' };
  const run = resume && !isNew ? await readOurs(out) : undefined;
  if (run !== undefined) return { kind: 'earlier', run };
  if (isNew && oldPrivate.every(isLedgerName)) {
    throw new UsageError(
      `Expected --private-dir to belong to --out but ${privateDir} has content of another output and ${out} is new; --overwrite replaces an earlier output`,
    );
  }
  const [option, path] = isNew ? ['--private-dir', privateDir] : ['--out', out];
  throw new UsageError(
    `Expected a new or empty folder for ${option} but ${path} has content; --overwrite replaces an earlier output`,
  );
}

/** What `overwrite` removes, in the order in which it must go. */
async function removable(
  out: string,
  old: readonly string[],
  privateDir: string,
  oldPrivate: readonly string[],
): Promise<string[]> {
  if (!(await isUnbegun(out, old)) && (await readOurs(out)) === undefined) {
    throw new UsageError(
      `Expected an earlier output for --overwrite but ${join(out, RUN_FILE)} is missing or not ours; nothing was removed`,
    );
  }
  const foreign = oldPrivate.find((name) => !isLedgerName(name));
  if (foreign !== undefined) {
    throw new UsageError(
      `Expected only logs of an earlier run in --private-dir ${privateDir} but it has ${JSON.stringify(foreign)}; nothing was removed`,
    );
  }
  const logs = old.includes(LOG_FOLDER) ? await readdir(join(out, LOG_FOLDER)) : [];
  // The file that marks the folder as ours goes last: a removal that was cut short can be repeated.
  return [
    ...old.filter((name) => name !== LOG_FOLDER).map((name) => join(out, name)),
    ...oldPrivate.map((name) => join(privateDir, name)),
    ...logs.filter((name) => !isLockName(name)).map((name) => join(out, LOG_FOLDER, name)),
  ].sort((a, b) => Number(a === join(out, RUN_FILE)) - Number(b === join(out, RUN_FILE)));
}

/**
 * Removes what an earlier run left, as `checkOutput` has found it.
 * @throws OutputError when removing fails.
 */
export async function clearOutput(out: string, paths: readonly string[]): Promise<void> {
  const run = await readOurs(out);
  // A finished run of which a part is missing must not pass for one.
  if (run !== undefined) await writeFileAtomic(join(out, RUN_FILE), JSON.stringify({ ...run, status: 'failed' }));
  for (const path of paths) {
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      throw asOutputError(path, error);
    });
  }
}

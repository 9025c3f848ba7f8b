import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError, writeFileAtomic } from './atomic.ts';
import { assertUnlocked, isLockName } from './lock.ts';
import { PARTS_FOLDER, PARTS_NAME, partsIn, placesOf, type RunPlaces, readRunFile } from './parts.ts';
import { isFirstFile, isKeyFile, isPrivateFile, isWithdrawnFile } from './private-files.ts';
import { LOG_FOLDER, RUN_FILE, TOMBSTONES } from './run-log.ts';
import type { Part } from './shard-plan.ts';

/** What is in the places that a run is to write to. */
export type OutputState =
  /** Nothing, or what a run that was killed before its first word leaves. */
  | { readonly kind: 'new' }
  /** An earlier output, to be replaced. */
  | { readonly kind: 'replaced'; readonly paths: readonly string[] }
  /** An earlier run, to be gone on with. */
  | { readonly kind: 'earlier'; readonly run: Readonly<Record<string, unknown>> }
  /** A whole output, of which a part was to be written: there is nothing left to do for it. */
  | { readonly kind: 'finalized'; readonly run: Readonly<Record<string, unknown>> };

export interface OutputChoice {
  readonly out: string;
  readonly privateDir: string;
  readonly overwrite: boolean;
  readonly resume: boolean;
  /** Only this part of the run is to be written; default all. */
  readonly part?: Part;
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

/** Whether the folder has nothing, or only what a run leaves before it writes run.json. */
async function isUnbegun(out: string, names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return true;
  if (names.length > 1 || names[0] !== LOG_FOLDER) return false;
  const logs = await readdir(join(out, LOG_FOLDER)).catch(() => ['unreadable']);
  const redactions = logs.includes('redactions') ? await readdir(join(out, LOG_FOLDER, 'redactions')) : [];
  const own = ['redactions', 'run.json.tmp', PARTS_NAME];
  return (
    redactions.length === 0 &&
    logs.every((name) => isLockName(name) || own.includes(name)) &&
    (await partsIn(out)).length === 0
  );
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
    if (isFirstFile(name)) continue;
    if (!isPrivateFile(name) || (await stat(join(privateDir, name))).size > 0) return false;
  }
  return true;
}

/** @throws UsageError when the folder has content. */
export async function assertEmptyFolder(option: string, path: string): Promise<void> {
  if ((await namesIn(path, option)).length === 0) return;
  throw new UsageError(`Expected a new or empty folder for ${option} but ${path} has content`);
}

/** `inspectOutput` of folders that nobody is writing to. @throws UsageError, also when another run is at work. */
export async function checkOutput(choice: OutputChoice): Promise<OutputState> {
  const state = await inspectOutput(choice);
  await assertUnlocked(choice.out);
  if (choice.part === undefined) await assertNoPartAtWork(choice.out);
  else await assertUnlocked(choice.out, placesOf(choice.privateDir, choice.part).lockFile);
  return state;
}

/** @throws UsageError when a process is writing a part of the output. */
export async function assertNoPartAtWork(out: string): Promise<void> {
  for (const part of await partsIn(out)) await assertUnlocked(out, placesOf('', part).lockFile);
}

/**
 * Looks at the output and the private folder: they must be new or empty, or hold an earlier run that may
 * be resumed or, with `overwrite`, removed. Changes nothing.
 *
 * @throws UsageError when something is there that must not be touched.
 */
export async function inspectOutput({ out, privateDir, overwrite, resume, part }: OutputChoice): Promise<OutputState> {
  const old = await namesIn(out, '--out');
  const oldPrivate = await namesIn(privateDir, '--private-dir');
  if (part !== undefined) return inspectPart(out, privateDir, old, oldPrivate, placesOf(privateDir, part), resume);
  if (overwrite) return { kind: 'replaced', paths: await removable(out, old, privateDir, oldPrivate) };
  const isNew = await isUnbegun(out, old);
  if (isNew && (await isUnbegunPrivate(privateDir, oldPrivate, old))) return { kind: 'new' };
  const run = resume && !isNew ? await readRunFile(out) : undefined;
  if (run !== undefined) return { kind: 'earlier', run };
  if (isNew && oldPrivate.every(isPrivateFile)) {
    throw new UsageError(
      `Expected --private-dir to belong to --out but ${privateDir} has content of another output and ${out} is new; --overwrite replaces an earlier output`,
    );
  }
  if ((await partsIn(out)).length > 0) {
    throw new UsageError(
      `Expected no parts of a run in ${out} but it has some: go on with them (--shard-index), put them together (anonymize finalize), or replace them (--overwrite)`,
    );
  }
  const [option, path] = isNew ? ['--private-dir', privateDir] : ['--out', out];
  throw new UsageError(
    `Expected a new or empty folder for ${option} but ${path} has content; --overwrite replaces an earlier output`,
  );
}

/** `inspectOutput` for a part of a run, beside which others may be at work. */
async function inspectPart(
  out: string,
  privateDir: string,
  old: readonly string[],
  oldPrivate: readonly string[],
  { stateFolder, runFile, privateDir: privatePart }: RunPlaces,
  resume: boolean,
): Promise<OutputState> {
  const whole = await readRunFile(out);
  if (whole?.status === 'finished') return { kind: 'finalized', run: whole };
  if (whole !== undefined) {
    throw new UsageError(
      `Expected parts of a run in ${out} but it has an unfinished run of one process: go on with it without --shard-index`,
    );
  }
  const isOfParts = (await partsIn(out)).length > 0;
  const isOurs = (name: string): boolean =>
    name === PARTS_NAME || isKeyFile(name) || (isOfParts && isPrivateFile(name));
  const foreign = !oldPrivate.every(isOurs);
  if (foreign || !(isOfParts || (await isUnbegun(out, old)))) {
    const [option, path] = foreign ? ['--private-dir', privateDir] : ['--out', out];
    throw new UsageError(
      `Expected a new or empty folder or parts of the same run for ${option} but ${path} has other content`,
    );
  }
  const run = await readRunFile(out, runFile);
  if (run !== undefined) {
    if (resume) return { kind: 'earlier', run };
    throw new UsageError(
      `Expected a part that was not begun for --no-resume but ${join(out, stateFolder)} has content`,
    );
  }
  const trace = await namesIn(join(out, stateFolder), '--out');
  if (await isUnbegunPrivate(privatePart, await namesIn(privatePart, '--private-dir'), trace)) return { kind: 'new' };
  throw new UsageError(
    `Expected --private-dir to belong to --out but ${privatePart} has content of another output and ${join(out, stateFolder)} is new`,
  );
}

/** What `overwrite` removes, in the order in which it must go. */
async function removable(
  out: string,
  old: readonly string[],
  privateDir: string,
  oldPrivate: readonly string[],
): Promise<string[]> {
  const isOurs = (await readRunFile(out)) !== undefined || (await partsIn(out)).length > 0;
  if (!isOurs && !(await isUnbegun(out, old))) {
    throw new UsageError(
      `Expected an earlier output for --overwrite but ${join(out, RUN_FILE)} is missing or not ours; nothing was removed`,
    );
  }
  const foreign = oldPrivate.find((name) => !isPrivateFile(name) && name !== PARTS_NAME);
  if (foreign !== undefined) {
    throw new UsageError(
      `Expected only logs of an earlier run in --private-dir ${privateDir} but it has ${JSON.stringify(foreign)}; nothing was removed`,
    );
  }
  const logs = old.includes(LOG_FOLDER) ? await readdir(join(out, LOG_FOLDER)) : [];
  if (logs.includes(basename(TOMBSTONES)) || oldPrivate.some(isWithdrawnFile)) {
    throw new UsageError(
      `Expected no withdrawn images in ${out} for --overwrite, since what keeps them out would be removed, but it has some; take them out of the input and remove ${out} and ${privateDir} by hand`,
    );
  }
  // What marks the folder as ours goes last: a removal that was cut short can be repeated.
  const markers = [join(out, RUN_FILE), join(out, PARTS_FOLDER)];
  return [
    ...old.filter((name) => name !== LOG_FOLDER).map((name) => join(out, name)),
    ...oldPrivate.map((name) => join(privateDir, name)),
    ...logs.filter((name) => !isLockName(name)).map((name) => join(out, LOG_FOLDER, name)),
  ].sort((a, b) => Number(markers.includes(a)) - Number(markers.includes(b)));
}

/**
 * Removes what an earlier run left, as `checkOutput` has found it.
 * @throws OutputError when removing fails.
 */
export async function clearOutput(out: string, paths: readonly string[]): Promise<void> {
  const run = await readRunFile(out);
  // A finished run of which a part is missing must not pass for one.
  if (run !== undefined) await writeFileAtomic(join(out, RUN_FILE), JSON.stringify({ ...run, status: 'failed' }));
  for (const path of paths) {
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      throw asOutputError(path, error);
    });
  }
}

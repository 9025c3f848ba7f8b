import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { LOCK_FILE, LOCK_NAME } from './lock.ts';
import { LOG_FOLDER, RUN_FILE, TOOL } from './run-log.ts';
import type { Part } from './shard-plan.ts';

/** Folder of what the parts of a run keep of their own until the run is finalized, in the output and the private folder. */
export const PARTS_NAME = 'parts';
export const PARTS_FOLDER = `${LOG_FOLDER}/${PARTS_NAME}`;

/** Where a run, or a part of one, keeps its state. */
export interface RunPlaces {
  /** Folder of the two files below. All three are below the output folder. */
  readonly stateFolder: string;
  readonly runFile: string;
  readonly lockFile: string;
  readonly privateDir: string;
}

/** Where the whole run keeps its state, or the part that is given. */
export function placesOf(privateDir: string, part: Part | undefined): RunPlaces {
  if (part === undefined) return { stateFolder: LOG_FOLDER, runFile: RUN_FILE, lockFile: LOCK_FILE, privateDir };
  const name = `${part.index}-of-${part.count}`;
  const stateFolder = `${PARTS_FOLDER}/${name}`;
  return {
    stateFolder,
    runFile: `${stateFolder}/run.json`,
    lockFile: `${stateFolder}/${LOCK_NAME}`,
    privateDir: join(privateDir, PARTS_NAME, name),
  };
}

/** The parts of a run that have left anything in its output, in order. */
export async function partsIn(out: string): Promise<Part[]> {
  const names = await readdir(join(out, PARTS_FOLDER)).catch((): string[] => []);
  return names
    .flatMap((name) => {
      const [, index, count] = /^(\d{1,6})-of-(\d{1,6})$/.exec(name) ?? [];
      return index === undefined ? [] : [{ index: Number(index), count: Number(count) }];
    })
    .sort((a, b) => a.count - b.count || a.index - b.index);
}

/** Whether a private folder holds logs of parts that were not put together. */
export async function hasPrivateParts(privateDir: string): Promise<boolean> {
  return (await readdir(privateDir).catch((): string[] => [])).includes(PARTS_NAME);
}

/** Of a private folder that has parts. */
export function notFinalized(privateDir: string): UsageError {
  return new UsageError(
    `Expected the private folder of a finished run but ${privateDir} has parts of a run that is not finalized: run anonymize finalize first`,
  );
}

/** Removes what the parts of a finalized run kept. @throws OutputError */
export async function removeParts(out: string, privateDir: string): Promise<void> {
  for (const folder of [join(out, PARTS_FOLDER), join(privateDir, PARTS_NAME)]) {
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
      throw asOutputError(folder, error);
    });
  }
}

/** Removes the folders of a part that never began, as far as they are empty. */
export async function removeEmptyState(out: string, { stateFolder }: RunPlaces): Promise<void> {
  const folders = stateFolder === LOG_FOLDER ? [LOG_FOLDER] : [stateFolder, PARTS_FOLDER, LOG_FOLDER];
  for (const folder of folders) await rmdir(join(out, folder)).catch(() => undefined);
}

/** A run.json; undefined when there is none of this tool. */
export async function readRunFile(
  out: string,
  runFile: string = RUN_FILE,
): Promise<Record<string, unknown> | undefined> {
  try {
    const run: unknown = JSON.parse(await readFile(join(out, runFile), 'utf8'));
    return typeof run === 'object' && run !== null && 'tool' in run && run.tool === TOOL ? { ...run } : undefined;
  } catch {
    return undefined;
  }
}

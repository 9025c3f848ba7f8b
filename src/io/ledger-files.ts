import { chmod, type FileHandle, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { asOutputError, makeFolder, syncFolder, withFile, writeFileAtomic } from './atomic.ts';
import { wholeLines } from './lines.ts';
import { publicReason } from './records.ts';
import { type SampleStates, whyRejected } from './sample-states.ts';
import { keyOf } from './shard-plan.ts';
import type { SampleOrigin } from './source.ts';

/** What each file of a private directory is called. Every line of them begins with the key of its sample. */
export const LEDGER = {
  sources: 'sources.jsonl',
  detections: 'detections.jsonl',
  quarantine: 'quarantine.jsonl',
} as const;
export type LedgerFile = keyof typeof LEDGER;

/** Every log that a private directory may have. */
export const LEDGER_FILES: readonly string[] = Object.values(LEDGER);

/** How the detections were made, for who redacts again. It may be there before anything has happened. */
export const PRIVATE_RUN = 'run.json';

const FILES = Object.keys(LEDGER) as LedgerFile[];
const CHUNK = 1 << 20;

/** Index of the sample that a line speaks of. */
export function indexOf(line: string, path: string): number {
  const digits = /^\{"key":"(\d{9,15})"/.exec(line)?.[1];
  if (digits === undefined)
    throw new UsageError(`Expected lines of a private log in ${path} but received another text`);
  return Number(digits);
}

/** Which samples the private directory has lines of. */
export class LedgerIndex {
  readonly #seen: Uint8Array;

  constructor(total: number) {
    this.#seen = new Uint8Array(total);
  }

  add(file: LedgerFile, index: number): void {
    this.#seen[index] = (this.#seen[index] ?? 0) | (1 << FILES.indexOf(file));
  }

  has(index: number, ...files: readonly LedgerFile[]): boolean {
    return files.every((file) => ((this.#seen[index] ?? 0) & (1 << FILES.indexOf(file))) !== 0);
  }
}

/**
 * Reads the private directory of an earlier run and holds its sources against those of this one.
 *
 * @param originOf of a sample as this run would read it.
 * @param files that are read; default all.
 * @throws UsageError at the first sample that comes from elsewhere.
 */
export async function readLedger(
  folder: string,
  total: number,
  originOf: (index: number) => SampleOrigin,
  files: readonly LedgerFile[] = FILES,
): Promise<LedgerIndex> {
  const ledger = new LedgerIndex(total);
  for (const file of files) {
    const path = join(folder, LEDGER[file]);
    for await (const line of wholeLines(path)) {
      const index = indexOf(line, path);
      if (file === 'sources') assertSameSource(line, index, index < total ? originOf(index) : undefined, path);
      ledger.add(file, index);
    }
  }
  return ledger;
}

function assertSameSource(line: string, index: number, now: SampleOrigin | undefined, path: string): void {
  const { source, member } = JSON.parse(line) as { source: string; member?: string };
  if (source === now?.path && member === now.member) return;
  const name = (file: string | undefined, inTar: string | undefined): string =>
    file === undefined ? 'nothing' : JSON.stringify(inTar === undefined ? file : `${file}: ${inTar}`);
  throw new UsageError(
    `Expected the inputs of the earlier run, whose sample ${index} was ${name(source, member)} (${path}), but found ${name(now?.path, now?.member)}; --overwrite replaces the earlier output`,
  );
}

/**
 * Rewrites every file of the private directory: a line for each sample that is done, in order, the last
 * one where there are several. Interrupted at any moment, each file is the old one or the new one.
 *
 * @returns index of the last sample that the directory knows; −1 for none.
 * @throws OutputError
 */
export async function compactLedger(folder: string, states: SampleStates): Promise<number> {
  let last = -1;
  for (const file of FILES) {
    const path = join(folder, LEDGER[file]);
    const temporary = `${path}.tmp`;
    try {
      const late = await lateLines(path, file, states);
      await rm(temporary, { force: true });
      last = Math.max(last, await rewrite(path, temporary, file, states, late));
      await rename(temporary, path);
    } catch (error) {
      throw error instanceof UsageError ? error : asOutputError(path, error);
    }
  }
  await syncFolder(folder);
  return last;
}

/** Whether a line tells what the public log tells of its sample. */
function isValid(file: LedgerFile, index: number, line: string, states: SampleStates): boolean {
  if (file === 'sources') return states.isPublished(index) || states.reasonOf(index) !== undefined;
  if (file === 'detections') return states.isPublished(index);
  const reason = states.reasonOf(index);
  if (reason === undefined) return false;
  const entry = JSON.parse(line) as { status: string; stage: string; reason: string };
  return whyRejected({ ...entry, reason: publicReason(entry.reason) }) === reason;
}

/** Valid lines that come after one of a later sample: those of samples that were done again. */
async function lateLines(path: string, file: LedgerFile, states: SampleStates): Promise<Map<number, string>> {
  const late = new Map<number, string>();
  let last = -1;
  for await (const line of wholeLines(path)) {
    const index = indexOf(line, path);
    if (index > last) last = index;
    else if (isValid(file, index, line, states)) late.set(index, line);
  }
  return new Map([...late].sort(([a], [b]) => a - b));
}

async function rewrite(
  path: string,
  temporary: string,
  file: LedgerFile,
  states: SampleStates,
  late: Map<number, string>,
): Promise<number> {
  return withFile(
    temporary,
    'wx',
    async (handle) => {
      let last = -1;
      let text = '';
      const put = async (index: number, line: string): Promise<void> => {
        last = index;
        text += `${line}\n`;
        if (text.length < CHUNK) return;
        await handle.writeFile(text);
        text = '';
      };
      const putLate = async (before: number): Promise<void> => {
        for (const [index, line] of late) {
          if (index >= before) break;
          late.delete(index);
          await put(index, line);
        }
      };
      let seen = -1;
      for await (const line of wholeLines(path)) {
        const index = indexOf(line, path);
        if (index <= seen) continue;
        seen = index;
        await putLate(index);
        if (!late.has(index) && isValid(file, index, line, states)) await put(index, line);
      }
      await putLate(Infinity);
      await handle.writeFile(text);
      await handle.sync();
      return last;
    },
    0o600,
  );
}

/**
 * Puts the logs of the parts of a run together, each in the order of its samples. Interrupted at any moment, each file
 * is what it was before or whole.
 *
 * @param parts private folders of the parts, in order.
 * @throws UsageError for lines that are out of order; OutputError.
 */
export async function mergeLedgers(folder: string, parts: readonly string[]): Promise<void> {
  await makeFolder(folder, 0o700);
  await chmod(folder, 0o700);
  for (const file of FILES) {
    await replaceLines(join(folder, LEDGER[file]), async function* () {
      let last = -1;
      for (const part of parts) {
        const path = join(part, LEDGER[file]);
        for await (const line of wholeLines(path)) {
          const index = indexOf(line, path);
          if (index <= last) throw new UsageError(`Expected samples in order in ${path} but ${index} comes late`);
          last = index;
          yield line;
        }
      }
    });
  }
  await syncFolder(folder);
}

/** Replaces a file of a private directory by these lines, at once. @throws UsageError of the lines; OutputError. */
async function replaceLines(path: string, lines: () => AsyncGenerator<string>): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await rm(temporary, { force: true });
    const fill = async (handle: FileHandle): Promise<void> => {
      let text = '';
      for await (const line of lines()) {
        text += `${line}\n`;
        if (text.length < CHUNK) continue;
        await handle.writeFile(text);
        text = '';
      }
      await handle.writeFile(text);
      await handle.sync();
    };
    await withFile(temporary, 'wx', fill, 0o600);
    await rename(temporary, path);
  } catch (error) {
    throw error instanceof UsageError ? error : asOutputError(path, error);
  }
}

/** What a private directory tells of where a sample came from. */
export interface SourceEntry {
  readonly index: number;
  readonly origin: SampleOrigin;
  /** What the image is called in a folder of outputs; the first versions kept none. */
  readonly name?: string;
  readonly cls?: string;
  /** SHA-256 of the bytes that came in. */
  readonly sha256?: string;
}

/** The sources in a private directory, as they stand there. @throws UsageError for other lines. */
export async function* readSources(folder: string): AsyncGenerator<SourceEntry> {
  const path = join(folder, LEDGER.sources);
  for await (const line of wholeLines(path)) {
    const { source, member, name, cls, sha256 } = JSON.parse(line) as Record<string, string | undefined>;
    if (source === undefined) throw new UsageError(`Expected a source in every line of ${path} but one has none`);
    yield {
      index: indexOf(line, path),
      origin: { path: source, ...(member === undefined ? {} : { member }) },
      ...(name === undefined ? {} : { name }),
      ...(cls === undefined ? {} : { cls }),
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  }
}

/** Which samples were withdrawn: their keys, and nothing else of them. */
export const PRIVATE_WITHDRAWN = 'withdrawn.jsonl';
/** A withdrawal that has begun; removed when it is done. */
export const WITHDRAWAL = 'withdrawal.json';

/** Samples that were withdrawn, by a private directory. @throws UsageError for other lines. */
export async function readPrivateWithdrawn(folder: string): Promise<Set<number>> {
  const path = join(folder, PRIVATE_WITHDRAWN);
  const found = new Set<number>();
  for await (const line of wholeLines(path)) found.add(indexOf(line, path));
  return found;
}

/**
 * Removes all that a private directory knows of some samples, but for their keys. Interrupted at any moment, each file
 * is what it was before or without them.
 *
 * @throws UsageError for lines of another form; OutputError.
 */
export async function removeSamples(folder: string, samples: ReadonlySet<number>): Promise<void> {
  const all = new Set([...(await readPrivateWithdrawn(folder)), ...samples]);
  await replaceLines(join(folder, PRIVATE_WITHDRAWN), async function* () {
    for (const index of [...all].sort((a, b) => a - b)) yield JSON.stringify({ key: keyOf(index) });
  });
  for (const file of FILES) {
    const path = join(folder, LEDGER[file]);
    await replaceLines(path, async function* () {
      for await (const line of wholeLines(path)) if (!samples.has(indexOf(line, path))) yield line;
    });
  }
  await syncFolder(folder);
}

/** The text of a file of a private directory; undefined when there is none. */
export async function readPrivateText(folder: string, name: string): Promise<string | undefined> {
  return readFile(join(folder, name), 'utf8').catch(() => undefined);
}

/** Writes a file of a private directory, at once. @throws OutputError */
export async function writePrivateText(folder: string, name: string, text: string): Promise<void> {
  await writeFileAtomic(join(folder, name), text, 0o600);
}

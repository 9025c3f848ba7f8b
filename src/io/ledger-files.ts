import { rename, rm } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { asOutputError, syncFolder, withFile } from './atomic.ts';
import { LEDGER, type LedgerFile, privatePath } from './private-files.ts';
import { privateLines } from './private-lines.ts';
import { publicReason } from './records.ts';
import { NUMBERED, type SampleKeys } from './sample-keys.ts';
import { type SampleStates, whyRejected } from './sample-states.ts';
import type { Seal } from './seal.ts';
import type { SampleOrigin } from './source.ts';

const FILES = Object.keys(LEDGER) as LedgerFile[];
const CHUNK = 1 << 20;

/** Index of the sample that a line speaks of. */
export function indexOf(line: string, path: string, keys: SampleKeys = NUMBERED): number {
  const key = /^\{"key":"([\d_]{9,40})"/.exec(line)?.[1];
  const index = key === undefined ? undefined : keys.indexOf(key);
  if (index === undefined) throw new UsageError(`Expected lines of a private log in ${path} but received another text`);
  return index;
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
 * @param seal of a directory that is encrypted.
 * @throws UsageError at the first sample that comes from elsewhere.
 */
export async function readLedger(
  folder: string,
  total: number,
  originOf: (index: number) => SampleOrigin,
  files: readonly LedgerFile[] = FILES,
  seal?: Seal,
  keys?: SampleKeys,
): Promise<LedgerIndex> {
  const ledger = new LedgerIndex(total);
  for (const file of files) {
    const path = privatePath(folder, LEDGER[file], seal !== undefined);
    for await (const line of privateLines(folder, LEDGER[file], seal)) {
      const index = indexOf(line, path, keys);
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
export async function compactLedger(
  folder: string,
  states: SampleStates,
  seal?: Seal,
  keys?: SampleKeys,
): Promise<number> {
  let last = -1;
  for (const file of FILES) {
    const path = privatePath(folder, LEDGER[file], seal !== undefined);
    const log: Log = { folder, file, path, seal, keys };
    const temporary = `${path}.tmp`;
    try {
      const late = await lateLines(log, states);
      await rm(temporary, { force: true });
      last = Math.max(last, await rewrite(log, temporary, states, late));
      await rename(temporary, path);
    } catch (error) {
      throw error instanceof UsageError ? error : asOutputError(path, error);
    }
  }
  await syncFolder(folder);
  return last;
}

interface Log {
  readonly folder: string;
  readonly file: LedgerFile;
  readonly path: string;
  readonly seal: Seal | undefined;
  readonly keys: SampleKeys | undefined;
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
async function lateLines({ folder, file, path, seal, keys }: Log, states: SampleStates): Promise<Map<number, string>> {
  const late = new Map<number, string>();
  let last = -1;
  for await (const line of privateLines(folder, LEDGER[file], seal)) {
    const index = indexOf(line, path, keys);
    if (index > last) last = index;
    else if (isValid(file, index, line, states)) late.set(index, line);
  }
  return new Map([...late].sort(([a], [b]) => a - b));
}

async function rewrite(
  { folder, file, path, seal, keys }: Log,
  temporary: string,
  states: SampleStates,
  late: Map<number, string>,
): Promise<number> {
  return withFile(
    temporary,
    'wx',
    async (handle) => {
      let last = -1;
      let text = '';
      const flush = async (): Promise<void> => {
        if (text !== '') await handle.writeFile(seal ? await seal.seal(text) : text);
        text = '';
      };
      const put = async (index: number, line: string): Promise<void> => {
        last = index;
        text += `${line}\n`;
        if (text.length >= CHUNK) await flush();
      };
      const putLate = async (before: number): Promise<void> => {
        for (const [index, line] of late) {
          if (index >= before) break;
          late.delete(index);
          await put(index, line);
        }
      };
      let seen = -1;
      for await (const line of privateLines(folder, LEDGER[file], seal)) {
        const index = indexOf(line, path, keys);
        if (index <= seen) continue;
        seen = index;
        await putLate(index);
        if (!late.has(index) && isValid(file, index, line, states)) await put(index, line);
      }
      await putLate(Infinity);
      await flush();
      await handle.sync();
      return last;
    },
    0o600,
  );
}

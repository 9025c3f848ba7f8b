import { chmod, type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedOutcome, RejectedOutcome } from '../core/outcome.ts';
import { allSteps, asOutputError, makeFolder } from './atomic.ts';
import { jsonLines } from './records.ts';
import type { SampleOrigin } from './source.ts';

const FILES = { sources: 'sources.jsonl', detections: 'detections.jsonl', quarantine: 'quarantine.jsonl' } as const;
type FileKey = keyof typeof FILES;

/** Every name that a private directory may have. */
export const LEDGER_FILES: readonly string[] = Object.values(FILES);

/** What the private directory keeps of one sample. */
export interface LedgerEntry {
  readonly key: string;
  readonly origin: SampleOrigin;
  readonly outcome: Pick<PublishedOutcome, 'status' | 'detections'> | RejectedOutcome;
}

function linesOf(entries: readonly LedgerEntry[]): Record<FileKey, string> {
  const sources: unknown[] = [];
  const detections: unknown[] = [];
  const quarantine: unknown[] = [];
  for (const { key, origin, outcome } of entries) {
    const source = { key, source: origin.path, ...(origin.member === undefined ? {} : { member: origin.member }) };
    sources.push(source);
    if (outcome.status === 'verified') {
      detections.push({ key, detections: outcome.detections });
    } else {
      const { status, stage, reason, message } = outcome;
      quarantine.push({ ...source, status, stage, reason, message });
    }
  }
  return { sources: jsonLines(sources), detections: jsonLines(detections), quarantine: jsonLines(quarantine) };
}

/**
 * The private directory (0700, files 0600): which sample came from where, what the detectors saw,
 * why samples were held back. Grows by whole shards; a shard that fails is cut off again.
 */
export class Ledger {
  readonly #folder: string;
  readonly #files: ReadonlyMap<FileKey, FileHandle>;
  /** Bytes of whole shards per file. */
  readonly #lengths = new Map<FileKey, number>();

  /** @throws OutputError */
  static async create(folder: string): Promise<Ledger> {
    await makeFolder(folder, 0o700);
    const files = new Map<FileKey, FileHandle>();
    try {
      await chmod(folder, 0o700);
      for (const [key, name] of Object.entries(FILES))
        files.set(key as FileKey, await open(join(folder, name), 'ax', 0o600));
    } catch (error) {
      for (const file of files.values()) await file.close();
      throw asOutputError(folder, error);
    }
    return new Ledger(folder, files);
  }

  private constructor(folder: string, files: ReadonlyMap<FileKey, FileHandle>) {
    this.#folder = folder;
    this.#files = files;
  }

  /** Appends a shard and flushes it; `commit` or `rollback` must follow. @throws OutputError */
  async append(entries: readonly LedgerEntry[]): Promise<void> {
    const lines = linesOf(entries);
    for (const [key, file] of this.#files) {
      try {
        await file.writeFile(lines[key]);
        await file.sync();
      } catch (error) {
        throw asOutputError(join(this.#folder, FILES[key]), error);
      }
    }
  }

  /** The appended shard is published. */
  async commit(): Promise<void> {
    for (const [key, file] of this.#files) this.#lengths.set(key, (await file.stat()).size);
  }

  /** Cuts off what was appended since the last `commit`. */
  async rollback(): Promise<void> {
    await allSteps(
      ...[...this.#files].map(
        ([key, file]) =>
          () =>
            file.truncate(this.#lengths.get(key) ?? 0),
      ),
    );
  }

  async close(): Promise<void> {
    await allSteps(...[...this.#files.values()].map((file) => () => file.close()));
  }

  /** Closes and deletes the files: the run did not begin. */
  async remove(): Promise<void> {
    await this.close();
    for (const name of LEDGER_FILES) await rm(join(this.#folder, name), { force: true });
  }
}

import { chmod, type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome, PublishedOutcome, RejectedOutcome } from '../core/outcome.ts';
import { allSteps, asOutputError, makeFolder, syncFolder, writeFileAtomic } from './atomic.ts';
import { compactLedger } from './ledger-files.ts';
import { FOLDER_KEY, LEDGER, type LedgerFile, PRIVATE_FILES, privatePath } from './private-files.ts';
import { jsonLines } from './records.ts';
import type { SampleKeys } from './sample-keys.ts';
import type { SampleStates } from './sample-states.ts';
import type { Seal } from './seal.ts';
import type { SinkSample } from './shard.ts';
import type { SampleOrigin } from './source.ts';
import { type StoredKept, storedKept } from './stored-kept.ts';

/** What the private directory keeps of one sample. */
export interface LedgerEntry {
  readonly index: number;
  readonly key: string;
  readonly origin: SampleOrigin;
  /** What the image is called in a folder of outputs. */
  readonly name: string;
  readonly cls?: string;
  readonly listedKey?: string;
  readonly kept?: StoredKept;
  readonly outcome: Pick<PublishedOutcome, 'status' | 'detections' | 'labels' | 'sourceSha256'> | RejectedOutcome;
}

/** Without the image: logs are kept in memory for a while, pixels are not. */
export function ledgerEntry(
  key: string,
  { index, origin, relativePath, cls, listedKey, kept }: SinkSample,
  outcome: Outcome,
): LedgerEntry {
  return {
    index,
    key,
    origin,
    name: relativePath,
    ...(cls === undefined ? {} : { cls }),
    ...(listedKey === undefined ? {} : { listedKey }),
    ...(kept === undefined || outcome.status !== 'verified' ? {} : { kept: storedKept(kept) }),
    outcome: withoutBytes(outcome),
  };
}

function withoutBytes(outcome: Outcome): LedgerEntry['outcome'] {
  if (outcome.status !== 'verified') return outcome;
  const { status, detections, labels, sourceSha256 } = outcome;
  return { status, detections, ...(labels ? { labels } : {}), ...(sourceSha256 === undefined ? {} : { sourceSha256 }) };
}

function linesOf(entries: readonly LedgerEntry[]): Record<LedgerFile, string> {
  const sources: unknown[] = [];
  const detections: unknown[] = [];
  const quarantine: unknown[] = [];
  for (const { key, origin, name, cls, listedKey, kept, outcome } of entries) {
    const source = { key, source: origin.path, ...(origin.member === undefined ? {} : { member: origin.member }) };
    const sha256 = outcome.status === 'verified' ? outcome.sourceSha256 : undefined;
    sources.push({
      ...source,
      name,
      ...(cls === undefined ? {} : { cls }),
      ...(listedKey === undefined ? {} : { listed_key: listedKey }),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(kept === undefined ? {} : { kept }),
    });
    if (outcome.status === 'verified') {
      const { labels } = outcome;
      detections.push({ key, detections: outcome.detections, ...(labels ? { labels } : {}) });
    } else {
      const { status, stage, reason, message } = outcome;
      quarantine.push({ ...source, status, stage, reason, message });
    }
  }
  return { sources: jsonLines(sources), detections: jsonLines(detections), quarantine: jsonLines(quarantine) };
}

/**
 * The private directory (0700, files 0600): which sample came from where, what the detectors saw,
 * why samples were held back. Grows by whole shards; a shard that fails is cut off again. Samples that
 * are done again are appended, too, and find their place when the run is finished.
 */
export class Ledger {
  readonly #folder: string;
  readonly #seal: Seal | undefined;
  readonly #keys: SampleKeys | undefined;
  readonly #files: ReadonlyMap<LedgerFile, FileHandle>;
  /** Bytes of whole shards per file. */
  readonly #lengths = new Map<LedgerFile, number>();
  #last: number;
  #isOrdered = true;

  /** @param seal encrypts everything. @throws OutputError */
  static async create(folder: string, seal?: Seal): Promise<Ledger> {
    await makeFolder(folder, 0o700);
    // A run that was killed before it had written anything leaves empty files.
    for (const name of PRIVATE_FILES) await rm(join(folder, name), { force: true });
    if (seal) await writeFileAtomic(join(folder, FOLDER_KEY), seal.folderKey, 0o600);
    return Ledger.#open(folder, 'ax', -1, seal);
  }

  /** Opens the directory of an earlier run, with lines of samples that are done only. @throws OutputError */
  static async reopen(folder: string, states: SampleStates, seal?: Seal, keys?: SampleKeys): Promise<Ledger> {
    await makeFolder(folder, 0o700);
    return Ledger.#open(folder, 'a', await compactLedger(folder, states, seal, keys), seal, keys);
  }

  static async #open(
    folder: string,
    flags: string,
    last: number,
    seal: Seal | undefined,
    keys?: SampleKeys,
  ): Promise<Ledger> {
    const files = new Map<LedgerFile, FileHandle>();
    try {
      await chmod(folder, 0o700);
      for (const [key, name] of Object.entries(LEDGER))
        files.set(key as LedgerFile, await open(privatePath(folder, name, seal !== undefined), flags, 0o600));
      await syncFolder(folder);
      const ledger = new Ledger(folder, files, last, seal, keys);
      await ledger.commit();
      return ledger;
    } catch (error) {
      for (const file of files.values()) await file.close();
      throw asOutputError(folder, error);
    }
  }

  private constructor(
    folder: string,
    files: ReadonlyMap<LedgerFile, FileHandle>,
    last: number,
    seal: Seal | undefined,
    keys: SampleKeys | undefined,
  ) {
    this.#folder = folder;
    this.#seal = seal;
    this.#keys = keys;
    this.#files = files;
    this.#last = last;
  }

  /** Appends a shard and flushes it; `commit` or `rollback` must follow. @throws OutputError */
  async append(entries: readonly LedgerEntry[]): Promise<void> {
    for (const { index } of entries) {
      if (index <= this.#last) this.#isOrdered = false;
      this.#last = Math.max(this.#last, index);
    }
    const lines = linesOf(entries);
    for (const [key, file] of this.#files) {
      try {
        await file.writeFile(lines[key] === '' || !this.#seal ? lines[key] : await this.#seal.seal(lines[key]));
        await file.sync();
      } catch (error) {
        throw asOutputError(join(this.#folder, LEDGER[key]), error);
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

  /** Closes the files of a run in which every sample is done, in the order of the samples. @throws OutputError */
  async finish(states: SampleStates): Promise<void> {
    await this.close();
    if (!this.#isOrdered) await compactLedger(this.#folder, states, this.#seal, this.#keys);
  }

  /** Closes and deletes the files: the run did not begin. */
  async remove(): Promise<void> {
    await this.close();
    for (const name of PRIVATE_FILES) await rm(join(this.#folder, name), { force: true });
  }
}

import type { PublishedOutcome, RedactionRecord, VerifiedRecord } from '../core/outcome.ts';
import type { WrittenFile } from './atomic.ts';
import type { Sample } from './source.ts';

/** What a sink needs to know of a sample. */
export type SinkSample = Pick<Sample, 'index' | 'origin' | 'relativePath' | 'cls' | 'listedKey' | 'kept'>;

/** One line of the shard's tables, for a published sample or a rejected one. */
export interface ShardRow {
  readonly record: RedactionRecord;
  readonly cls?: string;
}

/** Of a withdrawn sample, not even the label is told. */
export function rowOf(record: RedactionRecord, { cls }: Pick<SinkSample, 'cls'>): ShardRow {
  return { record, ...(cls === undefined || record.status === 'withdrawn' ? {} : { cls }) };
}

/** What the shards of a run have when it is asked for. */
export interface ShardExtras {
  /** A column of source ids in the table. */
  readonly sourceIds?: boolean;
  /** An index for DALI beside each tar. */
  readonly daliIndex?: boolean;
}

/** The files of one shard while it is being written. Nothing is at a final name before `publish`. */
export interface Shard {
  /** What is being written, for messages. */
  readonly path: string;
  /** Stages a published sample. Returns its record as the log will show it. */
  add(key: string, sample: SinkSample, outcome: PublishedOutcome): Promise<VerifiedRecord>;
  /** Stages a sample that the shard of this name has published before, as it is there. */
  keep(sample: SinkSample, record: VerifiedRecord): Promise<void>;
  /** Takes note of a sample that will not be published. */
  skip(sample: SinkSample): void;
  /** Flushes and re-reads what was staged. */
  verify(): Promise<void>;
  /** Moves the verified files to their final names; what had these names is not whole from here on. */
  publish(): Promise<readonly WrittenFile[]>;
  /** Writes the tables, the one that says that the shard is whole last. Returns those that have checksums. */
  seal(rows: readonly ShardRow[]): Promise<readonly WrittenFile[]>;
  /** Removes every file of this shard, staged or published. */
  discard(): Promise<void>;
}

/** How the shards of a run are laid out. `name` is what the files of a shard are called. */
export interface ShardFormat {
  open(name: string): Promise<Shard>;
  /** The file that is written last, below the output folder. */
  markerOf(name: string): string;
  /**
   * Reads a shard with all its files again.
   * @param rows from its redaction log.
   * @returns the files that have checksums.
   * @throws Error saying what is not as it was written.
   */
  check(name: string, rows: readonly ShardRow[]): Promise<readonly WrittenFile[]>;
  /** Takes note of the names that a published sample of an earlier run has. */
  adopt(sample: SinkSample, record: VerifiedRecord): void;
  /** Takes note of a sample that an earlier run has not published. */
  passOver(sample: SinkSample): void;
  /** Files that tell of all shards, below the output folder. */
  readonly closing: readonly string[];
  /** Writes them, once every shard is whole. @param names of all shards. @returns those that have checksums. */
  close(names: Iterable<string>, at: (index: number) => SinkSample): Promise<readonly WrittenFile[]>;
}

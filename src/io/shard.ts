import type { PublishedOutcome, RedactionRecord, VerifiedRecord } from '../core/outcome.ts';
import type { WrittenFile } from './atomic.ts';
import type { Sample } from './source.ts';

/** What a sink needs to know of a sample. */
export type SinkSample = Pick<Sample, 'index' | 'origin' | 'relativePath' | 'cls'>;

/** One line of the shard's tables, for a published sample or a rejected one. */
export interface ShardRow {
  readonly record: RedactionRecord;
  readonly cls?: string;
}

/** The files of one shard while it is being written. Nothing is at a final name before `publish`. */
export interface Shard {
  /** What is being written, for messages. */
  readonly path: string;
  /** Stages a published sample. Returns its record as the log will show it. */
  add(key: string, sample: SinkSample, outcome: PublishedOutcome): Promise<VerifiedRecord>;
  /** Takes note of a sample that will not be published. */
  skip(sample: SinkSample): void;
  /** Flushes and re-reads what was staged. */
  verify(): Promise<void>;
  /** Moves the verified files to their final names. */
  publish(): Promise<readonly WrittenFile[]>;
  /** Writes the tables; the last file says that the shard is whole. */
  seal(rows: readonly ShardRow[]): Promise<readonly WrittenFile[]>;
  /** Removes every file of this shard, staged or published. */
  discard(): Promise<void>;
}

/** Makes the shard of this number; `name` is what its files are called. */
export type ShardFactory = (name: string) => Promise<Shard>;

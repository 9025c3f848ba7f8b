import type { Outcome, RedactionRecord } from '../core/outcome.ts';
import type { ImageFormat } from '../core/types.ts';
import type { OutputChoice } from './output-folder.ts';
import type { PrivateRun } from './private-run.ts';
import type { SampleKeys } from './sample-keys.ts';
import type { Seal } from './seal.ts';
import type { SinkSample } from './shard.ts';
import type { ListedSample } from './source.ts';

export interface SinkItem {
  readonly sample: SinkSample;
  readonly outcome: Outcome;
}

/** Where outcomes go. Shards are published whole or not at all. */
export interface Sink {
  /** What there is to say about an earlier run that goes on, one sentence each. */
  readonly notices: readonly string[];
  /** False for a sample that an earlier run has done; it must not be written. */
  wants(index: number): boolean;
  /**
   * Takes the next outcome; one call at a time, strictly in order of index.
   *
   * @returns the public record of the sample.
   * @throws OutputError; the shard at hand is removed then, and only `abort` may follow.
   */
  write(item: SinkItem): Promise<RedactionRecord>;
  /** Publishes the last shard, the checksums and the closing state of the run. @throws OutputError */
  finish(run: Record<string, unknown>): Promise<void>;
  /** Removes the shard at hand; whole shards stay. Does nothing after `finish`. */
  abort(status: 'interrupted' | 'failed'): Promise<void>;
}

export interface SinkOptions extends OutputChoice {
  readonly format: 'webdataset' | 'folder';
  readonly samplesPerShard: number;
  /** Samples of the whole run. */
  readonly total: number;
  /** Samples that an earlier run could not publish are done again. */
  readonly retryFailed: boolean;
  /** Every sample has a class index. */
  readonly hasCls: boolean;
  /** Extensions of what every sample has besides its image, record and class index, sorted; default none. */
  readonly keptMembers?: readonly string[];
  readonly encode: 'keep' | ImageFormat;
  /** Public settings of the run, for run.json. */
  readonly run: Record<string, unknown>;
  /** How detections are made, for the private folder; absent, it does not tell. */
  readonly privateRun?: PrivateRun;
  /** Encrypts the private folder. */
  readonly seal?: Seal | undefined;
  /** Of the ids that the records have; it is kept in the private folder. */
  readonly sourceIdKey?: string | undefined;
  /** An index for DALI beside each tar. */
  readonly daliIndex?: boolean;
  /** `metadata.jsonl` in a folder of images. */
  readonly hfMetadata?: boolean;
  /** What is known of a sample without reading it. */
  readonly at: (index: number) => ListedSample;
  /** What samples are called; default by their numbers. */
  readonly keys?: SampleKeys;
}

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Outcome } from '../core/outcome.ts';
import type { ImageFormat } from '../core/types.ts';
import { makeFolder } from './atomic.ts';
import { folderShards } from './folder-sink.ts';
import { Ledger } from './ledger.ts';
import { clearOutput } from './output-folder.ts';
import { LOG_FOLDER, RunLog } from './run-log.ts';
import type { SinkSample } from './shard.ts';
import { ShardedSink } from './sharded-sink.ts';
import { webdatasetShards } from './webdataset-sink.ts';

export interface SinkItem {
  readonly sample: SinkSample;
  readonly outcome: Outcome;
}

/** Where outcomes go. Shards are published whole or not at all. */
export interface Sink {
  /**
   * Takes the next outcome; one call at a time, strictly in order of index.
   *
   * @throws OutputError; the shard at hand is removed then, and only `abort` may follow.
   */
  write(item: SinkItem): Promise<void>;
  /** Publishes the last shard, the checksums and the closing state of the run. @throws OutputError */
  finish(run: Record<string, unknown>): Promise<void>;
  /** Removes the shard at hand; whole shards stay. Does nothing after `finish`. */
  abort(status: 'interrupted' | 'failed'): Promise<void>;
}

export interface SinkOptions {
  readonly format: 'webdataset' | 'folder';
  readonly out: string;
  readonly privateDir: string;
  readonly samplesPerShard: number;
  /** Samples of the whole run. */
  readonly total: number;
  readonly overwrite: boolean;
  /** Every sample has a class index. */
  readonly hasCls: boolean;
  readonly encode: 'keep' | ImageFormat;
  /** Public settings of the run, for run.json. */
  readonly run: Record<string, unknown>;
}

/**
 * Prepares the output and the private folder. Nothing is created or removed before all is checked.
 *
 * @throws UsageError when the folders are in use; OutputError when they cannot be written.
 */
export async function openSink(options: SinkOptions): Promise<Sink> {
  const out = resolve(options.out);
  const privateDir = resolve(options.privateDir);
  await clearOutput(out, privateDir, options.overwrite);
  // The private folder first: no output without the log of where it came from.
  const ledger = await Ledger.create(privateDir);
  try {
    await makeFolder(out);
    const log = await RunLog.create(out, { ...options.run, format: options.format });
    const shards = options.format === 'folder' ? folderShards(out) : webdatasetShards(out, options.hasCls);
    return new ShardedSink(options, out, ledger, log, shards);
  } catch (error) {
    await Promise.allSettled([rm(join(out, LOG_FOLDER), { recursive: true, force: true }), ledger.remove()]);
    throw error;
  }
}

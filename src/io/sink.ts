import { rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Outcome, RedactionRecord } from '../core/outcome.ts';
import type { ImageFormat } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { folderShards } from './folder-sink.ts';
import { Ledger } from './ledger.ts';
import { type LedgerFile, type LedgerIndex, readLedger } from './ledger-files.ts';
import { removeLeftovers } from './leftovers.ts';
import { OutputLock } from './lock.ts';
import { checkOutput, clearOutput, inspectOutput, type OutputChoice } from './output-folder.ts';
import { type PrivateRun, readPrivateRun, writePrivateRun } from './private-run.ts';
import { assertKnown, type EarlierOutput, markedShards, reviewShards } from './review.ts';
import { LOG_FOLDER, RunLog } from './run-log.ts';
import { SampleStates } from './sample-states.ts';
import { differingSettings } from './settings.ts';
import type { SinkSample } from './shard.ts';
import { readShardLog } from './shard-log.ts';
import { ShardPlan } from './shard-plan.ts';
import { ShardedSink } from './sharded-sink.ts';
import type { ListedSample, SampleOrigin } from './source.ts';
import { webdatasetShards } from './webdataset-sink.ts';

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
  /** What is known of a sample without reading it. */
  readonly at: (index: number) => ListedSample;
}

export interface OpenHooks {
  /** Gets the record of every sample that an earlier run has done, in order. */
  readonly onKept?: (record: RedactionRecord) => void;
  /** Ends the review of an earlier run. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at what is in the output and the private folder, and whether it is of this very run. Changes nothing.
 *
 * @returns `complete` when an earlier run has done all that this one would do.
 * @throws UsageError when the folders are in use by something else.
 */
export async function surveyOutput(options: SinkOptions): Promise<'new' | 'unfinished' | 'complete'> {
  const state = await checkOutput(options);
  if (state.kind !== 'earlier') return 'new';
  const earlier = earlierOutput(options);
  const ledger = await assertSameRun(options, state.run, ['sources']);
  const marked = await markedShards(earlier);
  for (const name of marked) {
    const { plan } = earlier;
    const shard = Number(name);
    for (let i = plan.startOf(shard); i < plan.endOf(shard); i++) assertKnown(earlier, ledger, i, 'sources');
  }
  const isWhole = state.run.status === 'finished' && marked.size === earlier.plan.count;
  return isWhole && !(options.retryFailed && state.run.published !== options.total) ? 'complete' : 'unfinished';
}

/** The records of an output that is complete, in order. @throws UsageError when its log was changed. */
export async function* completeRecords(options: SinkOptions): AsyncGenerator<RedactionRecord> {
  const { out, plan } = earlierOutput(options);
  for (const name of plan.names()) {
    try {
      yield* await readShardLog(out, name);
    } catch (error) {
      const { message } = error as Error;
      throw new UsageError(`Expected the redaction log of a finished run in ${out} but of shard ${name} ${message}`, {
        cause: error,
      });
    }
  }
}

/**
 * Prepares the output and the private folder, or goes on with those of an earlier run. Nothing is created
 * or removed before all is checked, but for the lock.
 *
 * @throws UsageError when the folders are in use; OutputError when they cannot be written; the reason of
 * `hooks.signal` when it is aborted.
 */
export async function openSink(options: SinkOptions, hooks: OpenHooks = {}): Promise<Sink> {
  const out = resolve(options.out);
  await checkOutput(options);
  const lock = await OutputLock.acquire(out);
  try {
    // Only now does nobody else change it.
    const state = await inspectOutput(options);
    if (state.kind === 'earlier') return await resumeSink(options, state.run, lock, hooks);
    if (state.kind === 'replaced') await clearOutput(out, state.paths);
    return await newSink(options, lock);
  } catch (error) {
    await lock.release().catch(() => undefined);
    // Only when nothing else is in it: it was made for the lock.
    await rmdir(join(out, LOG_FOLDER)).catch(() => undefined);
    throw error;
  }
}

async function newSink(options: SinkOptions, lock: OutputLock): Promise<Sink> {
  const { out, plan, format, privateDir } = earlierOutput(options);
  // The private folder first: no output without the log of where it came from.
  const ledger = await Ledger.create(privateDir);
  try {
    await removeLeftovers(out, plan, new Map());
    const log = await RunLog.create(out, settingsOf(options));
    if (options.privateRun) await writePrivateRun(privateDir, options.privateRun);
    const states = new SampleStates(plan.total);
    return new ShardedSink(options, { out, plan, format, lock, ledger, log, states }, []);
  } catch (error) {
    await Promise.allSettled([rm(join(out, LOG_FOLDER), { recursive: true, force: true }), ledger.remove()]);
    throw error;
  }
}

async function resumeSink(
  options: SinkOptions,
  run: Readonly<Record<string, unknown>>,
  lock: OutputLock,
  { onKept = () => {}, signal }: OpenHooks,
): Promise<Sink> {
  const earlier = earlierOutput(options);
  const { out, plan, format, privateDir } = earlier;
  const index = await assertSameRun(options, run);
  const isRetried = (record: RedactionRecord): boolean => options.retryFailed && record.status !== 'verified';
  const review = await reviewShards(earlier, index, (record) => isRetried(record) || onKept(record), signal);
  const log = await RunLog.create(out, settingsOf(options));
  await removeLeftovers(out, plan, review.kept).catch((error: unknown) => {
    throw asOutputError(out, error);
  });
  if (options.privateRun) await writePrivateRun(privateDir, options.privateRun);
  const { states } = review;
  const ledger = await Ledger.reopen(privateDir, states);
  if (options.retryFailed) for (const rejected of states.rejected()) states.reset(rejected);
  for (const [name, files] of review.kept) {
    const shard = Number(name);
    // A shard that is written again has other files then.
    if (states.nextToDo(plan.startOf(shard), plan.endOf(shard)) === plan.endOf(shard)) log.commit(files);
  }
  return new ShardedSink(options, { out, plan, format, lock, ledger, log, states }, review.notices);
}

function settingsOf({ run, format, total }: SinkOptions): Record<string, unknown> {
  return { ...run, format, total };
}

function earlierOutput(options: SinkOptions): EarlierOutput {
  const out = resolve(options.out);
  return {
    out,
    privateDir: resolve(options.privateDir),
    plan: new ShardPlan(options),
    format: options.format === 'folder' ? folderShards(out) : webdatasetShards(out, options.hasCls),
    at: options.at,
  };
}

/**
 * Whether the earlier run had these settings, by run.json, and these inputs, by the private folder.
 *
 * @param files of the private folder that are read.
 * @returns what they know.
 * @throws UsageError with the differences.
 */
async function assertSameRun(
  options: SinkOptions,
  earlier: Readonly<Record<string, unknown>>,
  files?: readonly LedgerFile[],
): Promise<LedgerIndex> {
  const { total, ...settings } = settingsOf(options);
  const differences = differingSettings(earlier, settings);
  if (differences.length === 0 && options.privateRun) {
    const before = await readPrivateRun(resolve(options.privateDir));
    const { seed, boxes, corrections } = options.privateRun;
    if (before) differences.push(...differingSettings({ ...before }, { seed, boxes, corrections }));
  }
  if (differences.length > 0) {
    throw new UsageError(
      `Expected the settings of the earlier run in ${options.out} but they differ (earlier → now): ${differences.join('; ')}; --overwrite replaces the earlier output`,
    );
  }
  const originOf = (index: number): SampleOrigin => options.at(index).origin;
  const ledger = await readLedger(resolve(options.privateDir), options.total, originOf, files);
  if (earlier.total !== total) {
    throw new UsageError(
      `Expected the inputs of the earlier run in ${options.out}, ${earlier.total} images, but found ${total}; --overwrite replaces the earlier output`,
    );
  }
  return ledger;
}

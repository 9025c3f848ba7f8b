import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Outcome, RedactionRecord } from '../core/outcome.ts';
import type { ImageFormat } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { Ledger } from './ledger.ts';
import { type LedgerIndex, readLedger } from './ledger-files.ts';
import { removeLeftovers } from './leftovers.ts';
import { assertUnlocked, OutputLock } from './lock.ts';
import { assertNoPartAtWork, checkOutput, clearOutput, inspectOutput, type OutputChoice } from './output-folder.ts';
import { assertNamesApart } from './part-names.ts';
import { assertSameParts } from './part-siblings.ts';
import { placesOf, type RunPlaces, removeEmptyState } from './parts.ts';
import type { LedgerFile } from './private-files.ts';
import { assertOpen } from './private-lines.ts';
import { type PrivateRun, readPrivateRun, writePrivateRun } from './private-run.ts';
import { withdrawnRecord } from './records.ts';
import { assertKnown, type EarlierOutput, markedShards, reviewShards } from './review.ts';
import { RunLog } from './run-log.ts';
import { NUMBERED, type SampleKeys } from './sample-keys.ts';
import { SampleStates } from './sample-states.ts';
import type { Seal } from './seal.ts';
import { differingPrivateRuns, differingSettings } from './settings.ts';
import type { SinkSample } from './shard.ts';
import { shardFormat } from './shard-formats.ts';
import { readShardLog } from './shard-log.ts';
import { ShardPlan } from './shard-plan.ts';
import { ShardedSink } from './sharded-sink.ts';
import type { ListedSample, SampleOrigin } from './source.ts';
import { writeSourceIdKey } from './source-id-key.ts';
import { withdrawnSamples } from './tombstones.ts';
import { assertNoWithdrawal } from './withdrawal.ts';

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
export async function surveyOutput(options: SinkOptions): Promise<'new' | 'unfinished' | 'complete' | 'finalized'> {
  const state = await checkOutput(options);
  await assertSameParts(options);
  if (state.kind === 'finalized') return surveyFinalized(options, state.run);
  if (options.part !== undefined && options.format === 'folder') {
    assertNamesApart({ ...options, part: options.part }, options.at);
  }
  if (state.kind !== 'earlier') return 'new';
  const earlier = await earlierOutput(options);
  const ledger = await assertSameRun(options, state.run, ['sources']);
  const marked = await markedShards(earlier);
  for (const name of marked) {
    const { plan } = earlier;
    const shard = Number(name);
    for (let i = plan.startOf(shard); i < plan.endOf(shard); i++) {
      if (!earlier.withdrawn.has(i)) assertKnown(earlier, ledger, i, 'sources');
    }
  }
  const { shards, firstSample, endSample } = earlier.plan;
  const isWhole = state.run.status === 'finished' && marked.size === shards;
  const { published, withdrawn = 0 } = (options.part === undefined ? state.run : (state.run.result ?? {})) as {
    published?: number;
    withdrawn?: number;
  };
  return isWhole && !(options.retryFailed && (published ?? 0) + withdrawn !== endSample - firstSample)
    ? 'complete'
    : 'unfinished';
}

/** A part of an output that is whole: it must be of the same run. @throws UsageError */
async function surveyFinalized(options: SinkOptions, run: Readonly<Record<string, unknown>>): Promise<'finalized'> {
  const { part: _, ...whole } = options;
  await assertSameRun(whole, run, ['sources']);
  const earlier = await earlierOutput(options);
  if (options.retryFailed || (await markedShards(earlier)).size < earlier.plan.shards) {
    throw new UsageError(
      `Expected an output that is not finalized for --shard-index but ${options.out} is: go on with it without --shard-index`,
    );
  }
  return 'finalized';
}

/** The records of an output that is complete, in order. @throws UsageError when its log was changed. */
export async function* completeRecords(options: SinkOptions): AsyncGenerator<RedactionRecord> {
  const { out, plan } = await earlierOutput(options);
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
  const places = placesOf(resolve(options.privateDir), options.part);
  const lock = await OutputLock.acquire(out, places.lockFile);
  try {
    // Both sides take their lock before they look for that of the other.
    await (options.part === undefined ? assertNoPartAtWork(out) : assertUnlocked(out));
    if (options.part !== undefined) assertOpen(resolve(options.privateDir), options.seal);
    await assertSameParts(options);
    // Only now does nobody else change it.
    const state = await inspectOutput(options);
    if (state.kind === 'earlier') return await resumeSink(options, state.run, lock, hooks);
    if (state.kind === 'finalized') throw new UsageError(`Expected parts of a run in ${out} but it was finalized`);
    if (state.kind === 'replaced') await clearOutput(out, state.paths);
    return await newSink(options, lock);
  } catch (error) {
    await lock.release().catch(() => undefined);
    // Only when nothing else is in it: it was made for the lock.
    await removeEmptyState(out, places);
    throw error;
  }
}

async function newSink(options: SinkOptions, lock: OutputLock): Promise<Sink> {
  const { out, plan, format, privateDir, places } = await earlierOutput(options);
  // The private folder first: no output without the log of where it came from.
  const { seal, sourceIdKey } = options;
  const ledger = await Ledger.create(privateDir, seal);
  try {
    // Parts share the key that lies in the private folder of the run.
    if (sourceIdKey !== undefined && options.part === undefined) {
      await writeSourceIdKey(privateDir, sourceIdKey, seal);
    }
    await removeLeftovers(out, plan, new Map(), places.stateFolder);
    const log = await RunLog.create(out, stateOf(options), places.runFile);
    if (options.privateRun) await writePrivateRun(privateDir, options.privateRun, seal);
    const states = new SampleStates(plan);
    return new ShardedSink(options, { out, plan, format, lock, ledger, log, states, whole: new Set() }, []);
  } catch (error) {
    await Promise.allSettled([rm(join(out, places.stateFolder), { recursive: true, force: true }), ledger.remove()]);
    throw error;
  }
}

async function resumeSink(
  options: SinkOptions,
  run: Readonly<Record<string, unknown>>,
  lock: OutputLock,
  { onKept = () => {}, signal }: OpenHooks,
): Promise<Sink> {
  const earlier = await earlierOutput(options);
  const { out, plan, format, privateDir, places, withdrawn, keys = NUMBERED } = earlier;
  const index = await assertSameRun(options, run);
  const isRetried = ({ status }: RedactionRecord): boolean =>
    options.retryFailed && status !== 'verified' && status !== 'withdrawn';
  const review = await reviewShards(earlier, index, (record) => isRetried(record) || onKept(record), signal);
  for (const index of [...withdrawn].sort((a, b) => a - b)) {
    const isOurs = index >= plan.firstSample && index < plan.endSample;
    // The records of whole shards are told already.
    if (isOurs && !review.kept.has(plan.nameOf(plan.shardOf(index)))) onKept(withdrawnRecord(keys.keyOf(index)));
  }
  const log = await RunLog.create(out, stateOf(options), places.runFile);
  const closing = options.part === undefined ? format.closing : [];
  await removeLeftovers(out, plan, review.kept, places.stateFolder, closing).catch((error: unknown) => {
    throw asOutputError(out, error);
  });
  if (options.privateRun) await writePrivateRun(privateDir, options.privateRun, options.seal);
  const { states } = review;
  const ledger = await Ledger.reopen(privateDir, states, options.seal, options.keys);
  if (options.retryFailed) for (const rejected of states.rejected()) states.reset(rejected);
  for (const [name, files] of review.kept) {
    const shard = Number(name);
    // A shard that is written again has other files then.
    if (states.nextToDo(plan.startOf(shard), plan.endOf(shard)) === plan.endOf(shard)) log.commit(files);
  }
  return new ShardedSink(options, { out, plan, format, lock, ledger, log, states, whole: review.kept }, review.notices);
}

function settingsOf({ run, format, total }: SinkOptions): Record<string, unknown> {
  return { ...run, format, total };
}

/** What run.json tells from the beginning on. */
function stateOf(options: SinkOptions): Record<string, unknown> {
  const { part } = options;
  return { ...settingsOf(options), ...(part ? { part } : {}) };
}

async function earlierOutput(options: SinkOptions): Promise<EarlierOutput & { readonly places: RunPlaces }> {
  const out = resolve(options.out);
  const places = placesOf(resolve(options.privateDir), options.part);
  return {
    out,
    places,
    privateDir: places.privateDir,
    plan: new ShardPlan(options),
    format: shardFormat(out, { ...options, sourceIds: options.sourceIdKey !== undefined }, options.hasCls),
    at: options.at,
    keys: options.keys,
    withdrawn: await withdrawnSamples(out, resolve(options.privateDir), options.seal),
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
  await assertNoWithdrawal(resolve(options.privateDir), earlier);
  const { total, ...settings } = settingsOf(options);
  const differences = differingSettings(earlier, settings);
  const { privateDir } = placesOf(resolve(options.privateDir), options.part);
  if (differences.length === 0 && options.privateRun) {
    const before = await readPrivateRun(privateDir, options.seal);
    if (before) differences.push(...differingPrivateRuns(before, options.privateRun));
  }
  if (differences.length > 0) {
    throw new UsageError(
      `Expected the settings of the earlier run in ${options.out} but they differ (earlier → now): ${differences.join('; ')}; --overwrite replaces the earlier output`,
    );
  }
  const originOf = (index: number): SampleOrigin => options.at(index).origin;
  const ledger = await readLedger(privateDir, options.total, originOf, files, options.seal, options.keys);
  if (earlier.total !== total) {
    throw new UsageError(
      `Expected the inputs of the earlier run in ${options.out}, ${earlier.total} images, but found ${total}; --overwrite replaces the earlier output`,
    );
  }
  return ledger;
}

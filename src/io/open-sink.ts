import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { asOutputError } from './atomic.ts';
import { assertSameRun, earlierOutput, settingsOf } from './earlier-run.ts';
import { Ledger } from './ledger.ts';
import { removeLeftovers } from './leftovers.ts';
import { assertUnlocked, OutputLock } from './lock.ts';
import { assertNoPartAtWork, checkOutput, clearOutput, inspectOutput } from './output-folder.ts';
import { assertSameParts } from './part-siblings.ts';
import { placesOf, removeEmptyState } from './parts.ts';
import { assertOpen } from './private-lines.ts';
import { writePrivateRun } from './private-run.ts';
import { withdrawnRecord } from './records.ts';
import { reviewShards } from './review.ts';
import { RunLog } from './run-log.ts';
import { NUMBERED } from './sample-keys.ts';
import { SampleStates } from './sample-states.ts';
import { ShardedSink } from './sharded-sink.ts';
import type { Sink, SinkOptions } from './sink.ts';
import { writeSourceIdKey } from './source-id-key.ts';

export interface OpenHooks {
  /** Gets the record of every sample that an earlier run has done, in order. */
  readonly onKept?: (record: RedactionRecord) => void;
  /** Ends the review of an earlier run. */
  readonly signal?: AbortSignal | undefined;
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

/** What run.json tells from the beginning on. */
function stateOf(options: SinkOptions): Record<string, unknown> {
  const { part } = options;
  return { ...settingsOf(options), ...(part ? { part } : {}) };
}

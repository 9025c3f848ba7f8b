import { chmod, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import { makeFolder } from '../../io/atomic.ts';
import { OutputLock } from '../../io/lock.ts';
import { checkOutput, clearOutput, inspectOutput } from '../../io/output-folder.ts';
import { LOG_FOLDER, RunLog } from '../../io/run-log.ts';
import { differingSettings } from '../../io/settings.ts';
import { completeRecords, openSink, type Sink, type SinkOptions, surveyOutput } from '../../io/sink.ts';
import { prepareJob } from '../../prepare.ts';
import { publicResult, RecordCounts } from '../../record-counts.ts';
import { findFfmpeg } from '../../video/tools.ts';
import { WorkerPool } from '../../worker/pool.ts';
import type { ListedClip, ListedClips } from '../list.ts';
import { detectingJob, noticesOf } from '../settings.ts';
import { type FrameParts, redactClips } from './clips.ts';
import { type ClipFrames, type FramePlan, planOf, readPlan, writePlan } from './plan.ts';
import { ClipsProgress, type FrameRunProgress } from './progress.ts';
import { publishFrames } from './publish.ts';
import { FrameSamples } from './samples.ts';
import { type FrameConfig, framePolicy, frameSettings, refuseOptions, withFormat } from './settings.ts';

/** After so long, a worker that has not finished a segment counts as hanging; every frame has its own limit. */
const GIVE_UP_SECONDS = 3600;
const BEAT_MS = 250;

export interface FrameRunSummary {
  readonly status: 'finished' | 'interrupted';
  readonly clips: number;
  /** Clips of which nothing is published. */
  readonly rejected: number;
  /** Images that are published. */
  readonly frames: number;
  /** Those of them that an earlier run has published. */
  readonly kept: number;
  /** Nothing was left to do. */
  readonly isComplete: boolean;
  readonly regions: Readonly<Record<ClassName, number>>;
  /** Images with at least one region of the class. */
  readonly images: Readonly<Record<ClassName, number>>;
  /** Regions that were blurred because they could not be replaced. */
  readonly standIns: Readonly<Record<ClassName, number>>;
  /** Clips that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly device: readonly string[];
  readonly workers: number;
  readonly seconds: number;
  readonly out: string;
  readonly privateDir: string;
}

export interface FrameRunHooks {
  /** Aborting ends the run as `interrupted`; whole segments and shards are kept. */
  readonly signal?: AbortSignal;
  readonly onStart?: (start: Pick<FrameRunSummary, 'clips' | 'workers' | 'device' | 'notices'>) => void;
  readonly onProgress?: (progress: FrameRunProgress) => void;
}

/**
 * Publishes chosen frames of clips as images, redacted with what the tracks of the whole clip say: two passes over every
 * clip, whose images wait in the private folder, then the shards of a run over images. Nothing is written before inputs,
 * ffmpeg, models and workers have been checked. What an earlier run with the same settings and inputs has done is kept.
 *
 * @throws UsageError (also without ffmpeg), ModelError, OutputError.
 */
export async function runFrames(
  options: FrameConfig,
  listed: ListedClips,
  hooks: FrameRunHooks = {},
): Promise<FrameRunSummary> {
  await refuseOptions(options);
  const tools = await findFfmpeg();
  const config = withFormat(options);
  const job = await prepareJob(config);
  const settings = frameSettings(config, job);
  const { clips } = listed;
  const tally = new FrameTally(config, listed, job.models);
  const state = await checkOutput(config);
  const found = state.kind === 'earlier' ? await readPlan(config.privateDir) : undefined;
  if (state.kind === 'earlier') {
    assertSameRun(config, state.run, settings, planOf(clips), found);
    if (state.run.status === 'finished' && found?.clips !== undefined) {
      const output = outputOf(config, settings, new FrameSamples(clips, found.clips));
      if ((await surveyOutput(output)) === 'complete') {
        for await (const record of completeRecords(output)) tally.keep(record);
        return tally.summary('finished', true);
      }
    }
  }
  const workerJob = { ...detectingJob(job), policyHash: framePolicy(config, job) };
  const pool = new WorkerPool(workerJob, { workers: config.workers, giveUpAfter: GIVE_UP_SECONDS });
  const progress = new ClipsProgress();
  const stop = (): void => progress.stop();
  const beat = setInterval(() => hooks.onProgress?.({ ...progress.state, clips: clips.length }), BEAT_MS);
  try {
    tally.device = await pool.ready();
    hooks.onStart?.(tally.summary('finished'));
    if (hooks.signal?.aborted) stop();
    hooks.signal?.addEventListener('abort', stop);
    const parts: FrameParts = { config, tools, job, pool, progress, timeoutSeconds: GIVE_UP_SECONDS };
    const frames = await planFrames(parts, settings, clips, found);
    if (frames === undefined) return tally.summary('interrupted');
    return await publish({ parts, settings, clips, frames, isPlannedBefore: found?.clips !== undefined, tally }, hooks);
  } finally {
    clearInterval(beat);
    hooks.signal?.removeEventListener('abort', stop);
    await pool.close();
  }
}

/** @throws UsageError when the earlier run in the output had other settings or inputs. */
function assertSameRun(
  { out }: FrameConfig,
  earlier: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>>,
  plan: FramePlan,
  found: FramePlan | undefined,
): void {
  const differences = differingSettings(earlier, settings);
  if (differences.length > 0) {
    throw new UsageError(
      `Expected the settings of the earlier run in ${out} but they differ (earlier → now): ${differences.join('; ')}; --overwrite replaces the earlier output`,
    );
  }
  if (found === undefined || JSON.stringify(found.sources) === JSON.stringify(plan.sources)) return;
  throw new UsageError(`Expected the inputs of the earlier run in ${out}, but they differ; --overwrite replaces it`);
}

/**
 * Redacts the frames of all clips, unless an earlier run has, so that it is known how many samples there are.
 * @returns what each clip gives; undefined when the work was stopped.
 */
async function planFrames(
  parts: FrameParts,
  settings: Record<string, unknown>,
  clips: readonly ListedClip[],
  found: FramePlan | undefined,
): Promise<readonly ClipFrames[] | undefined> {
  const { config } = parts;
  const lock = await OutputLock.acquire(config.out);
  let log: RunLog | undefined;
  try {
    const state = await inspectOutput(config);
    if (state.kind === 'replaced') await clearOutput(config.out, state.paths);
    // Before anything private, which would not be known to belong to it.
    log = await RunLog.create(config.out, settings);
    await makeFolder(config.privateDir, 0o700);
    await chmod(config.privateDir, 0o700);
    const plan = found ?? planOf(clips);
    await writePlan(config.privateDir, plan);
    let { clips: frames } = plan;
    if (frames === undefined) {
      const outcomes = await redactClips(clips, parts);
      if (outcomes.size < clips.length) {
        await log.setStatus('interrupted');
        return undefined;
      }
      frames = clips.map(({ index }) => outcomes.get(index) as ClipFrames);
      await lock.assertHeld();
      await writePlan(config.privateDir, { ...plan, clips: frames });
    }
    await log.setStatus('running', { total: new FrameSamples(clips, frames).total });
    return frames;
  } catch (error) {
    if (!lock.lost) await log?.setStatus('failed').catch(() => undefined);
    throw error;
  } finally {
    await lock.release().catch(() => undefined);
    // Only when nothing else is in it: it was made for the lock.
    await rmdir(join(config.out, LOG_FOLDER)).catch(() => undefined);
  }
}

function outputOf(config: FrameConfig, settings: Record<string, unknown>, samples: FrameSamples): SinkOptions {
  const { at, total } = samples;
  // What was to be replaced is gone by now.
  return { ...config, overwrite: false, resume: true, hasCls: false, run: settings, total, at, keys: samples };
}

interface PlannedFrames {
  readonly parts: FrameParts;
  readonly settings: Record<string, unknown>;
  readonly clips: readonly ListedClip[];
  readonly frames: readonly ClipFrames[];
  /** By an earlier run, so that images may be missing. */
  readonly isPlannedBefore: boolean;
  readonly tally: FrameTally;
}

async function publish(planned: PlannedFrames, { signal }: FrameRunHooks): Promise<FrameRunSummary> {
  const { parts, settings, clips, frames, isPlannedBefore, tally } = planned;
  const { config } = parts;
  const samples = new FrameSamples(clips, frames);
  let sink: Sink;
  try {
    const onKept: FrameTally['keep'] = (record) => tally.keep(record);
    sink = await openSink(outputOf(config, settings, samples), { onKept, signal });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return tally.summary('interrupted');
    throw error;
  }
  tally.notices.push(...sink.notices);
  try {
    const isThere = !isPlannedBefore || (await redactAgain(planned, samples, sink));
    const onWritten: FrameTally['add'] = (record) => tally.add(record);
    if (!isThere || !(await publishFrames({ config, clips, frames, samples, sink, onWritten, signal }))) {
      await sink.abort('interrupted');
      return tally.summary('interrupted');
    }
    await sink.finish(tally.publicResult(samples.total));
    return tally.summary('finished');
  } catch (error) {
    await sink.abort('failed');
    throw error;
  }
}

/**
 * Makes sure that the images are there that the sink wants of clips that an earlier run has worked on.
 * @returns false when the work was stopped.
 * @throws UsageError when a clip does not give what it gave then.
 */
async function redactAgain(
  { clips, frames, parts }: PlannedFrames,
  samples: FrameSamples,
  sink: Sink,
): Promise<boolean> {
  const isWanted = ({ index }: ListedClip): boolean => {
    for (let i = samples.startOf(index); i < samples.startOf(index + 1); i++) if (sink.wants(i)) return true;
    return false;
  };
  const wanted = clips.filter((clip) => !('status' in (frames[clip.index] as ClipFrames)) && isWanted(clip));
  const outcomes = await redactClips(wanted, parts);
  for (const [index, outcome] of outcomes) {
    if (JSON.stringify(outcome) === JSON.stringify(frames[index])) continue;
    const { key } = clips[index] as ListedClip;
    const change = 'status' in outcome ? `is refused now (${outcome.reason})` : 'has other frames now';
    throw new UsageError(
      `Expected clip ${key} as the earlier run in ${parts.config.out} found it but it ${change}; --overwrite replaces the earlier output`,
    );
  }
  return outcomes.size === wanted.length;
}

/** Adds up what has become of the samples of a run. */
class FrameTally {
  readonly notices: string[];
  device: readonly string[] = [];
  readonly #counts = new RecordCounts();
  readonly #start = performance.now();
  readonly #config: FrameConfig;
  readonly #listed: ListedClips;
  readonly #models: readonly string[];
  #kept = 0;

  constructor(config: FrameConfig, listed: ListedClips, models: readonly string[]) {
    this.#config = config;
    this.#listed = listed;
    this.#models = models;
    this.notices = noticesOf(config);
  }

  add(record: Parameters<RecordCounts['add']>[0]): void {
    this.#counts.add(record);
  }

  /** Of an earlier run. */
  keep(record: Parameters<RecordCounts['add']>[0]): void {
    if (record.status === 'verified') this.#kept++;
    this.add(record);
  }

  /** For run.json. */
  publicResult(total: number): Record<string, unknown> {
    return { ...publicResult(total, this.#counts, undefined), clips: this.#listed.clips.length };
  }

  summary(status: FrameRunSummary['status'], isComplete = false): FrameRunSummary {
    const { published, rejected, regions, images, standIns } = this.#counts;
    const { workers, out, privateDir } = this.#config;
    return {
      status,
      clips: this.#listed.clips.length,
      rejected,
      frames: published,
      kept: this.#kept,
      isComplete,
      regions: { ...regions },
      images: { ...images },
      standIns: { ...standIns },
      reasons: this.#counts.reasons(),
      dropped: Object.fromEntries([...this.#listed.dropped].sort()),
      notices: this.notices,
      models: this.#models,
      device: this.device.length > 0 ? this.device : ['cpu'],
      workers,
      seconds: (performance.now() - this.#start) / 1000,
      out,
      privateDir,
    };
  }
}

import { stat } from 'node:fs/promises';
import { UsageError } from '../../errors.ts';
import { openSink } from '../../io/open-sink.ts';
import { checkOutput } from '../../io/output-folder.ts';
import { openKeys } from '../../io/run-keys.ts';
import type { Sink, SinkOptions } from '../../io/sink.ts';
import { completeRecords, surveyOutput } from '../../io/survey.ts';
import { prepareJob } from '../../prepare.ts';
import { findFfmpeg } from '../../video/tools.ts';
import { WorkerPool } from '../../worker/pool.ts';
import { givenWork } from '../given.ts';
import type { ListedClip, ListedClips } from '../list.ts';
import { ClipRunFrames, type ClipRunProgress } from '../progress.ts';
import { reviewOf } from '../review.ts';
import { detectingJob, privateClipRun } from '../settings.ts';
import { assertSameRun, type FrameRunSettings, planFrames } from './begin.ts';
import { type FrameParts, followedIn, redactClips } from './clips.ts';
import { type ClipFrames, planOf, readPlan } from './plan.ts';
import { publishFrames } from './publish.ts';
import { FrameSamples } from './samples.ts';
import { type FrameConfig, framePolicy, frameSettings, refuseOptions, withFormat } from './settings.ts';
import { type FrameRunSummary, FrameTally } from './tally.ts';

/** After so long, a worker that has not finished a segment counts as hanging; every frame has its own limit. */
const GIVE_UP_SECONDS = 3600;
const BEAT_MS = 250;

export interface FrameRunHooks {
  /** Aborting ends the run as `interrupted`; whole segments and shards are kept. */
  readonly signal?: AbortSignal;
  readonly onStart?: (start: Pick<FrameRunSummary, 'clips' | 'workers' | 'device' | 'notices'>) => void;
  readonly onProgress?: (progress: ClipRunProgress) => void;
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
  refuseOptions(options);
  const config = withFormat(options);
  const { clips } = listed;
  const state = await checkOutput(config);
  const keys = await openKeys(config, state.kind === 'earlier');
  const given = config.boxes === undefined ? undefined : await givenWork(config.boxes, listed);
  const review = await reviewOf(config, clips);
  const tools = await findFfmpeg();
  const job = await (given?.prepare ?? prepareJob)(config);
  const settings = {
    ...frameSettings(config, job),
    ...(given?.detections ? { detections: given.detections } : {}),
    ...(review ? { corrections: true } : {}),
  };
  const known = { config, listed, digest: null, ...given };
  const run = { settings, privateRun: privateClipRun(known, job, settings, review, keys.sourceIdKey) };
  const tally = new FrameTally(config, listed, job.models);
  tally.notices.unshift(...(given?.notices ?? []));
  const found = state.kind === 'earlier' ? await readPlan(config.privateDir, keys.seal) : undefined;
  if (state.kind === 'earlier') {
    await assertSameRun(config, state.run, run, keys.seal, planOf(clips), found);
    if (state.run.total !== undefined && found?.clips !== undefined) {
      const output = outputOf({ config, keys }, run, new FrameSamples(clips, found.clips));
      if ((await surveyOutput(output)) === 'complete') {
        for await (const record of completeRecords(output)) tally.keep(record);
        tally.review = await review?.sumUp((clip) => followedIn(clip, { config, job, keys }));
        return tally.summary('finished', true);
      }
    }
  }
  const workerJob = { ...detectingJob(job), policyHash: framePolicy(config, job) };
  const pool = new WorkerPool(workerJob, { workers: config.workers, giveUpAfter: GIVE_UP_SECONDS });
  const sizes = await Promise.all(clips.map(({ path }) => stat(path).catch(() => ({ size: 0 }))));
  const progress = new ClipRunFrames(sizes.reduce((sum, { size }) => sum + size, 0));
  const outcomes = new Map<number, ClipFrames>();
  const beat = setInterval(
    () => hooks.onProgress?.({ ...progress.state, clips: clips.length, clipsDone: outcomes.size }),
    BEAT_MS,
  );
  try {
    tally.device = await pool.ready();
    hooks.onStart?.(tally.summary('finished'));
    const bytesOf = ({ index }: ListedClip): number => sizes[index]?.size ?? 0;
    const parts: FrameParts = {
      ...{ config, tools, job, pool, keys, review, progress, bytesOf },
      knownFrames: given?.knownFrames,
      timeoutSeconds: GIVE_UP_SECONDS,
    };
    const frames = await planFrames(parts, run, clips, found, outcomes, hooks.signal);
    if (frames === undefined) return tally.summary('interrupted');
    return await publish({ parts, run, clips, frames, outcomes, tally }, hooks);
  } finally {
    clearInterval(beat);
    await pool.close();
  }
}

function outputOf(
  { config, keys }: Pick<FrameParts, 'config' | 'keys'>,
  { settings, privateRun }: FrameRunSettings,
  samples: FrameSamples,
): SinkOptions {
  const { at, total } = samples;
  // What was to be replaced is gone by now.
  const again = { ...config, ...keys, overwrite: false, resume: true };
  return { ...again, hasCls: false, run: settings, privateRun, total, at, keys: samples };
}

interface PlannedFrames {
  readonly parts: FrameParts;
  readonly run: FrameRunSettings;
  readonly clips: readonly ListedClip[];
  readonly frames: readonly ClipFrames[];
  /** Of the clips that this run has worked on; images of others may be missing. */
  readonly outcomes: Map<number, ClipFrames>;
  readonly tally: FrameTally;
}

async function publish(planned: PlannedFrames, { signal }: FrameRunHooks): Promise<FrameRunSummary> {
  const { parts, run, clips, frames, tally } = planned;
  const { config, keys, review } = parts;
  const samples = new FrameSamples(clips, frames);
  let sink: Sink;
  try {
    const onKept: FrameTally['keep'] = (record) => tally.keep(record);
    sink = await openSink(outputOf(parts, run, samples), { onKept, signal });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return tally.summary('interrupted');
    throw error;
  }
  tally.notices.push(...sink.notices);
  try {
    const isThere = await redactAgain(planned, samples, sink, signal);
    const onWritten: FrameTally['add'] = (record) => tally.add(record);
    if (
      !isThere ||
      !(await publishFrames({ config, clips, frames, samples, seal: keys.seal, sink, onWritten, signal }))
    ) {
      await sink.abort('interrupted');
      return tally.summary('interrupted');
    }
    tally.review = await review?.sumUp((clip) => followedIn(clip, parts));
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
  { clips, frames, outcomes, parts }: PlannedFrames,
  samples: FrameSamples,
  sink: Sink,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const isMissing = ({ index }: ListedClip): boolean => {
    if ('status' in (frames[index] as ClipFrames)) return false;
    for (let i = samples.startOf(index); i < samples.startOf(index + 1); i++) if (sink.wants(i)) return true;
    return false;
  };
  const missing: ListedClip[] = [];
  for (const clip of clips) {
    if (outcomes.has(clip.index)) continue;
    if (isMissing(clip)) missing.push(clip);
    else parts.progress.pass(parts.bytesOf(clip));
  }
  await redactClips(missing, parts, outcomes, signal);
  for (const { index, key } of missing) {
    const outcome = outcomes.get(index);
    if (outcome === undefined) return false;
    if (JSON.stringify(outcome) === JSON.stringify(frames[index])) continue;
    const change = 'status' in outcome ? `is refused now (${outcome.reason})` : 'has other frames now';
    throw new UsageError(
      `Expected clip ${key} as the earlier run in ${parts.config.out} found it but it ${change}; --overwrite replaces the earlier output`,
    );
  }
  return true;
}

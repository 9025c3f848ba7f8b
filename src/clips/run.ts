import { stat } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { UsageError } from '../errors.ts';
import { checkOutput } from '../io/output-folder.ts';
import { openKeys, shareKeys } from '../io/run-keys.ts';
import { type Part, ShardPlan } from '../io/shard-plan.ts';
import { type DetectedBefore, prepareJob } from '../prepare.ts';
import { publicReview } from '../run/record-counts.ts';
import type { ReviewSummary } from '../run.ts';
import { findFfmpeg } from '../video/tools.ts';
import type { PublishedContainer } from '../video/types.ts';
import type { Job } from '../worker/job.ts';
import { WorkerPool } from '../worker/pool.ts';
import { givenWork } from './given.ts';
import type { KnownFramesOf } from './known-frames.ts';
import type { ListedClip, ListedClips } from './list.ts';
import { publicClipResult } from './log.ts';
import { ClipOutput } from './output.ts';
import { ClipRunFrames, type ClipRunProgress, type ClipStep } from './progress.ts';
import { type ClipRunParts, followedIn, publishClip } from './publish-clip.ts';
import type { ClipRecord } from './record.ts';
import { reviewOf } from './review.ts';
import { containerOf, detectingJob, privateClipRun, publicSettings, refuseImageOptions } from './settings.ts';
import { publishInOnePass } from './single-pass.ts';
import { type ClipRunSummary, summarizeClips } from './summary.ts';

/** After so long, a worker that has not finished a segment counts as hanging; every frame has its own limit. */
const GIVE_UP_SECONDS = 3600;
const BEAT_MS = 250;

export interface ClipRunHooks {
  /** Aborting ends the run as `interrupted`; whole segments are kept. */
  readonly signal?: AbortSignal;
  readonly onStart?: (start: Pick<ClipRunSummary, 'total' | 'workers' | 'device' | 'notices'>) => void;
  readonly onProgress?: (progress: ClipRunProgress) => void;
  /** A clip, by its number among the inputs, enters a step. */
  readonly onStep?: (step: ClipStep, clip: number) => void;
}

/** What a run over clips reads, and what is known of it. */
export interface ClipsWork {
  readonly config: Config;
  readonly listed: ListedClips;
  readonly prepare: (config: Config) => Promise<Job>;
  /** What takes the place of detectors, clip by clip. */
  readonly knownFrames?: KnownFramesOf;
  /** Where detections come from, when not from detectors. */
  readonly detections?: 'given' | 'stored';
  /** What source ids are made with, when that is not new. */
  readonly sourceIdKey?: string;
  /** How stored detections were made. */
  readonly before?: DetectedBefore;
  /** SHA-256 of the given regions. */
  readonly digest: string | null;
  /** What there is to say about them, one sentence each. */
  readonly notices?: readonly string[];
}

/**
 * Anonymizes clips, each in two passes. Nothing is written before inputs, ffmpeg, models and workers have been checked.
 * What an earlier run with the same settings and inputs has done is kept, whole segments included.
 *
 * @throws UsageError (also without ffmpeg), ModelError, OutputError.
 */
export async function runClips(config: Config, listed: ListedClips, hooks: ClipRunHooks = {}): Promise<ClipRunSummary> {
  const { boxes } = config;
  if (boxes !== undefined) return runClipsWork({ config, listed, ...(await givenWork(boxes, listed)) }, hooks);
  return runClipsWork({ config, listed, prepare: (resolved) => prepareJob(resolved), digest: null }, hooks);
}

/** `runClips` of what is listed already. Throws as it does. */
export async function runClipsWork(work: ClipsWork, hooks: ClipRunHooks): Promise<ClipRunSummary> {
  const { config, knownFrames, notices = [] } = work;
  const { clips, dropped } = work.listed;
  const own = clipsOfPart(clips, config);
  refuseImageOptions(config);
  if (knownFrames !== undefined && config.lookAhead !== undefined) {
    throw new UsageError('Expected no --single-pass for clips whose detections are known but received one');
  }
  const { kind } = await checkOutput(config);
  const opened = await openKeys(config, kind === 'earlier', work.sourceIdKey);
  const review = await reviewOf(config, clips);
  const tools = await findFfmpeg();
  const job = await work.prepare(config);
  const settings = {
    ...publicSettings(config, job),
    ...(work.detections ? { detections: work.detections } : {}),
    ...(review ? { corrections: true } : {}),
  };
  const containers = await Promise.all(clips.map((clip) => containerOf(clip, config)));
  const containerFor = ({ index }: ListedClip): PublishedContainer => containers[index] as PublishedContainer;
  const pool = new WorkerPool(detectingJob(job), { workers: config.workers, giveUpAfter: GIVE_UP_SECONDS });
  try {
    const providers = await pool.ready();
    const keys = kind === 'new' && config.part !== undefined ? await shareKeys(config, opened) : opened;
    const { seal, sourceIdKey } = keys;
    const privateRun = privateClipRun(work, job, settings, review, sourceIdKey);
    const output = await ClipOutput.open({ config, clips, own, containerFor, settings, privateRun, seal, sourceIdKey });
    const sizes = await Promise.all(clips.map(sizeOf));
    const bytesOf = ({ index }: ListedClip): number => sizes[index] as number;
    const frames = new ClipRunFrames(own.reduce((sum, clip) => sum + bytesOf(clip), 0));
    const parts: ClipRunParts = {
      ...{ config, tools, job, pool, output, frames, containerFor, knownFrames, sourceIdKey, review },
      bytesOf,
      onStep: (step, { index }) => hooks.onStep?.(step, index),
      timeoutSeconds: GIVE_UP_SECONDS,
    };
    const done: Done = { records: [], kept: 0 };
    const start = performance.now();
    const summary = (status: ClipRunSummary['status']): ClipRunSummary =>
      summarizeClips(config, done.records, status, {
        total: own.length,
        kept: done.kept,
        review: done.review,
        worked: frames.worked,
        seconds: (performance.now() - start) / 1000,
        dropped,
        notices,
        models: job.models,
        providers,
      });
    hooks.onStart?.(summary('finished'));
    try {
      await publishAll(own, parts, done, hooks);
      if (done.records.length < own.length) {
        await output.abort('interrupted');
        return summary('interrupted');
      }
      const isOwn = new Set(own.map(({ index }) => index));
      done.review = await review?.sumUp(
        (clip) => followedIn(clip, parts),
        (index) => isOwn.has(index),
      );
      await output.finish({ ...publicClipResult(done.records), ...publicReview(done.review) });
      return summary('finished');
    } catch (error) {
      await output.abort('failed');
      throw error;
    }
  } finally {
    await pool.close();
  }
}

/** All clips, or those of the part of the run that is to be done: a clip is in one part. */
export function clipsOfPart<T>(clips: readonly T[], { part }: { readonly part?: Part }): readonly T[] {
  const whole = { total: clips.length, samplesPerShard: 1 };
  const { firstSample, endSample } = new ShardPlan(part === undefined ? whole : { ...whole, part });
  return clips.slice(firstSample, endSample);
}

/** 0 for a file that cannot be read, which is told when its turn comes. */
async function sizeOf({ path }: ListedClip): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.size ?? 0;
}

interface Done {
  readonly records: ClipRecord[];
  /** Clips that an earlier run has done. */
  kept: number;
  /** What became of corrections, once all clips are done. */
  review?: ReviewSummary | undefined;
}

/** Publishes all clips, or those that are done when the signal aborts. A failure stops the others. */
async function publishAll(
  clips: readonly ListedClip[],
  parts: ClipRunParts,
  done: Done,
  { signal, onProgress }: ClipRunHooks,
): Promise<void> {
  const { config, frames, output } = parts;
  const waiting = [...clips];
  const stop = (): void => {
    waiting.length = 0;
    frames.stop();
  };
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  const beat = setInterval(
    () => onProgress?.({ ...frames.state, clips: clips.length, clipsDone: done.records.length }),
    BEAT_MS,
  );
  const lane = async (): Promise<void> => {
    const { lookAhead } = config;
    const publish = (clip: ListedClip): Promise<ClipRecord | undefined> =>
      lookAhead === undefined ? publishClip(clip, parts) : publishInOnePass(clip, lookAhead, parts);
    for (let clip = waiting.shift(); clip !== undefined; clip = waiting.shift()) {
      const earlier = await output.kept(clip);
      if (earlier !== undefined) {
        frames.pass(parts.bytesOf(clip));
        done.kept++;
      }
      const record = earlier ?? (await publish(clip));
      if (record !== undefined) done.records.push(record);
    }
  };
  try {
    // Several at once, since a short clip does not keep all workers busy.
    const lanes = Array.from({ length: Math.min(config.workers, clips.length) }, async () => {
      try {
        await lane();
      } catch (error) {
        stop();
        throw error;
      }
    });
    for (const ended of await Promise.allSettled(lanes)) if (ended.status === 'rejected') throw ended.reason;
  } finally {
    clearInterval(beat);
    signal?.removeEventListener('abort', stop);
  }
}

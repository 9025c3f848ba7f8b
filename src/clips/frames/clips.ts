import { join } from 'node:path';
import { CLIP_WORK } from '../../io/private-files.ts';
import type { RunKeys } from '../../io/run-keys.ts';
import { chosenFrames } from '../../video/frame-choice.ts';
import type { FfmpegTools } from '../../video/types.ts';
import { posedClasses } from '../../worker/clip-poses.ts';
import type { Job } from '../../worker/job.ts';
import type { WorkerPool } from '../../worker/pool.ts';
import { followStored } from '../first-pass.ts';
import type { KnownFramesOf } from '../known-frames.ts';
import type { ListedClip } from '../list.ts';
import { openClip } from '../open-clip.ts';
import type { ClipRunFrames } from '../progress.ts';
import type { ClipReview } from '../review.ts';
import { strippedOf, trackingThresholds } from '../settings.ts';
import { ClipWorkspace } from '../workspace.ts';
import type { ClipFrames } from './plan.ts';
import { redactChosen } from './redact.ts';
import { type FrameConfig, framePolicy } from './settings.ts';
import { FrameStore } from './store.ts';

/** What all clips of a run share. */
export interface FrameParts {
  readonly config: FrameConfig;
  readonly tools: FfmpegTools;
  readonly job: Job;
  readonly pool: WorkerPool;
  /** What the private folder is encrypted with, and what source ids are made with, if anything. */
  readonly keys: RunKeys;
  /** What takes the place of detectors; absent where there are some. */
  readonly knownFrames: KnownFramesOf | undefined;
  /** What a person says about what was found. */
  readonly review: ClipReview | undefined;
  readonly progress: ClipRunFrames;
  readonly bytesOf: (clip: ListedClip) => number;
  /** Seconds that opening a clip may take. */
  readonly timeoutSeconds: number;
}

/** What was followed in a clip, before a person's corrections; undefined for one of which nothing is published. */
export function followedIn(
  listed: ListedClip,
  { config, job, keys }: Pick<FrameParts, 'config' | 'job' | 'keys'>,
): ReturnType<typeof followStored> {
  const settings = { detectEvery: config.detectEvery, thresholds: trackingThresholds(job) };
  return followStored(ClipWorkspace.over(workOf(config, listed), keys.seal), settings);
}

/** The private folder of the work on a clip. */
export function workOf({ privateDir }: Pick<FrameConfig, 'privateDir'>, { key }: ListedClip): string {
  return join(privateDir, CLIP_WORK, key);
}

/**
 * Brings the chosen frames of clips into their private folders, as redacted images.
 *
 * @param found gets what each clip gives, by its index; without those that were not finished when the signal was aborted.
 * @throws ModelError, UsageError, OutputError: the run cannot go on, and all other clips were stopped.
 */
export async function redactClips(
  clips: readonly ListedClip[],
  parts: FrameParts,
  found: Map<number, ClipFrames>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { config, progress } = parts;
  const waiting = [...clips];
  const stop = (): void => {
    waiting.length = 0;
    progress.stop();
  };
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  // Several at once, since a short clip does not keep all workers busy.
  const lanes = Array.from({ length: Math.min(config.workers, clips.length) }, async () => {
    try {
      for (let clip = waiting.shift(); clip !== undefined; clip = waiting.shift()) {
        const outcome = await redactClip(clip, parts);
        if (outcome !== 'stopped') found.set(clip.index, outcome);
      }
    } catch (error) {
      stop();
      throw error;
    }
  });
  try {
    for (const ended of await Promise.allSettled(lanes)) if (ended.status === 'rejected') throw ended.reason;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function redactClip(
  listed: ListedClip,
  { bytesOf, config, job, keys, knownFrames, pool, progress: run, review, timeoutSeconds, tools }: FrameParts,
): Promise<ClipFrames | 'stopped'> {
  const posed = posedClasses(job);
  const progress = run.begin(posed.length > 0 ? 3 : 2);
  try {
    const { detectEvery, limitPixels, seed } = config;
    const folder = workOf(config, listed);
    const place = { folder, ...keys, policy: framePolicy(config, job) };
    const opened = await openClip({
      tools,
      listed,
      ...place,
      seed,
      limitPixels,
      timeoutSeconds,
      knownFrames,
    });
    if ('status' in opened) {
      run.pass(bytesOf(listed));
      return opened;
    }
    const { clip, workspace, sourceId } = opened;
    run.expect(progress, clip.pts.length, bytesOf(listed));
    const frames = chosenFrames(config.frames, clip);
    const outcome = await redactChosen({
      ...{ clip, workspace, pool, progress, frames, posedClasses: posed, sourceId },
      corrections: review?.of(listed) ?? [],
      settings: { detectEvery, thresholds: trackingThresholds(job) },
      store: new FrameStore(folder, keys.seal),
      stripped: strippedOf(clip, config),
      group: listed.index,
    });
    if (outcome === 'done') return { frames };
    if (outcome !== 'stopped') await workspace.remove();
    return outcome;
  } finally {
    run.end(progress);
  }
}

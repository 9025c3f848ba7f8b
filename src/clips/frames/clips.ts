import { join } from 'node:path';
import { CLIP_WORK } from '../../io/private-files.ts';
import { chosenFrames } from '../../video/frame-choice.ts';
import type { FfmpegTools } from '../../video/types.ts';
import { posedClasses } from '../../worker/clip-poses.ts';
import type { Job } from '../../worker/job.ts';
import type { WorkerPool } from '../../worker/pool.ts';
import type { ListedClip } from '../list.ts';
import { openClip } from '../open-clip.ts';
import type { ClipRunFrames } from '../progress.ts';
import { strippedOf, trackingThresholds } from '../settings.ts';
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
  readonly progress: ClipRunFrames;
  readonly bytesOf: (clip: ListedClip) => number;
  /** Seconds that opening a clip may take. */
  readonly timeoutSeconds: number;
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
  { bytesOf, config, job, pool, progress: run, timeoutSeconds, tools }: FrameParts,
): Promise<ClipFrames | 'stopped'> {
  const posed = posedClasses(job);
  const progress = run.begin(posed.length > 0 ? 3 : 2);
  try {
    const { detectEvery, limitPixels, seed } = config;
    const folder = workOf(config, listed);
    const place = { folder, seal: undefined, policy: framePolicy(config, job) };
    const opened = await openClip({
      tools,
      listed,
      ...place,
      seed,
      limitPixels,
      timeoutSeconds,
      knownFrames: undefined,
    });
    if ('status' in opened) {
      run.pass(bytesOf(listed));
      return opened;
    }
    const { clip, workspace } = opened;
    run.expect(progress, clip.pts.length, bytesOf(listed));
    const frames = chosenFrames(config.frames, clip);
    const outcome = await redactChosen({
      ...{ clip, workspace, pool, progress, frames, corrections: [], posedClasses: posed },
      settings: { detectEvery, thresholds: trackingThresholds(job) },
      store: new FrameStore(folder),
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

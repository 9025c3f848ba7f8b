import { join } from 'node:path';
import { CLIP_WORK } from '../../io/private-files.ts';
import { chosenFrames } from '../../video/frame-choice.ts';
import type { FfmpegTools } from '../../video/types.ts';
import type { Job } from '../../worker/job.ts';
import type { WorkerPool } from '../../worker/pool.ts';
import type { ListedClip } from '../list.ts';
import { openClip } from '../open-clip.ts';
import { strippedOf } from '../settings.ts';
import type { ClipFrames } from './plan.ts';
import type { ClipsProgress } from './progress.ts';
import { redactChosen } from './redact.ts';
import { type FrameConfig, framePolicy } from './settings.ts';
import { FrameStore } from './store.ts';

/** Longest clip, frames: nine hours at 60 a second. */
const LIMIT_FRAMES = 2_000_000;

/** What all clips of a run share. */
export interface FrameParts {
  readonly config: FrameConfig;
  readonly tools: FfmpegTools;
  readonly job: Job;
  readonly pool: WorkerPool;
  readonly progress: ClipsProgress;
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
 * @returns what each clip gives, by its index; without those that were not finished when the progress was stopped.
 * @throws ModelError, UsageError, OutputError: the run cannot go on, and all other clips were stopped.
 */
export async function redactClips(clips: readonly ListedClip[], parts: FrameParts): Promise<Map<number, ClipFrames>> {
  const { config, progress } = parts;
  const found = new Map<number, ClipFrames>();
  const waiting = [...clips];
  const lane = async (): Promise<void> => {
    for (let clip = waiting.shift(); clip !== undefined && !progress.isStopped; clip = waiting.shift()) {
      const outcome = await redactClip(clip, parts);
      if (outcome !== 'stopped') found.set(clip.index, outcome);
    }
  };
  // Several at once, since a short clip does not keep all workers busy.
  const lanes = Array.from({ length: Math.min(config.workers, clips.length) }, async () => {
    try {
      await lane();
    } catch (error) {
      progress.stop();
      throw error;
    }
  });
  for (const ended of await Promise.allSettled(lanes)) if (ended.status === 'rejected') throw ended.reason;
  return found;
}

async function redactClip(
  listed: ListedClip,
  { config, job, pool, progress: run, timeoutSeconds, tools }: FrameParts,
): Promise<ClipFrames | 'stopped'> {
  const progress = run.begin();
  let steps: number | undefined;
  try {
    const folder = workOf(config, listed);
    const opened = await openClip({
      ...{ tools, folder, path: listed.path, policy: framePolicy(config, job), seed: config.seed },
      limits: { limitPixels: config.limitPixels, limitFrames: LIMIT_FRAMES, timeoutSeconds },
    });
    if ('status' in opened) {
      steps = 0;
      return opened;
    }
    const { clip, workspace } = opened;
    const frames = chosenFrames(config.frames, clip);
    const expected = clip.pts.length + frames.length;
    run.expect(expected);
    const outcome = await redactChosen({
      ...{ clip, workspace, pool, progress, frames },
      settings: { detectEvery: config.detectEvery, thresholds: job.detect.thresholds },
      store: new FrameStore(folder),
      stripped: strippedOf(clip, config),
      group: listed.index,
    });
    if (outcome === 'stopped') return outcome;
    steps = expected;
    if (outcome === 'done') return { frames };
    await workspace.remove();
    return outcome;
  } finally {
    run.end(progress, steps);
  }
}

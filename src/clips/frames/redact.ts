import type { RejectedOutcome } from '../../core/outcome.ts';
import { SampleError } from '../../errors.ts';
import { stretchOf } from '../../video/stretch.ts';
import { rejection } from '../../worker/process.ts';
import { Covers } from '../covers.ts';
import { type FirstPass, findCovers } from '../first-pass.ts';
import { asRejected, eachSegment, SEGMENT_FRAMES, settle } from '../segments.ts';
import type { FrameStore } from './store.ts';

export interface FrameWork extends FirstPass {
  /** Indices of the chosen frames, increasing. */
  readonly frames: readonly number[];
  readonly store: FrameStore;
  /** Kinds of what the clip has and its frames have not. */
  readonly stripped: readonly string[];
  /** Number of the clip in the run: decides replacements. */
  readonly group: number;
  /** HMAC of the clip's bytes, for the record of each frame; undefined where nobody has asked for it. */
  readonly sourceId: string | undefined;
}

/** Numbers of the segments that have some of the frames, and which they are. */
export function segmentsOf(frames: readonly number[]): Map<number, number[]> {
  const segments = new Map<number, number[]>();
  for (const frame of frames) {
    const segment = Math.floor(frame / SEGMENT_FRAMES);
    const own = segments.get(segment);
    if (own) own.push(frame);
    else segments.set(segment, [frame]);
  }
  return segments;
}

/**
 * The chosen frames of one clip as redacted images in its store, in two passes: detections of the whole clip and tracks
 * over it (and how faces are turned, where they are drawn), then redaction of these frames. What an earlier run has left is not computed again.
 *
 * @throws ModelError when a worker cannot be trusted; OutputError when files cannot be written.
 */
export async function redactChosen(work: FrameWork): Promise<'done' | RejectedOutcome | 'stopped'> {
  const { clip, frames, progress, store } = work;
  // The others are only looked at.
  progress.keep(clip.pts.length - frames.length);
  const missing: [segment: number, frames: number[]][] = [];
  for (const [segment, own] of segmentsOf(frames)) {
    if (await store.has(segment)) progress.keep(own.length);
    else missing.push([segment, own]);
  }
  if (missing.length === 0) {
    progress.keep((progress.passes - 1) * clip.pts.length);
    return 'done';
  }
  try {
    const covers = await findCovers(work);
    if (!(covers instanceof Covers)) return covers;
    progress.enter('redact');
    return await eachSegment(work, missing.length, (i) =>
      redact(work, covers, ...(missing[i] as (typeof missing)[number])),
    );
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    throw error;
  }
}

async function redact(
  { clip, group, pool, progress, sourceId, store, stripped }: FrameWork,
  covers: Covers,
  segment: number,
  frames: readonly number[],
): Promise<'done' | RejectedOutcome | 'stopped'> {
  if (progress.isStopped) return 'stopped';
  const [from, last] = [frames[0] as number, frames.at(-1) as number];
  const ofSegment = covers.between(from, last + 1);
  const task = {
    clip: stretchOf(clip, { from, to: last + 1 }),
    frames,
    covers: frames.map((frame) => ofSegment[frame - from] ?? []),
    counters: progress.counters,
    path: store.unfinished(segment),
    stripped,
    group,
    ...(sourceId === undefined ? {} : { sourceId }),
  };
  const outcome = await settle(pool.segment({ kind: 'frame-segment', segment: task }), progress);
  if (outcome.status !== 'redacted-frames') return outcome.status === 'stopped' ? 'stopped' : asRejected(outcome);
  await store.keep(segment, outcome.frames);
  return 'done';
}

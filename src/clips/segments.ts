import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClipInfo } from '../video/types.ts';
import type { SegmentOutcome } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import type { ClipProgress } from './progress.ts';

/** Frames of a segment: what is lost at most when a run is killed, and what one worker does in a row. */
export const SEGMENT_FRAMES = 120;

/** Segments of a clip. */
export function segmentsIn({ pts }: Pick<ClipInfo, 'pts'>): number {
  return Math.ceil(pts.length / SEGMENT_FRAMES);
}

/** Frames of a segment: `from <= frame < to`. */
export function rangeOf(clip: ClipInfo, segment: number): { from: number; to: number } {
  const from = segment * SEGMENT_FRAMES;
  return { from, to: Math.min(clip.pts.length, from + SEGMENT_FRAMES) };
}

/**
 * Works on all segments, as many at once as the workers take, or says why not: the first failure by order.
 * @param work on one segment: 'done', or why not.
 */
export async function eachSegment(
  { pool }: { readonly pool: Pick<WorkerPool, 'capacity'> },
  segments: number,
  work: (segment: number) => Promise<'done' | RejectedOutcome | 'stopped'>,
): Promise<'done' | RejectedOutcome | 'stopped'> {
  const waiting = Array.from({ length: segments }, (_, segment) => segment).values();
  const ends: (RejectedOutcome | undefined)[] = [];
  let isStopped = false;
  const lanes = Array.from({ length: Math.min(pool.capacity, segments) }, async () => {
    for (const segment of waiting) {
      const end = await work(segment);
      if (end === 'stopped') isStopped = true;
      else if (end !== 'done') ends[segment] = end;
    }
  });
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
  return ends.find((end) => end !== undefined) ?? (isStopped ? 'stopped' : 'done');
}

/** A failure ends the work on the other segments of the clip: it will not be published. */
export async function settle(outcome: Promise<SegmentOutcome>, progress: ClipProgress): Promise<SegmentOutcome> {
  try {
    const settled = await outcome;
    if (isRejected(settled)) progress.stop();
    return settled;
  } catch (error) {
    progress.stop();
    throw error;
  }
}

export function asRejected(outcome: SegmentOutcome): RejectedOutcome {
  if (isRejected(outcome)) return outcome;
  throw new Error(`Expected a rejection but received ${outcome.status}`);
}

function isRejected(value: unknown): value is RejectedOutcome {
  return typeof value === 'object' && value !== null && 'reason' in value && 'stage' in value;
}

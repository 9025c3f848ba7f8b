import type { RejectedOutcome } from '../core/outcome.ts';
import type { Track } from '../video/tracks/index.ts';
import type { PoseSegment, ReadPose } from '../worker/clip-poses.ts';
import type { ClipWork } from './anonymize-clip.ts';
import { Covers } from './covers.ts';
import { type FaceLook, looksOf } from './followed-faces.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';

/**
 * How followed faces look in every frame, by track: their poses are read over the whole clip.
 * @throws ModelError when a worker cannot be trusted.
 */
export async function readLooks(
  work: Pick<ClipWork, 'clip' | 'pool' | 'progress'>,
  tracks: readonly Track[],
): Promise<ReadonlyMap<number, readonly FaceLook[]> | RejectedOutcome | 'stopped'> {
  const { clip, pool, progress } = work;
  const faces = tracks.filter((track) => track.class === 'face');
  const covers = new Covers(faces);
  const read: (readonly (readonly ReadPose[])[])[] = new Array(segmentsIn(clip));
  const outcome = await eachSegment(work, segmentsIn(clip), async (segment) => {
    if (progress.isStopped) return 'stopped';
    const { from, to } = rangeOf(clip, segment);
    const task: PoseSegment = { clip, from, to, counters: progress.counters, covers: covers.between(from, to) };
    const posed = await settle(pool.segment({ kind: 'pose-segment', segment: task }), progress);
    if (posed.status !== 'posed') return posed.status === 'stopped' ? 'stopped' : asRejected(posed);
    read[segment] = posed.frames;
    return 'done';
  });
  return outcome === 'done' ? looksOf(faces, read.flat()) : outcome;
}

import type { RejectedOutcome } from '../core/outcome.ts';
import type { Look, ReadPose } from '../video/looks/types.ts';
import { looksOf } from '../video/looks/whole-clip.ts';
import type { Track } from '../video/tracks/index.ts';
import type { PoseSegment } from '../worker/clip-poses.ts';
import type { ClipWork } from './anonymize-clip.ts';
import { Covers } from './covers.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';

/**
 * How followed faces and bodies look in every frame, by track: their poses are read over the whole clip.
 * @throws ModelError when a worker cannot be trusted.
 */
export async function readLooks(
  work: Pick<ClipWork, 'clip' | 'pool' | 'posedClasses' | 'progress'>,
  tracks: readonly Track[],
): Promise<ReadonlyMap<number, readonly Look[]> | RejectedOutcome | 'stopped'> {
  const { clip, pool, posedClasses, progress } = work;
  const posed = tracks.filter((track) => posedClasses.includes(track.class));
  const covers = new Covers(posed);
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
  if (outcome !== 'done') return outcome;
  const frames = read.flat();
  return new Map(
    posedClasses.flatMap((cls) => [
      ...looksOf(
        posed.filter((track) => track.class === cls),
        frames,
      ),
    ]),
  );
}

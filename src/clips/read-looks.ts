import type { RejectedOutcome } from '../core/outcome.ts';
import { stretchOf } from '../video/stretch.ts';
import type { PoseSegment } from '../worker/clip-poses.ts';
import type { ClipWork } from './anonymize-clip.ts';
import type { Covers } from './covers.ts';
import { FacePoses, looksOf } from './followed-faces.ts';
import { type FaceLooks, packLooks } from './packed-looks.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';

/**
 * How followed faces look in every frame, by track: their poses are read over the whole clip.
 * @throws ModelError when a worker cannot be trusted.
 */
export async function readLooks(
  work: Pick<ClipWork, 'clip' | 'pool' | 'progress'>,
  covers: Covers,
): Promise<ReadonlyMap<number, FaceLooks> | RejectedOutcome | 'stopped'> {
  const { clip, pool, progress } = work;
  const read = new FacePoses(covers.faces);
  const outcome = await eachSegment(work, segmentsIn(clip), async (segment) => {
    if (progress.isStopped) return 'stopped';
    const { from, to } = rangeOf(clip, segment);
    const faces = covers.between(from, to).map((all) => all.filter(({ detection }) => detection.label === 'face'));
    const clipped = stretchOf(clip, { from, to });
    const task: PoseSegment = { clip: clipped, from, to, counters: progress.counters, covers: faces };
    const posed = await settle(pool.segment({ kind: 'pose-segment', segment: task }), progress);
    if (posed.status !== 'posed') return posed.status === 'stopped' ? 'stopped' : asRejected(posed);
    for (const [i, poses] of posed.frames.entries()) read.add(from + i, poses);
    return 'done';
  });
  if (outcome !== 'done') return outcome;
  const packed = new Map<number, FaceLooks>();
  for (const [track, looks] of looksOf(covers.faces, read)) packed.set(track, packLooks(looks));
  return packed;
}

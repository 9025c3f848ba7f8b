import type { RejectedOutcome } from '../core/outcome.ts';
import { stretchOf } from '../video/stretch.ts';
import type { FrameCover } from '../worker/clip.ts';
import type { PoseSegment } from '../worker/clip-poses.ts';
import type { ClipWork } from './anonymize-clip.ts';
import type { Covers } from './covers.ts';
import { looksOf, ReadPoses } from './followed-looks.ts';
import { type Looks, packLooks } from './packed-looks.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';

/**
 * How followed faces and bodies look in every frame, by track: their poses are read over the whole clip.
 * @throws ModelError when a worker cannot be trusted.
 */
export async function readLooks(
  work: Pick<ClipWork, 'clip' | 'pool' | 'posedClasses' | 'progress'>,
  covers: Covers,
): Promise<ReadonlyMap<number, Looks> | RejectedOutcome | 'stopped'> {
  const { clip, pool, posedClasses, progress } = work;
  const read = new ReadPoses(posedClasses.flatMap((cls) => covers.of(cls)));
  const isPosed = ({ detection }: FrameCover): boolean => posedClasses.some((cls) => cls === detection.label);
  const outcome = await eachSegment(work, segmentsIn(clip), async (segment) => {
    if (progress.isStopped) return 'stopped';
    const { from, to } = rangeOf(clip, segment);
    const posing = covers.between(from, to).map((all) => all.filter(isPosed));
    const clipped = stretchOf(clip, { from, to });
    const task: PoseSegment = { clip: clipped, from, to, counters: progress.counters, covers: posing };
    const posed = await settle(pool.segment({ kind: 'pose-segment', segment: task }), progress);
    if (posed.status !== 'posed') return posed.status === 'stopped' ? 'stopped' : asRejected(posed);
    for (const [i, poses] of posed.frames.entries()) read.add(from + i, poses);
    return 'done';
  });
  if (outcome !== 'done') return outcome;
  const packed = new Map<number, Looks>();
  for (const cls of posedClasses) {
    for (const [track, looks] of looksOf(covers.of(cls), read)) packed.set(track, packLooks(looks));
  }
  return packed;
}

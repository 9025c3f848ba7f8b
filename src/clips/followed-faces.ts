import { boxHeight, boxWidth, intersect } from '../core/geometry.ts';
import type { Box, FollowedFaceGuide } from '../core/types.ts';
import type { Track } from '../video/tracks/index.ts';
import type { ReadPose } from '../worker/clip-poses.ts';
import { replacedFrames } from './looks.ts';
import { steadyPoses } from './steady-poses.ts';

/** How a followed face looks in a frame: drawn in this pose, or blurred. */
export type FaceLook = FollowedFaceGuide | 'blurred';

/** Share of the smaller of two boxes within the other from which they show one face. */
const SAME_PLACE = 0.6;

/**
 * How each followed face looks in every frame of its track, so that replacement and blur do not change places from frame
 * to frame. A track that nothing was seen of is blurred, and so is the one of two in the same place that was read less
 * often: two faces would be drawn into each other.
 *
 * @param tracks all those of faces, and others, which are passed over.
 * @param read poses by frame of the clip.
 * @returns looks by track: of frame `track.from + i` of the clip.
 */
export function looksOf(
  tracks: readonly Track[],
  read: readonly (readonly ReadPose[])[],
): Map<number, readonly FaceLook[]> {
  const faces = tracks.filter((track) => track.class === 'face');
  const poses = new Map(faces.map(({ id, boxes }) => [id, new Array<FollowedFaceGuide | undefined>(boxes.length)]));
  const byId = new Map(faces.map((track) => [track.id, track]));
  for (const [frame, found] of read.entries()) {
    for (const { track, guide } of found) {
      const own = poses.get(track) as (FollowedFaceGuide | undefined)[];
      own[frame - (byId.get(track) as Track).from] = guide;
    }
  }
  const looks = new Map<number, readonly FaceLook[]>();
  const drawn: Track[] = [];
  const countOf = ({ id }: Track): number => poses.get(id)?.filter((pose) => pose !== undefined).length ?? 0;
  for (const track of faces.toSorted((a, b) => countOf(b) - countOf(a) || a.id - b.id)) {
    const own = Array.from(poses.get(track.id) as (FollowedFaceGuide | undefined)[]);
    const isReplaced = replacedFrames(
      own.map((pose) => pose !== undefined),
      track.seen,
    );
    const isDrawn =
      isReplaced.includes(true) && track.seen.includes(true) && !drawn.some((other) => isInPlaceOf(track, other));
    if (isDrawn) drawn.push(track);
    const steady = isDrawn ? steadyPoses(own, track.boxes) : [];
    looks.set(
      track.id,
      track.boxes.map((_, i) => (isReplaced[i] && steady[i]) || 'blurred'),
    );
    poses.delete(track.id);
  }
  return looks;
}

/** Whether two tracks are in the same place in most of the frames that they share. */
function isInPlaceOf(a: Track, b: Track): boolean {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.from + a.boxes.length, b.from + b.boxes.length);
  let same = 0;
  for (let frame = from; frame < to; frame++) {
    if (isRemoved(a, frame) || isRemoved(b, frame)) continue;
    const [one, other] = [a.boxes[frame - a.from] as Box, b.boxes[frame - b.from] as Box];
    const shared = intersect(one, other);
    const common = Math.max(0, boxWidth(shared)) * Math.max(0, boxHeight(shared));
    if (common >= SAME_PLACE * Math.min(areaOf(one), areaOf(other))) same++;
  }
  return to > from && 2 * same > to - from;
}

/** Whether a person says that there is nothing. */
const isRemoved = ({ from, said }: Track, frame: number): boolean => said?.[frame - from] === 'removed';

const areaOf = (box: Box): number => boxWidth(box) * boxHeight(box);

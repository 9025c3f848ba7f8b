import type { FollowedGuide } from '../../core/types.ts';
import type { Track } from '../tracks/index.ts';
import { replacedFrames } from './choice.ts';
import { isInPlaceOf } from './same-place.ts';
import { inEveryFrame, steadyIn } from './steady.ts';
import type { Look, ReadPose } from './types.ts';

/**
 * How each followed face or body looks in every frame of its track, so that replacement and blur do not change places from
 * frame to frame. A track that nothing was seen of is blurred, and so is the one of two in the same place that was read
 * less often: two would be drawn into each other.
 *
 * @param tracks of one class.
 * @param read poses by frame of the clip.
 * @returns looks by track: of frame `track.from + i` of the clip.
 */
export function looksOf(
  tracks: readonly Track[],
  read: readonly (readonly ReadPose[])[],
): Map<number, readonly Look[]> {
  const poses = new Map(tracks.map(({ id, boxes }) => [id, new Array<FollowedGuide | undefined>(boxes.length)]));
  const byId = new Map(tracks.map((track) => [track.id, track]));
  for (const [frame, found] of read.entries()) {
    for (const { track, guide } of found) {
      const own = poses.get(track);
      if (own) own[frame - (byId.get(track) as Track).from] = guide;
    }
  }
  const looks = new Map<number, readonly Look[]>();
  const drawn: Track[] = [];
  const countOf = ({ id }: Track): number => poses.get(id)?.filter((pose) => pose !== undefined).length ?? 0;
  for (const track of tracks.toSorted((a, b) => countOf(b) - countOf(a) || a.id - b.id)) {
    const own = Array.from(poses.get(track.id) as (FollowedGuide | undefined)[]);
    const isReplaced = replacedFrames(
      own.map((pose) => pose !== undefined),
      track.seen,
    );
    const isDrawn =
      isReplaced.includes(true) && track.seen.includes(true) && !drawn.some((other) => isInPlaceOf(track, other));
    if (isDrawn) drawn.push(track);
    const guides = isDrawn ? inEveryFrame(steadyIn(track.class, own, track.boxes), own.length) : [];
    looks.set(
      track.id,
      track.boxes.map((_, i) => (isReplaced[i] && guides[i]) || 'blurred'),
    );
    poses.delete(track.id);
  }
  return looks;
}

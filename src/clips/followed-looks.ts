import type { FollowedGuide } from '../core/types.ts';
import { replacedFrames } from '../video/looks/choice.ts';
import { isInPlaceOf, type Placed } from '../video/looks/same-place.ts';
import { inEveryFrame, steadyIn } from '../video/looks/steady.ts';
import type { Look, ReadPose } from '../video/looks/types.ts';
import { PackedGuides } from './packed-looks.ts';
import type { PackedTrack } from './packed-track.ts';

/** Poses that were read of what is followed. */
export class ReadPoses {
  readonly #tracks: ReadonlyMap<number, { readonly from: number; readonly guides: PackedGuides }>;

  constructor(tracks: readonly PackedTrack[]) {
    this.#tracks = new Map(tracks.map(({ id, from, length }) => [id, { from, guides: new PackedGuides(length) }]));
  }

  /** Takes what was read in a frame of the clip. */
  add(frame: number, poses: readonly ReadPose[]): void {
    for (const { track, guide } of poses) {
      const own = this.#tracks.get(track);
      own?.guides.set(frame - own.from, guide);
    }
  }

  /** Frames of a track in which a pose was read. */
  countOf({ id }: PackedTrack): number {
    return this.#tracks.get(id)?.guides.count ?? 0;
  }

  /** Of every frame of a track. */
  of({ id, length }: PackedTrack): (FollowedGuide | undefined)[] {
    return Array.from({ length }, (_, i) => this.#tracks.get(id)?.guides.at(i));
  }
}

/**
 * How each followed face or body looks in every frame of its track, so that replacement and blur do not change places from
 * frame to frame. A track that nothing was seen of is blurred, and so is the one of two in the same place that was read
 * less often: two would be drawn into each other.
 *
 * @param tracks all those of one class.
 * @returns looks by track, one track at a time: of frame `track.from + i` of the clip.
 */
export function* looksOf(tracks: readonly PackedTrack[], read: ReadPoses): Generator<[number, readonly Look[]]> {
  const drawn: Placed[] = [];
  for (const track of tracks.toSorted((a, b) => read.countOf(b) - read.countOf(a) || a.id - b.id)) {
    const own = read.of(track);
    const isReplaced = replacedFrames(
      own.map((pose) => pose !== undefined),
      own.map((_, i) => track.isSeenAt(i)),
    );
    const place = placeOf(track);
    const isDrawn = isReplaced.includes(true) && track.isSeen && !drawn.some((other) => isInPlaceOf(place, other));
    if (isDrawn) drawn.push(place);
    const boxes = own.map((_, i) => track.boxAt(i));
    const guides = isDrawn ? inEveryFrame(steadyIn(track.class, own, boxes), own.length) : [];
    yield [track.id, own.map((_, i) => (isReplaced[i] && guides[i]) || 'blurred')];
  }
}

function placeOf(track: PackedTrack): Placed {
  const { from, length } = track;
  return { from, length, boxAt: (i) => (track.stateAt(i) === 'removed' ? undefined : track.boxAt(i)) };
}

import { boxHeight, boxWidth, intersect } from '../core/geometry.ts';
import type { Box, FollowedFaceGuide } from '../core/types.ts';
import type { ReadPose } from '../worker/clip-poses.ts';
import { replacedFrames } from './looks.ts';
import { type FaceLook, PackedGuides } from './packed-looks.ts';
import type { PackedTrack } from './packed-track.ts';
import { steadyPoses } from './steady-poses.ts';

/** Share of the smaller of two boxes within the other from which they show one face. */
const SAME_PLACE = 0.6;

/** Poses that were read of followed faces. */
export class FacePoses {
  readonly #faces: ReadonlyMap<number, { readonly from: number; readonly guides: PackedGuides }>;

  constructor(faces: readonly PackedTrack[]) {
    this.#faces = new Map(faces.map(({ id, from, length }) => [id, { from, guides: new PackedGuides(length) }]));
  }

  /** Takes what was read in a frame of the clip. */
  add(frame: number, poses: readonly ReadPose[]): void {
    for (const { track, guide } of poses) {
      const face = this.#faces.get(track);
      face?.guides.set(frame - face.from, guide);
    }
  }

  /** Frames of a track in which a pose was read. */
  countOf({ id }: PackedTrack): number {
    return this.#faces.get(id)?.guides.count ?? 0;
  }

  /** Of every frame of a track. */
  of({ id, length }: PackedTrack): (FollowedFaceGuide | undefined)[] {
    return Array.from({ length }, (_, i) => this.#faces.get(id)?.guides.at(i));
  }
}

/**
 * How each followed face looks in every frame of its track, so that replacement and blur do not change places from frame
 * to frame. A track that nothing was seen of is blurred, and so is the one of two in the same place that was read less
 * often: two faces would be drawn into each other.
 *
 * @param faces all those of the clip.
 * @returns looks by track, one track at a time: of frame `track.from + i` of the clip.
 */
export function* looksOf(faces: readonly PackedTrack[], read: FacePoses): Generator<[number, readonly FaceLook[]]> {
  const drawn: PackedTrack[] = [];
  for (const track of faces.toSorted((a, b) => read.countOf(b) - read.countOf(a) || a.id - b.id)) {
    const own = read.of(track);
    const isReplaced = replacedFrames(
      own.map((pose) => pose !== undefined),
      own.map((_, i) => track.isSeenAt(i)),
    );
    const isDrawn = isReplaced.includes(true) && track.isSeen && !drawn.some((other) => isInPlaceOf(track, other));
    if (isDrawn) drawn.push(track);
    const boxes = own.map((_, i) => track.boxAt(i));
    const steady = isDrawn ? steadyPoses(own, boxes) : [];
    yield [track.id, own.map((_, i) => (isReplaced[i] && steady[i]) || 'blurred')];
  }
}

/** Whether two tracks are in the same place in most of the frames that they share. */
function isInPlaceOf(a: PackedTrack, b: PackedTrack): boolean {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.from + a.length, b.from + b.length);
  let same = 0;
  for (let frame = from; frame < to; frame++) {
    if (isRemoved(a, frame) || isRemoved(b, frame)) continue;
    const [one, other] = [a.boxAt(frame - a.from), b.boxAt(frame - b.from)];
    const shared = intersect(one, other);
    const common = Math.max(0, boxWidth(shared)) * Math.max(0, boxHeight(shared));
    if (common >= SAME_PLACE * Math.min(areaOf(one), areaOf(other))) same++;
  }
  return to > from && 2 * same > to - from;
}

/** Whether a person says that there is nothing. */
const isRemoved = (track: PackedTrack, frame: number): boolean => track.stateAt(frame - track.from) === 'removed';

const areaOf = (box: Box): number => boxWidth(box) * boxHeight(box);

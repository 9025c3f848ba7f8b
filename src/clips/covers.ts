import type { ClassName } from '../core/types.ts';
import type { Look } from '../video/looks/types.ts';
import type { Track } from '../video/tracks/index.ts';
import type { FrameCover } from '../worker/clip.ts';

interface Kept {
  readonly id: number;
  readonly class: ClassName;
  /** First frame. */
  readonly from: number;
  /** x1, y1, x2, y2 of every frame. */
  readonly boxes: Float64Array;
  /** Index into `STATES`, of every frame. */
  readonly states: Uint8Array;
}

/** Whether a thing was detected in a frame, or what somebody else says. */
const STATES = ['inferred', 'seen', 'removed', 'given', 'review'] as const;

/** What to cover, by frame: 33 bytes for every box of every track, since it is held as long as a clip is redacted. */
export class Covers {
  readonly #tracks: readonly Kept[];
  readonly #looks: ReadonlyMap<number, readonly Look[]>;
  /** Things that were seen, by class: not the other ways that one may have gone. */
  readonly counts: Readonly<Record<ClassName, number>>;

  /** @param looks how followed faces and bodies look in every frame of their tracks, where that is decided. */
  constructor(tracks: readonly Track[], looks: ReadonlyMap<number, readonly Look[]> = new Map()) {
    this.#looks = looks;
    this.#tracks = tracks.map(kept).sort((a, b) => a.from - b.from || a.id - b.id);
    const counts: Record<ClassName, number> = { face: 0, body: 0, plate: 0, text: 0 };
    for (const { class: cls, seen } of tracks) if (seen.includes(true)) counts[cls]++;
    this.counts = counts;
  }

  /** Of the frames `from <= frame < to`, frame by frame. */
  between(from: number, to: number): FrameCover[][] {
    const frames: FrameCover[][] = Array.from({ length: to - from }, () => []);
    for (const track of this.#tracks) {
      if (track.from >= to) break;
      const last = Math.min(to, track.from + track.states.length);
      const looks = this.#looks.get(track.id);
      for (let frame = Math.max(from, track.from); frame < last; frame++) {
        const cover = coverOf(track, frame - track.from);
        if (cover === undefined) continue;
        const look = looks?.[frame - track.from];
        frames[frame - from]?.push(look === undefined ? cover : { ...cover, look });
      }
    }
    return frames;
  }
}

function kept({ id, class: cls, from, boxes, seen, said }: Track): Kept {
  const sides = new Float64Array(4 * boxes.length);
  for (const [i, { x1, y1, x2, y2 }] of boxes.entries()) sides.set([x1, y1, x2, y2], 4 * i);
  const states = Uint8Array.from(seen, (isSeen, i) => STATES.indexOf(said?.[i] ?? (isSeen ? 'seen' : 'inferred')));
  return { id, class: cls, from, boxes: sides, states };
}

function coverOf({ id, class: label, boxes, states }: Kept, i: number): FrameCover | undefined {
  const state = STATES[states[i] as number];
  if (state === undefined || state === 'removed') return undefined;
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.subarray(4 * i, 4 * i + 4);
  const detection = { label, box: { x1, y1, x2, y2 }, score: 1, model: 'track', track: id };
  const isSaid = state === 'given' || state === 'review';
  return { detection: isSaid ? { ...detection, origin: state } : detection, seen: state !== 'inferred' };
}

import type { ClassName } from '../core/types.ts';
import type { Track } from '../video/tracks/index.ts';
import type { FrameCover } from '../worker/clip.ts';
import type { Looks } from './packed-looks.ts';
import { PackedTrack } from './packed-track.ts';

/** What to cover, by frame. */
export class Covers {
  /** By their first frames. */
  readonly #tracks: readonly PackedTrack[];
  #looks: ReadonlyMap<number, Looks> = new Map();
  /** Things that were seen, by class: not the other ways that one may have gone. */
  readonly counts: Readonly<Record<ClassName, number>>;

  /** @param tracks each is packed before the next one is asked for. */
  constructor(tracks: Iterable<Track>) {
    const packed: PackedTrack[] = [];
    for (const track of tracks) packed.push(new PackedTrack(track));
    this.#tracks = packed.sort((a, b) => a.from - b.from || a.id - b.id);
    const counts: Record<ClassName, number> = { face: 0, body: 0, plate: 0, text: 0 };
    for (const track of packed) if (track.isSeen) counts[track.class]++;
    this.counts = counts;
  }

  /** What is followed of a class. */
  of(cls: ClassName): readonly PackedTrack[] {
    return this.#tracks.filter((track) => track.class === cls);
  }

  /** Decides how followed faces and bodies look in every frame of their tracks, by track. */
  decide(looks: ReadonlyMap<number, Looks>): void {
    this.#looks = looks;
  }

  /** Of the frames `from <= frame < to`, frame by frame. */
  between(from: number, to: number): FrameCover[][] {
    const frames: FrameCover[][] = Array.from({ length: to - from }, () => []);
    for (const track of this.#tracks) {
      if (track.from >= to) break;
      const last = Math.min(to, track.from + track.length);
      const looks = this.#looks.get(track.id);
      for (let frame = Math.max(from, track.from); frame < last; frame++) {
        const cover = coverOf(track, frame - track.from);
        if (cover === undefined) continue;
        const look = looks?.at(frame - track.from);
        frames[frame - from]?.push(look === undefined ? cover : { ...cover, look });
      }
    }
    return frames;
  }
}

function coverOf(track: PackedTrack, i: number): FrameCover | undefined {
  const state = track.stateAt(i);
  if (state === 'removed') return undefined;
  const detection = { label: track.class, box: track.boxAt(i), score: 1, model: 'track', track: track.id };
  const isSaid = state === 'given' || state === 'review';
  return { detection: isSaid ? { ...detection, origin: state } : detection, seen: state !== 'inferred' };
}

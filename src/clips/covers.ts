import type { ClassName } from '../core/types.ts';
import type { Track } from '../video/tracks/index.ts';
import type { FrameCover } from '../worker/clip.ts';

interface Kept {
  readonly id: number;
  readonly class: ClassName;
  /** First frame. */
  readonly from: number;
  /** x1, y1, x2, y2 of every frame. */
  readonly boxes: Float64Array;
  /** 1 where it was detected. */
  readonly seen: Uint8Array;
}

/** What to cover, by frame: 33 bytes for every box of every track, since it is held as long as a clip is redacted. */
export class Covers {
  readonly #tracks: readonly Kept[];
  /** Things that were seen, by class: not the other ways that one may have gone. */
  readonly counts: Readonly<Record<ClassName, number>>;

  constructor(tracks: readonly Track[]) {
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
      const last = Math.min(to, track.from + track.seen.length);
      for (let frame = Math.max(from, track.from); frame < last; frame++) {
        frames[frame - from]?.push(coverOf(track, frame - track.from));
      }
    }
    return frames;
  }
}

function kept({ id, class: cls, from, boxes, seen }: Track): Kept {
  const sides = new Float64Array(4 * boxes.length);
  for (const [i, { x1, y1, x2, y2 }] of boxes.entries()) sides.set([x1, y1, x2, y2], 4 * i);
  return { id, class: cls, from, boxes: sides, seen: Uint8Array.from(seen, Number) };
}

function coverOf({ id, class: label, boxes, seen }: Kept, i: number): FrameCover {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.subarray(4 * i, 4 * i + 4);
  return { detection: { label, box: { x1, y1, x2, y2 }, score: 1, model: 'track', track: id }, seen: seen[i] === 1 };
}

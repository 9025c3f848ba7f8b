import type { FollowedGuide } from '../../core/types.ts';
import type { Track } from '../tracks/index.ts';
import { isReplacedNext, type ShownLook, shownWith } from './choice.ts';
import { isInPlaceOf, type Placed } from './same-place.ts';
import { type Carried, steadyIn } from './steady.ts';
import type { Look } from './types.ts';

/** What is remembered of something that is followed. */
interface Followed {
  /** By frame; undefined where the pose could not be read. */
  readonly read: Map<number, FollowedGuide | undefined>;
  shown?: ShownLook;
  /** From the frame in which it was drawn last. */
  carried?: Carried;
}

/**
 * How followed faces or bodies look in the frames of a clip that is still arriving, by the rules of `looksOf` as far as is
 * known: a look that was shown changes for a cause only, and poses are averaged over the frames before and after.
 *
 * What is remembered is no more than the tracks that are handed in, in the frames that they have.
 */
export class ArrivingLooks {
  readonly #followed = new Map<number, Followed>();

  /** Whether somebody has tried to read the pose of a track in a frame. */
  isTried(track: number, frame: number): boolean {
    return this.#followed.get(track)?.read.has(frame) === true;
  }

  /** @param guide nothing where the pose cannot be read. */
  keep(track: number, frame: number, guide: FollowedGuide | undefined): void {
    this.#of(track).read.set(frame, guide);
  }

  /**
   * Looks in a frame, by track; frames are asked for one after the other.
   * @param tracks of one class, as far as they are known: those that are covered in the frame, that were and that will be.
   */
  lookIn(frame: number, tracks: readonly Track[]): Map<number, Look> {
    this.#forget(tracks);
    const looks = new Map<number, Look>();
    const drawn: Placed[] = [];
    for (const track of this.#byClaim(tracks)) {
      const i = frame - track.from;
      if (i < 0 || i >= track.boxes.length) continue;
      const look = this.#look(track, i, drawn);
      looks.set(track.id, look);
      if (look !== 'blurred') drawn.push(placed(track));
    }
    return looks;
  }

  #look(track: Track, i: number, drawn: readonly Placed[]): Look {
    const followed = this.#of(track.id);
    const read = track.boxes.map((_, k) => followed.read.get(track.from + k));
    const isRead = read.map((guide) => guide !== undefined);
    const isReplaced =
      isRead.includes(true) &&
      track.seen.includes(true) &&
      isReplacedNext(followed.shown, isRead.slice(i), track.seen.slice(i)) &&
      !drawn.some((other) => isInPlaceOf(placed(track), other));
    followed.shown = shownWith(followed.shown, {
      isReplaced,
      isRead: isRead[i] === true,
      isSeen: track.seen[i] === true,
    });
    if (!isReplaced) return 'blurred';
    const { guide, carried } = steadyIn(track.class, read, track.boxes).at(i, followed.carried);
    followed.carried = carried;
    // Nobody knows how it goes on: what will be read goes on from what is shown now.
    if (!isRead.slice(i).includes(true)) followed.read.set(track.from + i, guide);
    return guide;
  }

  /** What is drawn already comes first, then what was read most often. */
  #byClaim(tracks: readonly Track[]): Track[] {
    const claims = tracks.map((track) => {
      const { read, shown } = this.#of(track.id);
      const reads = [...read.values()].filter((guide) => guide !== undefined).length;
      return { track, isDrawn: shown?.isReplaced === true ? 1 : 0, reads };
    });
    return claims
      .sort((a, b) => b.isDrawn - a.isDrawn || b.reads - a.reads || a.track.id - b.track.id)
      .map(({ track }) => track);
  }

  #of(track: number): Followed {
    const followed = this.#followed.get(track) ?? { read: new Map() };
    this.#followed.set(track, followed);
    return followed;
  }

  #forget(tracks: readonly Track[]): void {
    const firstOf = new Map(tracks.map(({ id, from }) => [id, from]));
    for (const [id, { read }] of this.#followed) {
      const first = firstOf.get(id);
      if (first === undefined) this.#followed.delete(id);
      else for (const frame of read.keys()) if (frame < first) read.delete(frame);
    }
  }
}

function placed({ from, boxes }: Track): Placed {
  return { from, length: boxes.length, boxAt: (i) => boxes[i] };
}

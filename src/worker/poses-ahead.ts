import type { ClassName } from '../core/types.ts';
import type { ArrivedPicture } from '../video/arriving.ts';
import { ArrivingLooks } from '../video/looks/arriving.ts';
import type { Look } from '../video/looks/types.ts';
import type { Track } from '../video/tracks/index.ts';
import type { TrackWindow } from '../video/tracks/window.ts';
import { type PosingNetworks, posedClasses, readPoses } from './clip-poses.ts';
import type { Job } from './job.ts';

/** Frames that must have arrived after one in which a thing was not seen, nor later, before it is looked for where it is expected. */
const NOT_SEEN_AGAIN = 12;

/** Reads poses in the frames of a clip that wait, and decides by them how faces and bodies look in the one that is next. */
export class PosesAhead {
  readonly #job: Job;
  readonly #networks: PosingNetworks;
  readonly #looks: ReadonlyMap<ClassName, ArrivingLooks>;

  constructor(job: Job, networks: PosingNetworks) {
    this.#job = job;
    this.#networks = networks;
    this.#looks = new Map(posedClasses(job).map((cls) => [cls, new ArrivingLooks()]));
  }

  /**
   * The looks of faces and bodies in a frame, by track; of what is in nobody's place, such as another way that a thing may
   * have gone, it is `blurred`. Every pose is read once, and as soon as it is known where the thing is.
   *
   * @param held the frame that is next, which `window` was asked for, and those that wait behind it.
   * @throws ModelError when a network cannot be trusted any more.
   */
  async lookIn(
    held: readonly ArrivedPicture[],
    window: TrackWindow,
  ): Promise<(cls: ClassName, track: number) => Look | undefined> {
    const [{ index }] = held as [ArrivedPicture];
    const tracks = new Map([...this.#looks.keys()].map((cls) => [cls, window.tracks(cls, index)]));
    const newest = held.at(-1)?.index ?? index;
    for (const picture of held) {
      const isOld = picture.index === index || picture.index <= newest - NOT_SEEN_AGAIN;
      await this.#read(picture, [...tracks.values()].flat(), isOld);
    }
    const looks = new Map([...this.#looks].map(([cls, looks]) => [cls, looks.lookIn(index, tracks.get(cls) ?? [])]));
    return (cls, track) => (looks.has(cls) ? (looks.get(cls)?.get(track) ?? 'blurred') : undefined);
  }

  async #read({ index, rgb }: ArrivedPicture, tracks: readonly Track[], isOld: boolean): Promise<void> {
    const covered = tracks.filter(({ from, boxes }) => index >= from && index < from + boxes.length);
    const wanted = new Set<number>();
    for (const { id, class: cls, from, seen } of covered) {
      const isKnown = isOld || index - from <= seen.lastIndexOf(true);
      if (isKnown && !this.#looks.get(cls)?.isTried(id, index)) wanted.add(id);
    }
    if (wanted.size === 0) return;
    const detections = covered.map(({ id, class: label, from, boxes }) => {
      return { label, box: boxes[index - from] as Track['boxes'][number], score: 1, model: 'track', track: id };
    });
    const read = await readPoses(rgb, detections, this.#job, this.#networks, (track) => wanted.has(track));
    const guides = new Map(read.map(({ track, guide }) => [track, guide]));
    for (const { id, class: cls } of covered) {
      if (wanted.has(id)) this.#looks.get(cls)?.keep(id, index, guides.get(id));
    }
  }
}

import { type Box, CLASSES, type ClassName, type Detection } from '../../core/types.ts';
import { type FrameChange, LOOK_BACK, sceneCuts } from '../cuts.ts';
import { Association, extendBackwards, type FreeBoxes } from './associate.ts';
import { coverTrack } from './cover.ts';
import { candidatesIn, endMarginOf, marginOf, reachOf } from './index.ts';
import { waysOverGap } from './other-ways.ts';
import type { Sighting, Timeline, Track, TrackingOptions } from './types.ts';

/** Steps for which what was seen is remembered beyond those that a thing may be missed: they tell how it moves. */
const MEMORY = 40;
/** Frames after a change of the picture that tell a cut from a flash. */
const AFTER_CUT = LOOK_BACK - 1;

/** One frame of a clip of which no one knows how it goes on. */
export interface ArrivedFrame extends FrameChange {
  /** Ticks, later than those of the frames before. */
  readonly pts: number;
  /** Absent when nobody looked. */
  readonly detections?: readonly Detection[];
}

/** Where a thing is covered in one frame. */
export interface CoveredBox {
  /** The same in all frames of a thing; smaller for what began earlier. */
  readonly track: number;
  readonly class: ClassName;
  /** Pixels, not clipped to the frame: at least what was detected there. */
  readonly box: Box;
  /** Whether it was detected in this frame. */
  readonly seen: boolean;
}

/** A thing that is being followed. Its sightings grow in the association that found it. */
interface Thing {
  readonly track: number;
  readonly sightings: Sighting[];
  /** Once it was there in a frame that is past, its first sighting is settled. */
  isSettled: boolean;
}

interface Followed {
  readonly association: Association;
  readonly things: Thing[];
  readonly free: FreeBoxes[];
}

/**
 * Follows things through a clip that is still arriving, by the rules of `buildTracks` as far as is seen: every frame is
 * covered by what was found in the frames before it and in those that have arrived after it.
 *
 * Association goes on from frame to frame, so that a thing stays the same one; where it is covered is decided anew for
 * each frame. The first `AFTER_CUT` of the frames that have arrived after it only tell whether the picture is cut. Memory
 * grows with the number of frames that are ahead, not with the length of the clip.
 */
export class TrackWindow {
  /** Things of each class that were seen up to now. */
  readonly counts: Record<ClassName, number> = { face: 0, body: 0, plate: 0, text: 0 };
  readonly #size: Pick<Timeline, 'width' | 'height'>;
  readonly #options: TrackingOptions;
  readonly #classes: ReadonlyMap<ClassName, Followed>;
  /** Frames that are remembered, from `#base` on, and their times in steps as far as they are associated. */
  #frames: ArrivedFrame[] = [];
  #times: number[] = [];
  #cuts: number[] = [];
  #base = 0;
  #isCut = false;
  #isOver = false;
  #nextTrack = 0;
  /** Tracks of other ways that a thing may have gone. */
  readonly #ways = new Map<string, { track: number; frame: number }>();

  constructor(size: Pick<Timeline, 'width' | 'height'>, options: TrackingOptions) {
    this.#size = size;
    this.#options = options;
    const reach = reachOf(options);
    this.#classes = new Map(CLASSES.map((cls) => [cls, { association: new Association(reach), things: [], free: [] }]));
  }

  /** Takes the next frame; frames come in order, from 0 on. */
  push(frame: ArrivedFrame): void {
    this.#frames.push(frame);
  }

  /** The latest frame was looked at after all, since it is the last one; no other will come. */
  end(detections: readonly Detection[] | undefined): void {
    const last = this.#frames.pop();
    if (last !== undefined) this.#frames.push(detections === undefined ? last : { ...last, detections });
    this.#isOver = true;
  }

  /**
   * What to cover in a frame that has arrived, one after the other; it is settled then.
   * @throws SampleError for detections that no sound model makes.
   */
  cover(frame: number): CoveredBox[] {
    const newest = this.#base + this.#frames.length - 1;
    const known = this.#isOver ? newest : Math.max(frame, newest - AFTER_CUT);
    for (let next = this.#base + this.#times.length; next <= known; next++) this.#associate(next);
    this.#forget(frame);
    const timeline = this.#timeline();
    const covered: CoveredBox[] = [];
    for (const [cls, followed] of this.#classes) {
      for (const { thing, sightings } of this.#sightings(followed, frame, timeline)) {
        covered.push(...this.#coverThing(thing, cls, sightings, frame, timeline));
      }
    }
    return covered.sort((a, b) => a.track - b.track);
  }

  /**
   * Things of a class that are remembered, as far as they are known: what `cover` would say of frames before and after the
   * one that it was asked for last. Ways that one may have gone besides are left out.
   */
  tracks(cls: ClassName, frame: number): Track[] {
    const timeline = this.#timeline();
    const followed = this.#classes.get(cls) as Followed;
    return this.#sightings(followed, frame, timeline).map(({ thing, sightings }) => {
      const margin = endMarginOf(cls, sightings, this.#options);
      const { from, ...cover } = coverTrack(sightings, timeline, margin);
      return { id: thing.track, class: cls, from: from + this.#base, ...cover };
    });
  }

  #timeline(): Timeline {
    return { ...this.#size, times: this.#times, cuts: this.#cuts.map((cut) => cut - this.#base) };
  }

  /** The next frame is associated with those before. */
  #associate(frame: number): void {
    const at = frame - this.#base;
    const { pts, detections } = this.#frames[at] as ArrivedFrame;
    const before = this.#frames[at - 1];
    const time = before === undefined ? 0 : (this.#times[at - 1] as number) + (pts - before.pts) / this.#usualStep();
    this.#times.push(time);
    const around = this.#frames.slice(Math.max(0, at - LOOK_BACK), at + AFTER_CUT + 1);
    if (sceneCuts(around).includes(frame)) {
      this.#cuts.push(frame);
      this.#isCut = true;
    }
    if (detections === undefined) return;
    for (const [cls, { association, things, free }] of this.#classes) {
      const candidates = candidatesIn({ frame, detections }, cls, this.#options.thresholds[cls]);
      const { born, free: boxes } = association.next(candidates, time, this.#isCut);
      for (const sightings of born) things.push({ track: this.#nextTrack++, sightings, isSettled: false });
      free.push({ frame, boxes });
      this.counts[cls] += born.length;
    }
    this.#isCut = false;
  }

  /** Ticks of a step: the median distance of two frames that are remembered. */
  #usualStep(): number {
    const distances = this.#frames.slice(1).map(({ pts }, i) => pts - (this.#frames[i] as ArrivedFrame).pts);
    return distances.sort((a, b) => a - b)[distances.length >> 1] ?? 1;
  }

  /** Drops what is of no use from `frame` on. */
  #forget(frame: number): void {
    const oldest = (this.#times[frame - this.#base] as number) - reachOf(this.#options) - MEMORY;
    let old = 0;
    while ((this.#times[old] as number) < oldest) old++;
    if (old === 0) return;
    this.#base += old;
    this.#times = this.#times.slice(old);
    this.#frames = this.#frames.slice(old);
    this.#cuts = this.#cuts.filter((cut) => cut >= this.#base);
    const isOld = (of: { readonly frame: number } | undefined): boolean => of !== undefined && of.frame < this.#base;
    for (const { things, free } of this.#classes.values()) {
      while (isOld(free[0])) free.shift();
      for (const { sightings } of things) {
        // The association looks at the last one of a thing that it has not given up, which is never so old.
        while (sightings.length > 1 && isOld(sightings[0])) sightings.shift();
      }
      const left = things.filter(({ sightings }) => !isOld(sightings.at(-1)));
      things.splice(0, things.length, ...left);
    }
    for (const [key, way] of this.#ways) if (isOld(way)) this.#ways.delete(key);
  }

  /** Sightings of all things, counted from `#base`, those before the first sure one included. */
  #sightings(
    { things, free }: Followed,
    frame: number,
    { times, cuts }: Timeline,
  ): { thing: Thing; sightings: Sighting[] }[] {
    const all = things.map((thing) => {
      return { thing, sightings: thing.sightings.map(({ frame, box }) => ({ frame: frame - this.#base, box })) };
    });
    const fresh = all.filter(({ thing }) => !thing.isSettled);
    if (fresh.length === 0) return all;
    const shifted = free.map(({ frame, boxes }) => ({ frame: frame - this.#base, boxes }));
    const extended = fresh.map(({ sightings }) => sightings);
    extendBackwards(extended, shifted, times, cuts, reachOf(this.#options));
    for (const { thing, sightings } of fresh) {
      const first = thing.sightings[0] as Sighting;
      if (first.frame > frame) continue;
      const before = sightings.slice(0, sightings.length - thing.sightings.length);
      thing.sightings.unshift(...before.map(({ frame, box }) => ({ frame: frame + this.#base, box })));
      thing.isSettled = true;
    }
    return all;
  }

  #coverThing(
    { track }: Thing,
    cls: ClassName,
    sightings: readonly Sighting[],
    frame: number,
    timeline: Timeline,
  ): CoveredBox[] {
    const margin = endMarginOf(cls, sightings, this.#options);
    const at = frame - this.#base;
    const [first, last] = [(sightings[0] as Sighting).frame, (sightings.at(-1) as Sighting).frame];
    if (at < first - margin || at > last + margin) return [];
    const cover = coverTrack(sightings, timeline, margin);
    const box = cover.boxes[at - cover.from];
    const covered: CoveredBox[] = [];
    if (box !== undefined) covered.push({ track, class: cls, box, seen: cover.seen[at - cover.from] as boolean });
    const before = sightings.findLastIndex((sighting) => sighting.frame < at);
    if (before < 0 || sightings[before + 1]?.frame === at) return covered;
    for (const [i, way] of waysOverGap(sightings, before, cover, timeline, marginOf(this.#options)).entries()) {
      const other = way?.boxes[at - way.from];
      if (other === undefined) continue;
      const key = `${track} ${(sightings[before] as Sighting).frame + this.#base} ${i}`;
      const known = this.#ways.get(key) ?? { track: this.#nextTrack++ };
      this.#ways.set(key, { ...known, frame });
      covered.push({ track: known.track, class: cls, box: other, seen: false });
    }
    return covered;
  }
}

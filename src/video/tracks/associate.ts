import { boxHeight, boxWidth, iou } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { type BoxMotion, boxAt, correctBox, doubtOf, lengthOf, noiseOf, predictBox, startBox } from './box-motion.ts';
import type { Sighting } from './types.ts';

/** What is found in a frame, of one class: `sure` may begin a track, `weak` may only continue one. */
export interface Candidates {
  readonly frame: number;
  readonly sure: readonly Box[];
  readonly weak: readonly Box[];
}

/** A track while it is followed. */
interface Followed {
  readonly sightings: Sighting[];
  motion: BoxMotion;
  /** Of `motion`, and of the last sighting. */
  time: number;
}

/** Where a track is expected, `dt` steps after its last sighting. */
interface Expected {
  readonly motion: BoxMotion;
  readonly last: Box;
  readonly dt: number;
}

/** How far from where it is expected a thing may be found: in its lengths, and in standard deviations. */
const NEAR = { lengths: 0.6, deviations: 3, most: 2, mostPerStep: 0.5 } as const;
/** The same for weak candidates: chance must not lead a track astray. */
const NEAR_WEAK = 0.4;
/** A thing does not get more than so much longer or shorter, along either axis. */
const RESIZES = { sure: 3, weak: 1.6 } as const;
type Strength = keyof typeof RESIZES;

/**
 * Which boxes are the same thing, frame by frame: the likeliest pairs of an expected and a found box first, sure ones
 * before weak ones (Zhang et al., ByteTrack, 2022), by a motion of constant velocity (Bewley et al., SORT, 2016).
 * In every sure box there is one track.
 */
export class Association {
  readonly #reach: number;
  #active: Followed[] = [];

  /** @param reach steps after which a track is given up. */
  constructor(reach: number) {
    this.#reach = reach;
  }

  /**
   * @param candidates of one class. @param time steps of the frame, later than those before.
   * @param isCut whether nothing is followed from the frames before to this one.
   * @returns tracks that begin here, whose sightings grow from now on; and weak candidates that no track takes.
   */
  next({ frame, sure, weak }: Candidates, time: number, isCut: boolean): { born: Sighting[][]; free: readonly Box[] } {
    this.#active = isCut ? [] : this.#active.filter((track) => time - track.time <= this.#reach);
    const restOfSure = match(this.#active, sure, 'sure', { frame, time });
    const unmatched = this.#active.filter((track) => track.time < time);
    const free = match(unmatched, weak, 'weak', { frame, time });
    const born = restOfSure.map((box) => ({ sightings: [{ frame, box }], motion: startBox(box), time }));
    this.#active.push(...born);
    return { born: born.map(({ sightings }) => sightings), free };
  }
}

/** Weak candidates that no track has taken going forwards. */
export interface FreeBoxes {
  readonly frame: number;
  readonly boxes: readonly Box[];
}

/**
 * Which boxes of a clip are the same thing: forwards as `Association` says, then backwards, weak candidates before the
 * first sure one.
 *
 * @param frames of one class, in order; those without candidates may be left out. @param times steps of every frame.
 * @param cuts frames over which nothing is followed. @param reach steps after which a track is given up.
 * @returns sightings of each track, in order of frames; in every sure box there is one track.
 */
export function associate(
  frames: Iterable<Candidates>,
  times: readonly number[],
  cuts: readonly number[],
  reach: number,
): Sighting[][] {
  const association = new Association(reach);
  const tracks: Sighting[][] = [];
  const free: FreeBoxes[] = [];
  let nextCut = 0;
  for (const candidates of frames) {
    const { frame } = candidates;
    let isCut = false;
    while ((cuts[nextCut] ?? Infinity) <= frame) {
      isCut = true;
      nextCut++;
    }
    const { born, free: boxes } = association.next(candidates, times[frame] as number, isCut);
    tracks.push(...born);
    free.push({ frame, boxes });
  }
  extendBackwards(tracks, free, times, cuts, reach);
  return tracks;
}

/** Pairs tracks with boxes, likeliest first, and takes the boxes into them. @returns the boxes that no track takes. */
function match(
  tracks: readonly Followed[],
  boxes: readonly Box[],
  strength: Strength,
  { frame, time }: { readonly frame: number; readonly time: number },
): Box[] {
  const expected = tracks.map((track) => {
    const { box } = track.sightings.at(-1) as Sighting;
    const dt = Math.abs(time - track.time);
    return { track, motion: predictBox(track.motion, dt, noiseOf(box)), last: box, dt };
  });
  const pairs = expected.flatMap((one) =>
    boxes.flatMap((box) => {
      const cost = costOf(one, box, strength);
      return cost === undefined ? [] : [{ ...one, box, cost }];
    }),
  );
  pairs.sort((a, b) => a.cost - b.cost);
  const taken = new Set<Box>();
  const placed = new Set<Followed>();
  for (const { track, motion, box } of pairs) {
    if (taken.has(box) || placed.has(track)) continue;
    taken.add(box);
    placed.add(track);
    track.sightings.push({ frame, box });
    track.motion = correctBox(motion, box);
    track.time = time;
  }
  return boxes.filter((box) => !taken.has(box));
}

/** How unlikely it is that `found` is what is expected; undefined when it cannot be. */
function costOf({ motion, last, dt }: Expected, found: Box, strength: Strength): number | undefined {
  const box = boxAt(motion);
  const resized = (of: (box: Box) => number): number => {
    const ratio = of(last) / of(found);
    return Math.max(ratio, 1 / ratio);
  };
  if (!(Math.max(resized(boxWidth), resized(boxHeight)) <= RESIZES[strength])) return undefined;
  const length = Math.max(lengthOf(last), lengthOf(found));
  const dx = (box.x1 + box.x2 - found.x1 - found.x2) / 2;
  const dy = (box.y1 + box.y2 - found.y1 - found.y2) / 2;
  const distance = Math.hypot(dx, dy) / length;
  const most = NEAR.most + NEAR.mostPerStep * dt;
  const near =
    strength === 'weak' ? NEAR_WEAK : Math.min(most, NEAR.lengths + (NEAR.deviations * doubtOf(motion)) / length);
  return distance <= near ? distance + 1 - iou(box, found) : undefined;
}

/** Lets every track continue over weak candidates before its first frame, in place. */
export function extendBackwards(
  tracks: readonly Sighting[][],
  free: readonly FreeBoxes[],
  times: readonly number[],
  cuts: readonly number[],
  reach: number,
): void {
  const starts = new Map<number, Sighting[][]>();
  for (const track of tracks) {
    const first = (track[0] as Sighting).frame;
    starts.set(first, [...(starts.get(first) ?? []), track]);
  }
  let active: { readonly track: Sighting[]; readonly followed: Followed; readonly scene: number }[] = [];
  for (const { frame, boxes } of [...free].reverse()) {
    const time = times[frame] as number;
    active = active.filter(({ followed, scene }) => frame >= scene && followed.time - time <= reach);
    match(
      active.map(({ followed }) => followed),
      boxes,
      'weak',
      { frame, time },
    );
    for (const track of starts.get(frame) ?? []) {
      const followed = followBack(track, times);
      active.push({ track, followed, scene: cuts.findLast((cut) => cut <= frame) ?? 0 });
    }
    for (const { track, followed } of active) {
      const last = followed.sightings.at(-1) as Sighting;
      if (last.frame < (track[0] as Sighting).frame) track.unshift(last);
    }
  }
}

/** How many sightings tell how a track moves at its beginning. */
const MEMORY = 12;

/** The track as it is followed backwards in time, at its first frame. */
function followBack(track: readonly Sighting[], times: readonly number[]): Followed {
  const [latest, ...earlier] = track.slice(0, MEMORY).reverse() as [Sighting, ...Sighting[]];
  let motion = startBox(latest.box);
  let time = times[latest.frame] as number;
  for (const { frame, box } of earlier) {
    const now = times[frame] as number;
    motion = correctBox(predictBox(motion, time - now, noiseOf(box)), box);
    time = now;
  }
  return { sightings: [track[0] as Sighting], motion, time };
}

import { boundingBox, isEmptyBox, unite } from '../../core/geometry.ts';
import { type Box, CLASSES, type ClassName, type Detection } from '../../core/types.ts';
import { SampleError } from '../../errors.ts';
import { associate, type Candidates } from './associate.ts';
import { CandidateStore } from './candidate-store.ts';
import { coverTrack } from './cover.ts';
import { otherWays } from './other-ways.ts';
import type { FrameDetections, Sighting, Timeline, Track, TrackingOptions } from './types.ts';

export type { FrameDetections, Timeline, Track, TrackingOptions, TrackWord } from './types.ts';

/** Frames in a row in which a thing may be missed, and is covered nevertheless. */
export const MISSED = 8;
/** Frames more for plates, at most. */
const MORE_FOR_PLATES = 8;
/** A thing that is found again after so many frames is followed over them: what lies between is covered, too. */
const REACH = 24;

/** Frames in which a thing may be missed before it is found again. */
export function marginOf({ detectEvery }: Pick<TrackingOptions, 'detectEvery'>): number {
  return MISSED + detectEvery;
}

/**
 * Frames that are covered before the first and after the last sighting of a thing. Plates are small, and mostly still
 * there where they are lost in the middle of the picture: one is covered for as many frames more as it was seen in.
 */
export function endMarginOf(cls: ClassName, sightings: readonly Sighting[], options: TrackingOptions): number {
  return marginOf(options) + (cls === 'plate' ? Math.min(MORE_FOR_PLATES, sightings.length - 1) : 0);
}

/** Steps after which a thing that was not found again is given up. */
export function reachOf({ detectEvery }: Pick<TrackingOptions, 'detectEvery'>): number {
  return REACH + 2 * detectEvery;
}

/**
 * Follows what was found in the frames of a clip, and covers it in those in which it was not found.
 *
 * Every detection that may begin a track lies in the box of a track of its frame. Of detections with an outline, the
 * box around it is followed. Costs time and memory in proportion to frames and detections.
 */
export function buildTracks(frames: Iterable<FrameDetections>, timeline: Timeline, options: TrackingOptions): Track[] {
  const builder = new TrackBuilder(options);
  for (const frame of frames) builder.add(frame);
  return [...builder.tracks(timeline)];
}

/** `buildTracks` of frames that come one by one, into tracks of which only one is in memory at a time. */
export class TrackBuilder {
  readonly #options: TrackingOptions;
  readonly #candidates = new Map(CLASSES.map((cls) => [cls, new CandidateStore()]));

  constructor(options: TrackingOptions) {
    this.#options = options;
  }

  /** Takes the next frame that was looked at. @throws SampleError for a box that is not finite. */
  add(frame: FrameDetections): void {
    for (const [cls, store] of this.#candidates) store.add(candidatesIn(frame, cls, this.#options.thresholds[cls]));
  }

  /** The tracks of all frames, in the order of their numbers. To be called once. */
  *tracks(timeline: Timeline): Generator<Track> {
    const options = this.#options;
    const margin = marginOf(options);
    let id = 0;
    for (const [cls, candidates] of this.#candidates) {
      const found = associate(candidates, timeline.times, timeline.cuts, reachOf(options));
      this.#candidates.delete(cls);
      found.sort(byStart).reverse();
      for (let sightings = found.pop(); sightings !== undefined; sightings = found.pop()) {
        const cover = coverTrack(sightings, timeline, endMarginOf(cls, sightings, options));
        yield { id: id++, class: cls, ...cover };
        for (const way of otherWays(sightings, cover, timeline, margin)) yield { id: id++, class: cls, ...way };
      }
    }
  }
}

/** @throws SampleError for a box that is not finite. */
export function candidatesIn({ frame, detections }: FrameDetections, cls: ClassName, threshold: number): Candidates {
  const of = (isWanted: (score: number) => boolean): Box[] =>
    detections
      .filter(({ label, score }) => label === cls && isWanted(score))
      .map(boxOf)
      .filter((box) => !isEmptyBox(box))
      .sort(byPlace);
  return { frame, sure: of((score) => score >= threshold), weak: of((score) => score < threshold) };
}

/** @throws SampleError for a box that is not finite: its model must not pass for one that found nothing. */
function boxOf({ label, box, polygon }: Detection): Box {
  const whole = polygon === undefined || polygon.length === 0 ? { ...box } : unite(box, boundingBox(polygon));
  if (Object.values(whole).every(Number.isFinite)) return whole;
  const received = Object.values(whole).join(', ');
  throw new SampleError(
    'detect',
    'invalid-region',
    `Expected finite coordinates for ${label} but received ${received}`,
  );
}

function byPlace(a: Box, b: Box): number {
  return a.x1 - b.x1 || a.y1 - b.y1 || a.x2 - b.x2 || a.y2 - b.y2;
}

function byStart([a]: readonly Sighting[], [b]: readonly Sighting[]): number {
  if (a === undefined || b === undefined) return 0;
  return a.frame - b.frame || byPlace(a.box, b.box);
}

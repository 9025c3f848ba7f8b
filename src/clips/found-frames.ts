import { CutFinder } from '../video/cuts.ts';
import { type Timeline, type Track, TrackBuilder } from '../video/tracks/index.ts';
import type { ClipInfo } from '../video/types.ts';
import type { DetectedFrame } from '../worker/clip.ts';
import type { FirstPass } from './first-pass.ts';
import { givenTracks } from './given-tracks.ts';

/** What was found in a clip, frame by frame, kept small until things are followed through all of it. */
export class FoundFrames {
  readonly #settings: FirstPass['settings'];
  readonly #builder: TrackBuilder;
  readonly #cuts = new CutFinder();
  /** Frames whose boxes came with the clip. */
  readonly #given: DetectedFrame[] = [];

  constructor(settings: FirstPass['settings']) {
    this.#settings = settings;
    this.#builder = new TrackBuilder(settings);
  }

  /** Takes the next frame. @throws SampleError for detections that no sound model makes. */
  add(found: DetectedFrame): void {
    const { frame, detections } = found;
    this.#cuts.add(found);
    if (detections?.some(({ origin }) => origin === 'given')) this.#given.push(found);
    else if (detections !== undefined) this.#builder.add({ frame, detections });
  }

  /** Whether boxes came with the clip in the place of detections. */
  get isGiven(): boolean {
    return this.#given.length > 0;
  }

  /** Tracks over the whole clip, one by one. To be called once. */
  *tracks({ height, pts, width }: Pick<ClipInfo, 'height' | 'pts' | 'width'>): Generator<Track> {
    if (this.isGiven) {
      const { thresholds } = this.#settings;
      yield* givenTracks(this.#given, (cls) => thresholds[cls] < Infinity);
      return;
    }
    const timeline: Timeline = { width, height, times: stepsOf(pts), cuts: this.#cuts.end() };
    yield* this.#builder.tracks(timeline);
  }
}

/** Times in steps of the usual distance between two frames: the median. */
function stepsOf(pts: readonly number[]): number[] {
  const distances = Float64Array.from(pts.slice(1), (at, i) => at - (pts[i] as number));
  const usual = distances.sort()[distances.length >> 1] ?? 1;
  return pts.map((at) => (at - (pts[0] as number)) / usual);
}

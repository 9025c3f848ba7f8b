import { splitExtension } from '../../io/extensions.ts';
import type { SampleKeys } from '../../io/sample-keys.ts';
import { keyOf } from '../../io/shard-plan.ts';
import type { ListedSample } from '../../io/source.ts';
import { TargetNames } from '../../io/target-names.ts';
import type { ListedClip } from '../list.ts';
import type { ClipFrames } from './plan.ts';

/** A sample of a run that publishes frames: an image, or a clip that gave none. */
export interface FrameSample {
  readonly clip: ListedClip;
  /** Index of the frame in its clip; absent for a clip that gives no image. */
  readonly frame?: number;
}

/**
 * The samples of such a run in their order: the chosen frames of each clip, called `<clip>_<frame>`, or one for a clip of
 * which nothing is published, called as the clip is.
 */
export class FrameSamples implements SampleKeys {
  readonly total: number;
  readonly #clips: readonly ListedClip[];
  readonly #frames: readonly ClipFrames[];
  /** Index of the first sample of each clip, and after the last one. */
  readonly #starts: readonly number[];
  /** What the folder of each clip's images is called with `--format folder`. */
  readonly #folders: readonly string[];

  /** @param frames of each clip. */
  constructor(clips: readonly ListedClip[], frames: readonly ClipFrames[]) {
    this.#clips = clips;
    this.#frames = frames;
    const starts = [0];
    for (const outcome of frames) starts.push((starts.at(-1) as number) + lengthOf(outcome));
    this.#starts = starts;
    this.total = starts.at(-1) as number;
    const names = new TargetNames();
    this.#folders = clips.map(({ relativePath }) => names.claim(splitExtension(relativePath).stem).path);
  }

  /** @throws RangeError for an index beyond the last. */
  of(index: number): FrameSample {
    const at = lastUpTo(this.#starts, index);
    const clip = this.#clips[at];
    const outcome = this.#frames[at];
    if (clip === undefined || outcome === undefined) {
      throw new RangeError(`Expected an index below ${this.total} but received ${index}`);
    }
    if ('status' in outcome) return { clip };
    return { clip, frame: outcome.frames[index - (this.#starts[at] as number)] as number };
  }

  /** Index of the first sample of a clip; for the number of clips, the one after the last sample. */
  startOf(clip: number): number {
    return this.#starts[clip] as number;
  }

  readonly at = (index: number): ListedSample => {
    const { clip, frame } = this.of(index);
    const folder = this.#folders[clip.index] as string;
    if (frame === undefined) return { index, origin: { path: clip.path }, relativePath: folder };
    return {
      index,
      origin: { path: clip.path, member: `frame ${frame}` },
      relativePath: `${folder}/${keyOf(frame)}`,
    };
  };

  keyOf(index: number): string {
    const { clip, frame } = this.of(index);
    return frame === undefined ? clip.key : `${clip.key}_${keyOf(frame)}`;
  }

  indexOf(key: string): number | undefined {
    const [, clip, frame] = /^(\d{9,15})(?:_(\d{9,15}))?$/.exec(key) ?? [];
    const outcome = this.#frames[Number(clip)];
    if (outcome === undefined) return undefined;
    const within = 'status' in outcome ? (frame === undefined ? 0 : -1) : positionOf(outcome.frames, Number(frame));
    return within < 0 ? undefined : this.startOf(Number(clip)) + within;
  }
}

function lengthOf(outcome: ClipFrames): number {
  return 'status' in outcome ? 1 : outcome.frames.length;
}

/** Position of the last of increasing values that is not above `value`; −1 for none. */
function lastUpTo(values: readonly number[], value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Position of a value among increasing ones; −1 when it is not there. */
function positionOf(values: readonly number[], value: number): number {
  const at = lastUpTo(values, value);
  return values[at] === value ? at : -1;
}

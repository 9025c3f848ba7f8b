import type { Box, ClassName } from '../core/types.ts';
import type { Track } from '../video/tracks/index.ts';

/** Whether a thing was detected in a frame, or what somebody else says. */
const STATES = ['inferred', 'seen', 'removed', 'given', 'review'] as const;
type TrackState = (typeof STATES)[number];

/** A track in 33 bytes a frame, since all those of a clip are held as long as it is in work. */
export class PackedTrack {
  readonly id: number;
  readonly class: ClassName;
  /** First frame. */
  readonly from: number;
  /** x1, y1, x2, y2 of every frame. */
  readonly #boxes: Float64Array;
  /** Index into `STATES`, of every frame. */
  readonly #states: Uint8Array;

  constructor({ id, class: cls, from, boxes, seen, said }: Track) {
    this.id = id;
    this.class = cls;
    this.from = from;
    this.#boxes = new Float64Array(4 * boxes.length);
    let next = 0;
    for (const { x1, y1, x2, y2 } of boxes) for (const side of [x1, y1, x2, y2]) this.#boxes[next++] = side;
    this.#states = Uint8Array.from(seen, (isSeen, i) => STATES.indexOf(said?.[i] ?? (isSeen ? 'seen' : 'inferred')));
  }

  /** Frames. */
  get length(): number {
    return this.#states.length;
  }

  /** In frame `from + i`. */
  boxAt(i: number): Box {
    const side = (k: number): number => this.#boxes[4 * i + k] as number;
    return { x1: side(0), y1: side(1), x2: side(2), y2: side(3) };
  }

  stateAt(i: number): TrackState {
    return STATES[this.#states[i] as number] as TrackState;
  }

  /** Whether it was detected, or somebody else says that it is there. */
  isSeenAt(i: number): boolean {
    const state = this.stateAt(i);
    return state !== 'inferred' && state !== 'removed';
  }

  /** Whether it is seen in any frame. */
  get isSeen(): boolean {
    return this.#states.some((_, i) => this.isSeenAt(i));
  }
}

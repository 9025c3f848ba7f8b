import type { FollowedGuide } from '../core/types.ts';
import type { Look } from '../video/looks/types.ts';

/** How one looks in the frames of its track. */
export interface Looks {
  /** In the i-th frame of the track. */
  at(i: number): Look | undefined;
}

/**
 * Guides of something followed, as far as they are known, in the frames of its track: 8 bytes for each of their numbers and
 * 2 for each frame. What else is in them, such as names of fields, is kept once for all that have the same.
 */
export class PackedGuides {
  /** Frames of the track. */
  readonly length: number;
  /** Frames whose guide is known. */
  count = 0;
  /** Guides as JSON with 0 for every number. */
  readonly #forms: string[] = [];
  /** Of every frame: one more than the index of its form; 0 where the guide is not known. */
  readonly #formOf: Uint16Array;
  #numbers = new Float64Array(0);
  /** Numbers of a frame, at most. */
  #width = 0;

  constructor(length: number) {
    this.length = length;
    this.#formOf = new Uint16Array(length);
  }

  /** Keeps the guide of the i-th frame. */
  set(i: number, guide: FollowedGuide): void {
    const numbers: number[] = [];
    const form = JSON.stringify(guide, (_, value) => {
      if (typeof value !== 'number') return value;
      numbers.push(value);
      return 0;
    });
    if (!this.#forms.includes(form)) this.#forms.push(form);
    if (numbers.length > this.#width) this.#widen(numbers.length);
    if (this.#formOf[i] === 0) this.count++;
    this.#formOf[i] = this.#forms.indexOf(form) + 1;
    this.#numbers.set(numbers, i * this.#width);
  }

  at(i: number): FollowedGuide | undefined {
    const form = this.#forms[(this.#formOf[i] ?? 0) - 1];
    if (form === undefined) return undefined;
    let next = i * this.#width;
    return JSON.parse(form, (_, value) => (typeof value === 'number' ? this.#numbers[next++] : value));
  }

  #widen(width: number): void {
    const wider = new Float64Array(this.length * width);
    for (let i = 0; i < this.length; i++) {
      wider.set(this.#numbers.subarray(i * this.#width, (i + 1) * this.#width), i * width);
    }
    this.#numbers = wider;
    this.#width = width;
  }
}

/** The looks of something followed, kept as small as its guides. @param looks of every frame of its track. */
export function packLooks(looks: readonly Look[]): Looks {
  const guides = new PackedGuides(looks.length);
  for (const [i, look] of looks.entries()) if (look !== 'blurred') guides.set(i, look);
  return { at: (i) => guides.at(i) ?? 'blurred' };
}

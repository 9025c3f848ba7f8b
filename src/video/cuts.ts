import type { RgbImage } from '../core/types.ts';
import { divide, meanCells } from '../redact/cells.ts';

/** Mean colours of a frame over a coarse grid, row by row, R, G, B, 0…255. */
export type Glance = Float64Array;

export const GLANCE_COLUMNS = 16;
export const GLANCE_ROWS = 12;
/** Frames back to which a frame is compared: a flash that is no longer does not cut. */
export const LOOK_BACK = 5;

/** Mean differences, 0…255. The first may be a cut, so that it is looked at; from the second on, it is one. */
const LOOK = 14;
const CUT = 28;
/** A cut changes more than so many times what the frames before it changed: a fast turn of the camera goes on. */
const SUDDEN = 2.5;
/** What comes back to less than this share of a change was a flash. */
const BACK = 0.5;

/** How much a frame differs from those before it. */
export interface FrameChange {
  readonly frame: number;
  /** Mean difference to the frame before, the one before that, and so on; up to `LOOK_BACK`, fewer at the beginning. */
  readonly differences: readonly number[];
}

export function glanceAt(image: RgbImage): Glance {
  const { width, height } = image;
  return meanCells(
    image,
    divide(0, width, width / GLANCE_COLUMNS, width),
    divide(0, height, height / GLANCE_ROWS, height),
  ).value;
}

/** @param before glances at the frames before, the nearest first. */
export function changeSince(frame: number, glance: Glance, before: readonly Glance[]): FrameChange {
  const differences = before.slice(0, LOOK_BACK).map((other) => {
    let sum = 0;
    for (let i = 0; i < glance.length; i++) sum += Math.abs((glance[i] as number) - (other[i] as number));
    return Math.round((10 * sum) / glance.length) / 10;
  });
  return { frame, differences };
}

/** Whether a scene may begin with the frame: somebody must look at it, whatever `--detect-every` says. */
export function mayBeCut({ frame, differences }: FrameChange): boolean {
  return frame === 0 || (differences[0] ?? 0) >= LOOK;
}

/**
 * First frames of scenes: sudden changes of the picture after which it does not come back. What is taken for a cut is
 * followed no further, so that in doubt there is none.
 *
 * @param changes of every frame, in order.
 */
export function sceneCuts(changes: readonly FrameChange[]): number[] {
  const cuts: number[] = [];
  for (const [i, { frame, differences }] of changes.entries()) {
    const change = differences[0];
    if (change === undefined || change < CUT) continue;
    const usual = Math.max(0, ...changes.slice(Math.max(0, i - LOOK_BACK), i).map((c) => c.differences[0] ?? 0));
    const isLike = (difference: number): boolean => difference < Math.min(CUT, BACK * change);
    // It is like a frame before the one before: a flash ends here.
    const comesBack = differences.slice(1).some(isLike);
    const isFlash = changes.slice(i + 1, i + LOOK_BACK).some((later, k) => {
      const toBefore = later.differences[k + 1];
      return toBefore !== undefined && isLike(toBefore);
    });
    if (change > SUDDEN * usual && !comesBack && !isFlash) cuts.push(frame);
  }
  return cuts;
}

/** `sceneCuts` of frames that come one by one, of which only a few are remembered. */
export class CutFinder {
  readonly #cuts: number[] = [];
  /** The latest frames: as many as tell whether one in their middle is a cut. */
  readonly #near: FrameChange[] = [];

  /** Takes the next frame. */
  add(change: FrameChange): void {
    this.#near.push(change);
    if (this.#near.length > 2 * LOOK_BACK) this.#near.shift();
    this.#settle(this.#near.length - LOOK_BACK);
  }

  /** No more frames come. @returns first frames of scenes. */
  end(): readonly number[] {
    for (let at = Math.max(0, this.#near.length - LOOK_BACK + 1); at < this.#near.length; at++) this.#settle(at);
    return this.#cuts;
  }

  #settle(at: number): void {
    const frame = this.#near[at]?.frame;
    if (frame !== undefined && sceneCuts(this.#near).includes(frame)) this.#cuts.push(frame);
  }
}

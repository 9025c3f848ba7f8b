import type { Box, ClassName, FollowedGuide } from '../../core/types.ts';
import { steadyBody } from './steady-body.ts';
import { steadyFace } from './steady-face.ts';

/** Numbers that the next frame goes on from. */
export type Carried = readonly (readonly number[])[];

/** Something that is followed, drawn evenly from frame to frame. */
export interface Steady {
  /**
   * How it is drawn in the i-th of its frames.
   * @param carried from the frame in which it was drawn last, mostly the one before.
   */
  at(i: number, carried: Carried | undefined): { readonly guide: FollowedGuide; readonly carried: Carried };
}

/**
 * How something that is followed is drawn, by the frames in which its pose could be read: averaged over the frames next to
 * them, straight between those that are farther apart, and the same as the nearest one beyond them.
 *
 * @param read of every frame; at least one.
 * @param boxes of every frame, pixels.
 */
export function steadyIn(cls: ClassName, read: readonly (FollowedGuide | undefined)[], boxes: readonly Box[]): Steady {
  return cls === 'face' ? steadyFace(read, boxes) : steadyBody(read, boxes);
}

/** The same in all frames, one after the other. */
export function inEveryFrame(steady: Steady, frames: number): FollowedGuide[] {
  let carried: Carried | undefined;
  return Array.from({ length: frames }, (_, i) => {
    const drawn = steady.at(i, carried);
    carried = drawn.carried;
    return drawn.guide;
  });
}

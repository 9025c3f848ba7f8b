import type { ClipInfo, FrameRange } from './types.ts';

/**
 * What decoding and encoding some frames of a clip needs to know of it: as much for a long clip as for a short one. Plain
 * data, as `ClipInfo` is.
 */
export interface ClipStretch extends Omit<ClipInfo, 'pts' | 'keyframes'> {
  /** Frames of the whole clip. */
  readonly frames: number;
  /** Index of the first frame whose time is known, and the ticks of it and of those that follow. */
  readonly first: number;
  readonly pts: readonly number[];
  /** Seconds into the clip at which the decoder is to begin; absent for its beginning. */
  readonly seek?: number;
}

/** The part of a clip that frames `from` to `to - 1` are in. */
export function stretchOf(clip: ClipInfo, { from, to }: FrameRange): ClipStretch {
  const { keyframes, pts, ...described } = clip;
  const seek = seekFor(clip, from);
  const own = { frames: pts.length, first: from, pts: pts.slice(from, to) };
  return { ...described, ...own, ...(seek !== undefined && { seek }) };
}

/** Between the key frame and the next frame, so that rounding to microseconds reaches neither of their neighbours. */
function seekFor({ keyframes, pts, timeBase }: ClipInfo, from: number): number | undefined {
  const key = keyframes.findLast((index) => index <= from) ?? 0;
  const at = pts[key];
  if (key === 0 || at === undefined) return undefined;
  return (((at + (pts[key + 1] ?? at + 1)) / 2) * timeBase.num) / timeBase.den;
}

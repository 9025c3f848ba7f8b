import type { Box } from '../../core/types.ts';
import { lengthOf } from './box-motion.ts';
import type { Timeline } from './types.ts';

/** Standard deviations that are covered where nothing was found. */
const DEVIATIONS = 2;
/** What is covered ahead of and behind a moving side, in steps of its speed: it moves while a frame is exposed. */
const EXPOSURE = 0.25;
/** What is covered of the way that a thing has gone unseen, since what goes fast may also get faster or slower. */
const HASTE = 0.3;
/**
 * Most that a box grows on each side for want of knowledge: in its lengths beside that share of the way, and in the
 * length of the frame, since a large box would flood the picture.
 */
const MOST = { lengths: 0.4, frame: 0.08 } as const;

/** What a moving side needs although it was seen, pixels. @param speed pixels a step. */
export function exposed(speed: number): number {
  return EXPOSURE * Math.abs(speed);
}

/** What is known of a side that is not seen. */
interface Unseen {
  /** Pixels a step. */
  readonly speed: number;
  /** Steps to the nearest frame in which the thing was seen. */
  readonly unseen: number;
  /** Of where it is expected, pixels². */
  readonly variance: number;
}

/** How far beyond where it is expected a side may be, pixels. @param box the thing as it was last seen. */
export function doubtAt(
  box: Box,
  { speed, unseen, variance }: Unseen,
  { width, height }: Pick<Timeline, 'width' | 'height'>,
): number {
  const astray = HASTE * Math.abs(speed) * unseen;
  const most = Math.min(MOST.lengths * lengthOf(box) + astray, MOST.frame * Math.sqrt(width * height));
  return Math.min(most, Math.hypot(astray, DEVIATIONS * Math.sqrt(variance)) + exposed(speed));
}

import type { Box } from '../../core/types.ts';
import { lengthOf, type Side } from './box-motion.ts';
import type { Timeline } from './types.ts';

/** Share of a length within which a side that close to the border counts as cut off there. */
const AT_BORDER = 0.04;
/** Share of a length that stays covered at the border over which a thing is leaving or entering. */
const REMAINS = 0.15;

type Frame = Pick<Timeline, 'width' | 'height'>;

export function borderOf(side: Side, { width, height }: Frame): number {
  return side === 'x2' ? width : side === 'y2' ? height : 0;
}

export function isAtBorder(box: Box, side: Side, frame: Frame): boolean {
  const near = Math.max(2, AT_BORDER * lengthOf(box));
  const border = borderOf(side, frame);
  return side === 'x1' || side === 'y1' ? box[side] <= border + near : box[side] >= border - near;
}

/** A thing of `length` pixels that is expected to have left may show a little longer: some of it stays covered. */
export function keptInside({ x1, y1, x2, y2 }: Box, length: number, { width, height }: Frame): Box {
  const least = REMAINS * length;
  return {
    x1: Math.min(x1, width - least),
    y1: Math.min(y1, height - least),
    x2: Math.max(x2, least),
    y2: Math.max(y2, least),
  };
}

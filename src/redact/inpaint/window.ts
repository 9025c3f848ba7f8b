import { boxHeight, boxWidth } from '../../core/geometry.ts';
import type { Box, RgbImage } from '../../core/types.ts';
import type { Scene } from '../patch.ts';
import type { Gap } from './gap.ts';

/** Least distance in pixels that is looked at around a gap. */
const LEAST_MARGIN = 24;

/** How many cells a gap, and its window, may have at the level that is searched. */
const MOST_CELLS = { gap: 2_200, window: 150_000 } as const;

/** Where a gap's filling is taken from. */
export interface Window {
  readonly box: Box;
  /** Pixels along a cell. */
  readonly scale: number;
}

/**
 * The surroundings of a gap in which there is enough known to fill it: about its own size on every side, and more,
 * up to the whole image, while less is known than is to be filled. Undefined when nothing is known at all.
 */
export function windowAround({ image, covered }: Scene, gap: Gap): Window | undefined {
  const { box, area } = gap;
  let margin = Math.ceil(Math.max(LEAST_MARGIN, 0.8 * Math.sqrt(area), 0.5 * boxWidth(box), 0.5 * boxHeight(box)));
  for (; ; margin *= 2) {
    const window = grown(box, margin, image);
    const whole = boxWidth(window) === image.width && boxHeight(window) === image.height;
    const known = countKnown(covered, image.width, window);
    if (!whole && known < area) continue;
    if (known === 0) return undefined;
    const pixels = boxWidth(window) * boxHeight(window);
    const scale = Math.sqrt(Math.max(area / MOST_CELLS.gap, pixels / MOST_CELLS.window));
    return { box: window, scale: Math.max(1, Math.ceil(scale - 0.1)) };
  }
}

function grown({ x1, y1, x2, y2 }: Box, margin: number, { width, height }: RgbImage): Box {
  return {
    x1: Math.max(0, x1 - margin),
    y1: Math.max(0, y1 - margin),
    x2: Math.min(width, x2 + margin),
    y2: Math.min(height, y2 + margin),
  };
}

function countKnown(covered: Uint8Array, width: number, { x1, y1, x2, y2 }: Box): number {
  let n = 0;
  for (let y = y1; y < y2; y++) for (let i = y * width + x1; i < y * width + x2; i++) n += 1 - (covered[i] as number);
  return n;
}

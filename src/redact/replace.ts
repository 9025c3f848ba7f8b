import type { Box, ClassName, Region } from '../core/types.ts';
import type { BODY_FILLS, TEXT_FILLS } from './fills.ts';
import { inpaint } from './inpaint.ts';
import type { Replacer } from './patch.ts';
import { type FaceModel, faceReplacer } from './synthetic/face/index.ts';
import { mannequin } from './synthetic/mannequin.ts';
import { syntheticPlate } from './synthetic/plate.ts';
import { syntheticText } from './synthetic/text.ts';

/** What `synthetic` puts in the place of what it replaces. */
export interface ReplacementOptions {
  readonly bodyFill?: (typeof BODY_FILLS)[number];
  readonly textFill?: (typeof TEXT_FILLS)[number];
  /** What synthetic faces are drawn from; without it, they are blurred. */
  readonly faces?: FaceModel;
}

const none: Replacer = () => undefined;

/** Whether `synthetic` leaves nothing but the background there. */
export function isErased(cls: ClassName, { bodyFill = 'erase', textFill = 'glyphs' }: ReplacementOptions): boolean {
  return (cls === 'body' && bodyFill === 'erase') || (cls === 'text' && textFill === 'erase');
}

/** Who makes the replacement of a region of mode `inpaint` or `synthetic`. */
export function replacerFor({ class: cls, mode }: Region, options: ReplacementOptions): Replacer {
  if (mode === 'inpaint' || isErased(cls, options)) return inpaint;
  switch (cls) {
    case 'face':
      return options.faces ? faceReplacer(options.faces) : none;
    case 'plate':
      return syntheticPlate;
    case 'text':
      return syntheticText;
    case 'body':
      return mannequin;
  }
}

/**
 * Where a body is erased or a mannequin stands for it, its face and what is written on it go with it: a replacement
 * of them would hang in the air. So does text on a plate that another plate stands for.
 */
export function withoutErased(regions: readonly Region[]): Region[] {
  const gone = regions.filter((r) => r.class === 'body' && (r.mode === 'inpaint' || r.mode === 'synthetic'));
  const plates = regions.filter((r) => r.class === 'plate' && (r.mode === 'inpaint' || r.mode === 'synthetic'));
  const isOnOne = (region: Region, others: readonly Region[]): boolean =>
    others.some((other) => holds(other.core, middle(region.core)));
  const isGone = (region: Region): boolean =>
    region.mode === 'synthetic' &&
    ((region.class !== 'body' && isOnOne(region, gone)) || (region.class === 'text' && isOnOne(region, plates)));
  return regions.map((region) => (isGone(region) ? { ...region, mode: 'inpaint' } : region));
}

const middle = ({ x1, y1, x2, y2 }: Box): { x: number; y: number } => ({ x: (x1 + x2) / 2, y: (y1 + y2) / 2 });

const holds = (box: Box, { x, y }: { x: number; y: number }): boolean =>
  x >= box.x1 && x < box.x2 && y >= box.y1 && y < box.y2;

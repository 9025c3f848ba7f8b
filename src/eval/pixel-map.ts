import type { Region } from '../core/types.ts';
import { rowSpans } from '../redact/mask.ts';
import type { LabelledObject } from './labels/types.ts';
import type { ClassMeasurement, MeasuredRegion } from './measure-image.ts';
import { outlineOf, pixelRuns, withMargin } from './pixels.ts';

/**
 * Share of an object's own width and height around it that is no background: what is redacted there belongs to a
 * region that reaches a little beyond its object, as growth wants it to, and takes nothing else away.
 */
const MARGIN = 0.25;

/** Values above every level: labelled or in the margin of a label, hence no background. */
export const LABELLED = 0xffff;
export const MARGINAL = 0xfffe;

/** Sets every pixel of a region. */
export function paint(
  region: Region,
  width: number,
  height: number,
  into: Uint8Array | Uint16Array,
  value: number,
): void {
  const { y1, start, end } = rowSpans(region, width, height);
  for (let i = 0; i < start.length; i++) {
    const row = (y1 + i) * width;
    into.fill(value, row + (start[i] as number), row + (end[i] as number));
  }
}

/** Marks what surrounds the labels as well and counts it, and what of it is redacted above the level `operating`. */
export function markMargins(
  labelled: readonly LabelledObject[],
  map: Uint16Array,
  width: number,
  height: number,
  operating: number,
): ClassMeasurement['margin'] {
  let pixels = 0;
  let redacted = 0;
  for (const object of labelled) {
    for (const { y, x1, x2 } of pixelRuns(withMargin(outlineOf(object), MARGIN), width, height)) {
      for (let i = y * width + x1; i < y * width + x2; i++) {
        const level = map[i] as number;
        if (level >= MARGINAL) continue;
        pixels++;
        if (level > operating) redacted++;
        map[i] = MARGINAL;
      }
    }
  }
  return { pixels, redacted };
}

/** Pixels of a region, and those outside labels and margins. */
export function outsideOf(
  region: Region,
  width: number,
  height: number,
  map: Uint16Array,
): Pick<MeasuredRegion, 'area' | 'outside'> {
  const { y1, start, end } = rowSpans(region, width, height);
  let area = 0;
  let outside = 0;
  for (let i = 0; i < start.length; i++) {
    const row = (y1 + i) * width;
    for (let at = row + (start[i] as number); at < row + (end[i] as number); at++) {
      area++;
      if ((map[at] as number) < MARGINAL) outside++;
    }
  }
  return { area, outside };
}

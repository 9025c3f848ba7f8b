import type { RgbImage } from '../core/types.ts';
import { differenceOf } from './cut-out.ts';

/** Mean absolute difference, in steps of 255, that encoding alone makes… */
const ENCODING = 2.5;
/** …also on strong contrasts, as a share of the standard deviation. */
const CONTRAST = 0.12;

/** Whether a crop looks as before but for its encoding. */
export function isUntouched(before: RgbImage, after: RgbImage): boolean {
  return differenceOf(before, after) < Math.max(ENCODING, CONTRAST * deviation(before));
}

function deviation({ data }: RgbImage): number {
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  return Math.sqrt(Math.max(0, squares / data.length - (sum / data.length) ** 2));
}

import type { RgbImage } from '../core/types.ts';

/** Cells along each side. */
const CELLS = 10;

/**
 * A face as an adversary compares it who knows that recognition fails: mean colours of 10 × 10 cells, 0…255, whose
 * distance is large where light, complexion or layout differ. Newton et al. (2005) recognised pixelated faces by
 * little more.
 *
 * @param crop from `faceCrop`, whose sides are multiples of 10 @returns 300 values
 */
export function coarsePixels({ data, width, height }: RgbImage): Float32Array {
  const sums = new Float32Array(CELLS * CELLS * 3);
  const share = (CELLS * CELLS) / (width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * CELLS) / height) * CELLS;
    for (let x = 0; x < width; x++) {
      const cell = (row + Math.floor((x * CELLS) / width)) * 3;
      for (let c = 0; c < 3; c++) {
        sums[cell + c] = (sums[cell + c] as number) + (data[(y * width + x) * 3 + c] as number) * share;
      }
    }
  }
  return sums;
}

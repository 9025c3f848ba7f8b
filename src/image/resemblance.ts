import type { Box, RgbImage } from '../core/types.ts';

/** Side in pixels of the squares that are compared: the block of a JPEG, within which its error is bounded. */
const BLOCK = 8;

/** Every second row is enough to tell pictures apart, and halves the time. */
const ROW_STEP = 2;

/** BT.601 luma in 1/256: the plane that lossy formats keep at full resolution. */
const [RED, GREEN, BLUE] = [77, 150, 29];

/**
 * How far luma may stray per level of a block's chroma contrast: halved chroma resolution moves saturated
 * pixels out of gamut, and clamping them changes their luma. Green and white rows need 0.27, the most of all.
 */
const CLAMPING = 0.45;

/**
 * Looks for an 8 × 8 block in which two pictures of one size differ by more luma, root mean square, than
 * `tolerance` levels of 0…255 allow. Blocks of saturated patterns are allowed more, smooth ones are not,
 * and what was redacted is smooth. Blocks start at multiples of 8; the last of a row or column ends at the border.
 * Returns the first such block, in pixels, or undefined.
 */
export function findDifferentBlock(actual: RgbImage, expected: RgbImage, tolerance: number): Box | undefined {
  const { width, height, data: a } = actual;
  const { data: b } = expected;
  const [blockWidth, blockHeight] = [Math.min(width, BLOCK), Math.min(height, BLOCK)];
  const samples = blockWidth * Math.ceil(blockHeight / ROW_STEP);
  const limit = (tolerance * 256) ** 2 * samples;
  for (let row = 0; row < height; row += BLOCK) {
    const top = Math.min(row, height - blockHeight);
    for (let column = 0; column < width; column += BLOCK) {
      const left = Math.min(column, width - blockWidth);
      let sum = 0;
      for (let y = top; y < top + blockHeight; y += ROW_STEP) {
        const start = (y * width + left) * 3;
        const end = start + blockWidth * 3;
        for (let i = start; i < end; i += 3) {
          const red = (a[i] as number) - (b[i] as number);
          const green = (a[i + 1] as number) - (b[i + 1] as number);
          const blue = (a[i + 2] as number) - (b[i + 2] as number);
          const luma = RED * red + GREEN * green + BLUE * blue;
          sum += luma * luma;
        }
      }
      if (sum <= limit) continue;
      const block = { x1: left, y1: top, x2: left + blockWidth, y2: top + blockHeight };
      const difference = Math.sqrt(sum / samples) / 256;
      if (difference > tolerance + CLAMPING * chromaContrast(expected, block)) return block;
    }
  }
  return undefined;
}

/** Root mean square distance of a block's colour differences (R − Y, G − Y, B − Y) from their means, in levels. */
function chromaContrast({ data, width }: RgbImage, { x1, y1, x2, y2 }: Box): number {
  const sums = [0, 0, 0];
  let squares = 0;
  for (let y = y1; y < y2; y++) {
    for (let x = x1; x < x2; x++) {
      const at = (y * width + x) * 3;
      const rgb = [data[at] as number, data[at + 1] as number, data[at + 2] as number] as const;
      const luma = (RED * rgb[0] + GREEN * rgb[1] + BLUE * rgb[2]) / 256;
      rgb.forEach((value, channel) => {
        sums[channel] = (sums[channel] as number) + value - luma;
        squares += (value - luma) ** 2;
      });
    }
  }
  const count = (x2 - x1) * (y2 - y1);
  const means = sums.reduce((total, sum) => total + (sum / count) ** 2, 0);
  return Math.sqrt(Math.max(0, squares / count - means));
}

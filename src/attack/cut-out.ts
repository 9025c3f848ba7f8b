import type { Box, RgbImage } from '../core/types.ts';

/** The whole pixels of `box`, whose corners are integral; what lies outside the image repeats its border. */
export function cutOut(image: RgbImage, { x1, y1, x2, y2 }: Box): RgbImage {
  const [width, height] = [x2 - x1, y2 - y1];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = clamp(y + y1, image.height) * image.width;
    for (let x = 0; x < width; x++) {
      const from = (row + clamp(x + x1, image.width)) * 3;
      const to = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) data[to + c] = image.data[from + c] as number;
    }
  }
  return { data, width, height };
}

/** The value of channel `c` at a point between pixel centres, 0…255; the border is repeated outside. */
export function sampleAt(image: RgbImage, x: number, y: number, c: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, below] = [x - left, y - top];
  const at = (px: number, py: number): number =>
    image.data[(clamp(py, image.height) * image.width + clamp(px, image.width)) * 3 + c] as number;
  const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
  const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
  return upper * (1 - below) + lower * below;
}

/** Mean absolute difference of two cut-outs of one size, in steps of 255. */
export function differenceOf(a: RgbImage, b: RgbImage): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs((a.data[i] as number) - (b.data[i] as number));
  return sum / a.data.length;
}

function clamp(value: number, length: number): number {
  return Math.min(length - 1, Math.max(0, value));
}

import type { OrientedRect } from '../core/geometry.ts';
import type { RgbImage } from '../core/types.ts';
import { readingDirections, rectify } from './text-line.ts';

/** Pixels of the crop per pixel of the image. */
export const SCALES = [0.5, 1, 2, 4] as const;
/** What else is tried at scale 1. */
export const FILTERS = ['blurred', 'sharpened', 'stretched'] as const;

/** Radius of the filters, as a share of the line's height. */
const RADIUS = 1 / 24;
/** How much of what blurring takes away is added. */
const SHARPENING = 1.5;

/** A line as it would be tried first: as it is. */
export function plainCrops(image: RgbImage, rect: OrientedRect): RgbImage[] {
  return readingDirections(rect).map((direction) => rectify(image, direction, 0, 1));
}

/** Everything that is tried on a redacted line. */
export function attempts(image: RgbImage, rect: OrientedRect): RgbImage[] {
  return readingDirections(rect).flatMap((direction) => {
    const plain = rectify(image, direction, 0, 1);
    const scaled = SCALES.map((scale) => (scale === 1 ? plain : rectify(image, direction, 0, scale)));
    const blurred = blur(plain, Math.max(1, Math.round(plain.height * RADIUS)));
    return [...scaled, blurred, sharpen(plain, blurred), stretch(plain)];
  });
}

/** Mean of the square of `2 · radius + 1` pixels around each; the border is repeated. */
function blur(image: RgbImage, radius: number): RgbImage {
  return along(
    along(image, radius, 3, image.width * 3, image.width, image.height),
    radius,
    image.width * 3,
    3,
    image.height,
    image.width,
  );
}

/** Mean along one axis. Steps and lengths: of the axis, then of the other one. */
function along(
  { data, width, height }: RgbImage,
  radius: number,
  step: number,
  across: number,
  length: number,
  lines: number,
): RgbImage {
  const out = new Uint8Array(data.length);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = i - radius; k <= i + radius; k++) {
          sum += data[line * across + Math.min(length - 1, Math.max(0, k)) * step + c] as number;
        }
        out[line * across + i * step + c] = Math.round(sum / (2 * radius + 1));
      }
    }
  }
  return { data: out, width, height };
}

function sharpen(image: RgbImage, blurred: RgbImage): RgbImage {
  const data = image.data.map((value, i) => clip(value + SHARPENING * (value - (blurred.data[i] as number))));
  return { ...image, data };
}

/** Every channel from its darkest to its lightest value: what little contrast is left becomes visible. */
function stretch({ data, width, height }: RgbImage): RgbImage {
  const low = [255, 255, 255];
  const high = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    low[i % 3] = Math.min(low[i % 3] as number, value);
    high[i % 3] = Math.max(high[i % 3] as number, value);
  }
  const stretched = data.map((value, i) => {
    const range = (high[i % 3] as number) - (low[i % 3] as number);
    return range === 0 ? value : clip(((value - (low[i % 3] as number)) * 255) / range);
  });
  return { data: stretched, width, height };
}

function clip(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

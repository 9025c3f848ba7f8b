import type { Box, RgbImage } from '../../core/types.ts';
import type { Scene } from '../patch.ts';

/** How the photograph looks beside a region. */
export interface Surroundings {
  /** Standard deviation of its blur, pixels; about 0.4 is as sharp as pixels can be. */
  readonly blur: number;
  /** Standard deviation of its noise, 0…255. */
  readonly noise: number;
}

/** What is assumed where too little of the photograph is known. */
const USUAL: Surroundings = { blur: 0.8, noise: 1 };
/** At most about so many pixels are looked at. */
const SAMPLES = 8000;
const FEWEST = 12;
const LIMIT = { blur: 4, noise: 14 } as const;
/** Least step of an edge whose sharpness is measured, and how far it must stand out from the noise. */
const EDGE = { step: 14, noises: 5 } as const;

/** Measures what surrounds `box` (pixels) as far away as it is high, where nothing is covered. */
export function surroundingsOf({ image, covered }: Scene, box: Box): Surroundings {
  const reach = Math.max(24, box.y2 - box.y1);
  const x1 = Math.max(3, Math.floor(box.x1 - reach));
  const y1 = Math.max(3, Math.floor(box.y1 - reach));
  const x2 = Math.max(x1, Math.min(image.width - 3, Math.ceil(box.x2 + reach)));
  const y2 = Math.max(y1, Math.min(image.height - 3, Math.ceil(box.y2 + reach)));
  const step = Math.max(1, Math.round(((x2 - x1) * (y2 - y1)) / SAMPLES));
  const at: number[] = [];
  const width = image.width;
  for (let i = 0; i < (x2 - x1) * (y2 - y1); i += step) {
    const p = (y1 + Math.floor(i / (x2 - x1))) * width + x1 + (i % (x2 - x1));
    if (isKnownAround(covered, p, width)) at.push(p);
  }
  const noise = noiseAt(image, at);
  return { noise, blur: blurAt(image, at, noise) };
}

/** Nothing is covered in the pixels that the measurements read: three to each side, one diagonally. */
function isKnownAround(covered: Uint8Array, p: number, width: number): boolean {
  for (let d = 1; d <= 3; d++) {
    if (covered[p - d] || covered[p + d] || covered[p - d * width] || covered[p + d * width]) return false;
  }
  return !(
    covered[p] ||
    covered[p - width - 1] ||
    covered[p - width + 1] ||
    covered[p + width - 1] ||
    covered[p + width + 1]
  );
}

const luma = ({ data }: RgbImage, p: number): number =>
  0.299 * (data[3 * p] as number) + 0.587 * (data[3 * p + 1] as number) + 0.114 * (data[3 * p + 2] as number);

/** Share of a normal distribution's absolute values below 0.3186 deviations: texture leaves this quarter alone. */
const QUARTER = 0.3186;

/** Immerkær, Fast Noise Variance Estimation, 1996, with a low quantile instead of the mean. */
function noiseAt(image: RgbImage, at: readonly number[]): number {
  if (at.length < FEWEST) return USUAL.noise;
  const { width } = image;
  const row = (p: number, q: number): number =>
    luma(image, p - 1) * q + luma(image, p) * -2 * q + luma(image, p + 1) * q;
  const response = at.map((p) => Math.abs(row(p - width, 1) + row(p, -2) + row(p + width, 1)));
  return Math.min(LIMIT.noise, quantile(response, 0.25) / (6 * QUARTER));
}

/** Of the sharper edges, by how much one more blur of deviation 1 weakens them (Zhuo and Sim, Defocus Map Estimation, 2011). */
function blurAt(image: RgbImage, at: readonly number[], noise: number): number {
  const least = Math.max(EDGE.step, EDGE.noises * noise);
  const found: number[] = [];
  for (const p of at) {
    for (const d of [1, image.width]) {
      const step = (k: number): number => luma(image, p + (k + 1) * d) - luma(image, p + k * d);
      const here = step(0);
      const size = Math.abs(here);
      if (size < least) continue;
      const [before, after] = [step(-1), step(1)];
      if (size < Math.abs(before) || size < Math.abs(after)) continue;
      const weaker = Math.abs(6 * here + 4 * (before + after) + step(-2) + step(2)) / 16;
      const ratio = (size / Math.max(weaker, 1e-3)) ** 2;
      if (ratio > 1.02) found.push(Math.sqrt(1 / (ratio - 1)));
    }
  }
  return found.length < FEWEST ? USUAL.blur : Math.min(LIMIT.blur, quantile(found, 0.3));
}

function quantile(values: number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(share * (sorted.length - 1))] as number;
}

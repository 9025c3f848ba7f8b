import type { Box } from '../../../core/types.ts';
import type { Scene } from '../../patch.ts';
import type { Random } from '../../random.ts';

/** What a photograph is like at its finest. */
export interface Grain {
  /** Standard deviation of its noise, 0…255. */
  readonly noise: number;
  /** Standard deviation of the blur of its sharpest edges, pixels. */
  readonly blur: number;
}

const MOST_NOISE = 8;
const MOST_BLUR = 4;
/** Samples that are enough, and fewer than which say nothing. */
const SAMPLES = { most: 20_000, least: 200 } as const;

/**
 * Measures noise and sharpness around `box`, where nothing is covered; in all of the photograph when there is too
 * little. Noise: from the median of second differences (after Immerkær, 1996). Blur: an edge rises over one pixel by
 * less of what it rises over five the softer it is.
 */
export function measureGrain({ image, covered }: Scene, box: Box): Grain {
  const { width, height } = image;
  const reach = Math.max(16, box.x2 - box.x1, box.y2 - box.y1);
  const near = {
    x1: Math.max(0, box.x1 - reach),
    y1: Math.max(0, box.y1 - reach),
    x2: Math.min(width, box.x2 + reach),
    y2: Math.min(height, box.y2 + reach),
  };
  return (
    grainIn({ image, covered }, near) ??
    grainIn({ image, covered }, { x1: 0, y1: 0, x2: width, y2: height }) ?? { noise: 1, blur: 0.7 }
  );
}

function grainIn({ image, covered }: Scene, { x1, y1, x2, y2 }: Box): Grain | undefined {
  const { data, width } = image;
  const stride = Math.max(1, Math.floor(Math.sqrt(((x2 - x1) * (y2 - y1)) / SAMPLES.most)));
  const noises: number[] = [];
  const short: number[] = [];
  const long: number[] = [];
  for (let y = y1; y < y2; y += stride) {
    for (let x = x1 + 2; x + 3 < x2; x += stride) {
      const i = y * width + x;
      if (covered[i - 2] || covered[i] || covered[i + 3]) continue;
      const g = (k: number): number => data[(i + k) * 3 + 1] as number;
      if (g(0) < 4 || g(0) > 251) continue;
      noises.push(Math.abs(g(-1) - 2 * g(0) + g(1)));
      short.push(Math.abs(g(1) - g(0)));
      long.push(Math.abs(g(3) - g(-2)));
    }
  }
  if (noises.length < SAMPLES.least) return undefined;
  // A second difference of noise has a variance of 6; the 30th percentile is half a deviation's 0.77.
  const noise = Math.min(MOST_NOISE, quantile(noises, 0.3) / 0.385 / Math.sqrt(6));
  const [step, rise] = [quantile(short, 0.985), quantile(long, 0.985)];
  const share = rise > 6 ? step / rise : 0.45;
  return { noise, blur: blurOf(share) };
}

/** The Gaussian whose edge rises by `share` of five pixels' rise in the middle one. */
function blurOf(share: number): number {
  for (let blur = 0.3; blur < MOST_BLUR; blur += 0.1) if (middleRise(blur) <= share) return blur;
  return MOST_BLUR;
}

const middleRise = (blur: number): number => Math.tanh(0.5 / (1.25 * blur)) / Math.tanh(2.5 / (1.25 * blur));

function quantile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.floor((values.length - 1) * share)] as number;
}

/** Adds noise of that deviation, a little soft as cameras leave it, mostly to the brightness. @param rgb [height, width, 3] */
export function addNoise(rgb: Float32Array, width: number, noise: number, random: Random): void {
  if (noise < 0.3) return;
  const pixels = rgb.length / 3;
  const raw = new Float32Array(pixels + width + 1);
  for (let i = 0; i < raw.length; i++) {
    // The sum of three uniform numbers is near enough to normal.
    raw[i] = (random.next() + random.next() + random.next() - 1.5) * 2;
  }
  for (let i = 0; i < pixels; i++) {
    const soft = 0.8 * (raw[i] as number) + 0.42 * (raw[i + 1] as number) + 0.42 * (raw[i + width] as number);
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = (rgb[3 * i + c] as number) + noise * soft;
  }
}

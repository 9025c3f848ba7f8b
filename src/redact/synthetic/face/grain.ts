import type { Box, Grain } from '../../../core/types.ts';
import type { Scene } from '../../patch.ts';
import type { Random } from '../../random.ts';

const MOST_NOISE = 8;
/** This share of normal numbers is smaller than so many deviations. */
const FLATTEST = { share: 0.15, deviations: 0.189 } as const;
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
  const noises = new Uint32Array(1024);
  const short = new Uint32Array(1024);
  const long = new Uint32Array(1024);
  let n = 0;
  for (let y = y1; y < y2; y += stride) {
    for (let x = x1 + 2; x + 3 < x2; x += stride) {
      const i = y * width + x;
      if (covered[i - 2] || covered[i] || covered[i + 3]) continue;
      const g = (k: number): number => data[(i + k) * 3 + 1] as number;
      if (g(0) < 4 || g(0) > 251) continue;
      for (const [counts, value] of [
        [noises, g(-1) - 2 * g(0) + g(1)],
        [short, g(1) - g(0)],
        [long, g(3) - g(-2)],
      ] as const) {
        const size = Math.abs(value);
        counts[size] = (counts[size] as number) + 1;
      }
      n++;
    }
  }
  if (n < SAMPLES.least) return undefined;
  // A second difference of noise has a variance of 6. Texture is taken for noise less where it is flattest.
  const noise = Math.min(MOST_NOISE, quantile(noises, FLATTEST.share) / FLATTEST.deviations / Math.sqrt(6));
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

/** The value that `share` of the counted ones do not exceed, between whole numbers as if they were spread evenly. */
function quantile(counts: Uint32Array, share: number): number {
  const wanted = share * counts.reduce((sum, n) => sum + n, 0);
  let below = 0;
  for (let value = 0; value < counts.length; value++) {
    const here = counts[value] as number;
    if (below + here >= wanted && here > 0) return Math.max(0, value - 0.5 + (wanted - below) / here);
    below += here;
  }
  return counts.length;
}

/** Adds noise of that deviation, a little soft as cameras leave it, to the brightness. @param rgb [height, width, 3] */
export function addNoise(rgb: Float32Array, width: number, noise: number, random: Random): void {
  if (noise < 0.3) return;
  const pixels = rgb.length / 3;
  const raw = new Float32Array(pixels + width + 1);
  // A generator of a few operations (xorshift, Marsaglia, 2003): there are millions to draw.
  let state = random.int(1, 0x7fffffff);
  for (let i = 0; i < raw.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    // The sum of four bytes is near enough to normal; 148 is its deviation.
    raw[i] = ((state & 255) + ((state >> 8) & 255) + ((state >> 16) & 255) + ((state >>> 24) & 255) - 510) / 148;
  }
  for (let i = 0; i < pixels; i++) {
    const soft = noise * (0.8 * (raw[i] as number) + 0.42 * (raw[i + 1] as number) + 0.42 * (raw[i + width] as number));
    rgb[3 * i] = (rgb[3 * i] as number) + soft;
    rgb[3 * i + 1] = (rgb[3 * i + 1] as number) + soft;
    rgb[3 * i + 2] = (rgb[3 * i + 2] as number) + soft;
  }
}

import type { RgbImage } from '../../../core/types.ts';

/** How a scene lights what stands in it. */
export interface Light {
  /** Towards the light, length 1: x to the right, y down, z to the viewer. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Factors for red, green and blue. */
  readonly colour: readonly [number, number, number];
  /** 0 in a grey photograph, 1 in a coloured one. */
  readonly saturation: number;
}

/** Mean distance between the highest and the lowest channel from which on a scene is coloured. */
const COLOURED = 10;

/** Level of a scene in plain light. */
const PLAIN = 120;

/** Estimated from the means of the halves of what stands around: brighter, warmer, from the left. */
export function lightOf({ data, width, height }: RgbImage): Light {
  const sum = [0, 0, 0];
  let [right, down, chroma] = [0, 0, 0];
  // Some ten thousand pixels tell the means well enough.
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / 10_000)));
  let pixels = 0;
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step, pixels++) {
      const at = (y * width + x) * 3;
      let level = 0;
      let [least, most] = [255, 0];
      for (let c = 0; c < 3; c++) {
        const value = data[at + c] as number;
        sum[c] = (sum[c] as number) + value;
        level += value / 3;
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      chroma += most - least;
      right += 2 * x < width ? -level : level;
      down += 2 * y < height ? -level : level;
    }
  }
  const mean = sum.map((s) => s / pixels) as [number, number, number];
  const level = Math.max(1, (mean[0] + mean[1] + mean[2]) / 3);
  const lean = (difference: number): number => Math.max(-0.6, Math.min(0.6, (1.5 * difference) / pixels / level));
  const [x, y, z] = [lean(right), -0.55 + 0.3 * lean(down), 0.8];
  const length = Math.hypot(x, y, z);
  const strength = Math.max(0.4, Math.min(1.25, (level / PLAIN) ** 0.7));
  const tint = mean.map((m) => strength * (Math.max(1, m) / level) ** 0.35) as [number, number, number];
  return {
    x: x / length,
    y: y / length,
    z: z / length,
    colour: tint,
    saturation: Math.min(1, chroma / pixels / COLOURED),
  };
}

import type { Layer } from './layer.ts';
import type { FaceModel } from './model.ts';
import { solve } from './pose.ts';

/** Light and complexion of a face in its photograph: colour in the middle, and how brightness changes over the face. */
export interface Light {
  /** Mean colour, 0…255. */
  readonly colour: readonly [number, number, number];
  /** Relative change of brightness per unit of x and y, which are −1…1 over the layer's face. */
  readonly slope: readonly [number, number];
}

/** Over the face, the slope may make at most this much of a difference either way. */
const STEEPEST = 0.45;
/** Of the logarithms of red and blue over green: spreads of complexions and of the colours of light. */
const SPREAD = 0.22;

/**
 * Estimates the light from the blurred region and where the face is going to be: a plane through the brightness, and a
 * mean colour in which what looks like skin counts most. Masks, hair and hats cover faces, and what lies around the
 * eyes and the nose counts more than the outer parts.
 * @param base RGB, [height, width, 3] floats, what `blur` leaves.
 * @param weights [height, width], how much each pixel shows of the face.
 */
export function estimateLight(model: FaceModel, base: Float32Array, weights: Float32Array, frame: FaceFrame): Light {
  const prior = meanChroma(model.tones);
  const { width, height } = frame;
  let [total, r, g, b] = [0, 0, 0, 0];
  const normal = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  const right = [0, 0, 0];
  const step = Math.max(1, Math.floor(Math.sqrt((width * height) / 4000)));
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) {
      const i = y * width + x;
      const shown = weights[i] as number;
      if (shown < 0.05) continue;
      const [red, green, blue] = [base[3 * i] as number, base[3 * i + 1] as number, base[3 * i + 2] as number];
      const odd =
        ((Math.log((red + 4) / (green + 4)) - prior[0]) / SPREAD) ** 2 +
        ((Math.log((blue + 4) / (green + 4)) - prior[1]) / SPREAD) ** 2;
      const weight = shown / (1 + odd * odd);
      total += weight;
      r += weight * red;
      g += weight * green;
      b += weight * blue;
      const place = [1, (x - frame.cx) / frame.rx, (y - frame.cy) / frame.ry];
      const bright = 0.3 * red + 0.59 * green + 0.11 * blue;
      for (let j = 0; j < 3; j++) {
        right[j] = (right[j] as number) + weight * (place[j] as number) * bright;
        for (let k = 0; k < 3; k++)
          (normal[j] as number[])[k] =
            ((normal[j] as number[])[k] as number) + weight * (place[j] as number) * (place[k] as number);
      }
    }
  }
  if (total <= 0) return { colour: [128, 128, 128], slope: [0, 0] };
  for (const k of [1, 2]) (normal[k] as number[])[k] = ((normal[k] as number[])[k] as number) + 0.05 * total;
  (normal[0] as number[])[0] = ((normal[0] as number[])[0] as number) + 1e-9;
  const [middle, alongX, alongY] = solve(normal, right) as [number, number, number];
  const limit = (value: number): number => Math.max(-STEEPEST, Math.min(STEEPEST, value / Math.max(1, middle)));
  return { colour: [r / total, g / total, b / total], slope: [limit(alongX), limit(alongY)] };
}

/** Where a face lies in a layer: its middle and half its extent, pixels; and the layer's size. */
export interface FaceFrame {
  readonly width: number;
  readonly height: number;
  readonly cx: number;
  readonly cy: number;
  readonly rx: number;
  readonly ry: number;
}

function meanChroma(tones: Uint8Array): [number, number] {
  let [red, blue] = [0, 0];
  for (let i = 0; i < tones.length; i += 3) {
    red += Math.log(((tones[i] as number) + 4) / ((tones[i + 1] as number) + 4));
    blue += Math.log(((tones[i + 2] as number) + 4) / ((tones[i + 1] as number) + 4));
  }
  return [(red * 3) / tones.length, (blue * 3) / tones.length];
}

/** Turns a layer of ratios to the skin's colour into colours under that light. */
export function shine(
  { data, width, height }: Layer,
  { colour, slope }: Light,
  ratio: readonly number[],
  frame: FaceFrame,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      if (data[at + 3] === 0) continue;
      const u = Math.max(-1.2, Math.min(1.2, (x - frame.cx) / frame.rx));
      const v = Math.max(-1.2, Math.min(1.2, (y - frame.cy) / frame.ry));
      const bright = Math.max(0.3, 1 + slope[0] * u + slope[1] * v);
      for (let c = 0; c < 3; c++)
        data[at + c] = ((data[at + c] as number) * bright * (colour[c] as number)) / (ratio[c] as number);
    }
  }
}

import { emptyLayer, type Layer } from './layer.ts';
import { drawMesh, placedIn, textureLayer, type Window } from './mesh.ts';
import type { FaceModel } from './model.ts';
import { solve } from './pose.ts';
import { pyramid } from './raster.ts';

/** Light and complexion of a face in its photograph. */
export interface Light {
  /** Mean colour, 0…255. */
  readonly colour: readonly [number, number, number];
  /** Relative change of brightness from the middle of `over` to its right and lower border. */
  readonly slope: readonly [number, number];
  readonly over: Window;
}

/** Over the face, the slope may make at most this much of a difference either way. */
const STEEPEST = 0.45;
/** Of the logarithms of red and blue over green: spread of complexions and of the colours of light. */
const SPREAD = 0.17;
/** Skin is never farther than this from what is expected, in the same measure. */
const FARTHEST = 0.22;
/** How much of the colour of the surroundings is taken for that of the light. */
const CAST = 0.5;
/** What is darker than this share of the mean is no skin. */
const DARK = 0.85;
/** Samples across the face: the blurred region has no more to tell. */
const ACROSS = 40;
/** What lies between brows and nose counts most: hair and hats cover foreheads, masks and beards what is below. */
const ZONES = { above: 0.4, below: 0.2 } as const;

/** A sample of the blurred region. */
interface Sample {
  /** RGB, 0…255. */
  readonly colour: readonly [number, number, number];
  readonly brightness: number;
  /** −1…1 over the face. */
  readonly x: number;
  readonly y: number;
  readonly weight: number;
}

/**
 * Estimates the light from the blurred region: a plane through the brightness where the mean face shows, and the colour
 * of what looks like skin. Where nothing does, skin has the colour that it has on average, in a light that makes the
 * surroundings grey on average; in a photograph without colours it has none.
 * @param face the mean face as it lies in the image, [points, 3].
 * @param base RGB of `window`, [height, width, 3]: what `blur` leaves.
 * @param over the part of the window that the face spans.
 */
export function estimateLight(
  model: FaceModel,
  face: Float32Array,
  base: Float32Array,
  window: Window,
  over: Window,
): Light {
  const { cast, colourful } = surroundings(base, window);
  const prior = meanChroma(model.tones).map((v, k) => colourful * v + CAST * (cast[k] as number)) as [number, number];
  const samples = sampleFace(model, face, base, window, over, prior);
  if (samples.length === 0) return { colour: [128, 128, 128], slope: [0, 0], over };
  const average = mean(samples, ({ brightness }) => brightness);
  // Hair, brows and beards are darker than skin.
  const light = samples.filter(({ brightness }) => brightness >= DARK * average);
  const colour = [0, 1, 2].map((c) => mean(light, (sample) => sample.colour[c] as number));
  return { colour: towardsSkin(colour, prior), slope: slopeOf(samples), over };
}

function mean(samples: readonly Sample[], value: (sample: Sample) => number): number {
  let [sum, total] = [0, 0];
  for (const sample of samples) {
    sum += sample.weight * value(sample);
    total += sample.weight;
  }
  return sum / Math.max(1e-9, total);
}

/** The colour with its brightness, but no farther from the colours of skin than complexions and light explain. */
function towardsSkin(colour: readonly number[], prior: readonly [number, number]): [number, number, number] {
  const [r, g, b] = colour as [number, number, number];
  const [red, blue] = [Math.log((r + 4) / (g + 4)) - prior[0], Math.log((b + 4) / (g + 4)) - prior[1]];
  const far = Math.hypot(red, blue);
  const kept = far > 0 ? (FARTHEST * Math.tanh(far / FARTHEST)) / far : 1;
  const ratios = [Math.exp(prior[0] + kept * red), 1, Math.exp(prior[1] + kept * blue)] as const;
  const green = brightnessOf(r, g, b) / brightnessOf(...ratios);
  return [ratios[0] * green, green, ratios[2] * green];
}

const brightnessOf = (r: number, g: number, b: number): number => 0.3 * r + 0.59 * g + 0.11 * b;

/** What the mean face covers of the blurred region. */
function sampleFace(
  model: FaceModel,
  face: Float32Array,
  base: Float32Array,
  window: Window,
  over: Window,
  prior: readonly [number, number],
): Sample[] {
  const scale = Math.min(1, ACROSS / Math.max(over.width, over.height));
  const layer = emptyLayer(Math.max(1, Math.floor(over.width * scale)), Math.max(1, Math.floor(over.height * scale)));
  drawMesh(layer, model, placedIn(face.slice(), over, scale), pyramid(zones(model)));
  const samples: Sample[] = [];
  for (let j = 0; j < layer.height; j++) {
    for (let i = 0; i < layer.width; i++) {
      const shown = layer.data[(j * layer.width + i) * 4 + 3] as number;
      if (shown < 0.05) continue;
      const x = Math.min(window.width - 1, over.x - window.x + Math.floor((i + 0.5) / scale));
      const y = Math.min(window.height - 1, over.y - window.y + Math.floor((j + 0.5) / scale));
      const at = (y * window.width + x) * 3;
      const [r, g, b] = [base[at] as number, base[at + 1] as number, base[at + 2] as number];
      const odd =
        ((Math.log((r + 4) / (g + 4)) - prior[0]) / SPREAD) ** 2 +
        ((Math.log((b + 4) / (g + 4)) - prior[1]) / SPREAD) ** 2;
      samples.push({
        colour: [r, g, b],
        brightness: brightnessOf(r, g, b),
        x: (2 * (i + 0.5)) / layer.width - 1,
        y: (2 * (j + 0.5)) / layer.height - 1,
        weight: shown / (1 + odd * odd),
      });
    }
  }
  return samples;
}

/** How brightness changes over the face, by a plane of least squares. */
function slopeOf(samples: readonly Sample[]): [number, number] {
  const normal = [0, 1, 2].map(() => [0, 0, 0]);
  const right = [0, 0, 0];
  let total = 0;
  for (const { x, y, weight, brightness } of samples) {
    total += weight;
    const place = [1, x, y];
    for (const [k, value] of place.entries()) {
      right[k] = (right[k] as number) + weight * value * brightness;
      const row = normal[k] as number[];
      for (const [l, other] of place.entries()) row[l] = (row[l] as number) + weight * value * other;
    }
  }
  for (const k of [1, 2]) (normal[k] as number[])[k] = ((normal[k] as number[])[k] as number) + 0.05 * total;
  const [middle, alongX, alongY] = solve(normal, right) as [number, number, number];
  const limit = (value: number): number => Math.max(-STEEPEST, Math.min(STEEPEST, value / Math.max(1, middle)));
  return [limit(alongX), limit(alongY)];
}

/** Colour of the light as the window's border shows it, as logarithms of red and blue over green; and whether there is any. */
function surroundings(base: Float32Array, { width, height }: Window): { cast: [number, number]; colourful: number } {
  let [n, red, blue, saturation] = [0, 0, 0, 0];
  const step = Math.max(1, Math.floor(Math.min(width, height) / 24));
  const border = Math.min(width, height) / 8;
  for (let y = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) {
      const at = (y * width + x) * 3;
      const [r, g, b] = [base[at] as number, base[at + 1] as number, base[at + 2] as number];
      saturation += (Math.max(r, g, b) - Math.min(r, g, b)) / (Math.max(r, g, b) + 8);
      n++;
      const inside = x > border && y > border && x < width - border && y < height - border;
      if (inside) continue;
      red += Math.log((r + 4) / (g + 4));
      blue += Math.log((b + 4) / (g + 4));
    }
  }
  const limit = (value: number): number => Math.max(-0.3, Math.min(0.3, value));
  const share = Math.max(0, Math.min(1, (saturation / n - 0.02) / 0.05));
  return { cast: [limit(red / n), limit(blue / n)], colourful: share };
}

/** The frame's opacity by how much each part counts. */
function zones(model: FaceModel): Layer {
  const [brows, nose] = [model.uv[2 * 19 + 1] as number, model.uv[2 * 33 + 1] as number];
  const layer = textureLayer(model, new Float32Array(model.width * model.height * 3), 1);
  for (let i = 0; i < model.alpha.length; i++) {
    const row = Math.floor(i / model.width);
    const zone = row < brows ? ZONES.above : row > nose ? ZONES.below : 1;
    layer.data[4 * i + 3] = (layer.data[4 * i + 3] as number) * zone;
  }
  return layer;
}

function meanChroma(tones: Uint8Array): [number, number] {
  let [red, blue] = [0, 0];
  for (let i = 0; i < tones.length; i += 3) {
    red += Math.log(((tones[i] as number) + 4) / ((tones[i + 1] as number) + 4));
    blue += Math.log(((tones[i + 2] as number) + 4) / ((tones[i + 1] as number) + 4));
  }
  return [(red * 3) / tones.length, (blue * 3) / tones.length];
}

/**
 * Turns ratios to the skin's colour into colours under that light, with the light's mean.
 * @param at where the layer lies in the image.
 */
export function shine({ data, width, height }: Layer, { colour, slope, over }: Light, at: Window): void {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    for (let c = 0; c < 4; c++) sums[c] = (sums[c] as number) + (data[i + c] as number);
  }
  const gains = colour.map((value, c) => value / skinShare(sums, c));
  const [red, green, blue] = gains as [number, number, number];
  const limit = (value: number): number => Math.max(-1.2, Math.min(1.2, value));
  for (let y = 0; y < height; y++) {
    const down = slope[1] * limit((2 * (at.y + y + 0.5 - over.y)) / over.height - 1);
    for (let x = 0; x < width; x++) {
      const i = (y * width + x) * 4;
      if (data[i + 3] === 0) continue;
      const bright = Math.max(0.3, 1 + down + slope[0] * limit((2 * (at.x + x + 0.5 - over.x)) / over.width - 1));
      data[i] = (data[i] as number) * bright * red;
      data[i + 1] = (data[i + 1] as number) * bright * green;
      data[i + 2] = (data[i + 2] as number) * bright * blue;
    }
  }
}

/** The layer's mean, halfway to the skin's: what is brighter than the mean was taken for skin. */
function skinShare(sums: readonly number[], c: number): number {
  return 0.5 + 0.5 * Math.max(0.5, (sums[c] as number) / Math.max(1e-6, sums[3] as number));
}

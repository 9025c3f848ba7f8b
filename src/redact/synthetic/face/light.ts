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
/** Samples across the face: the blurred region has no more to tell. */
const ACROSS = 40;
/** What lies between brows and nose counts most: hair and hats cover foreheads, masks and beards what is below. */
const ZONES = { above: 0.4, below: 0.2 } as const;

/**
 * Estimates the light from the blurred region: a plane through the brightness where the mean face shows, and a mean
 * colour in which what looks like skin counts most.
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
  const prior = meanChroma(model.tones);
  const scale = Math.min(1, ACROSS / Math.max(over.width, over.height));
  const layer = emptyLayer(Math.max(1, Math.floor(over.width * scale)), Math.max(1, Math.floor(over.height * scale)));
  drawMesh(layer, model, placedIn(face.slice(), over, scale), pyramid(zones(model)));

  let [total, r, g, b] = [0, 0, 0, 0];
  const normal = [0, 1, 2].map(() => [0, 0, 0]);
  const right = [0, 0, 0];
  for (let j = 0; j < layer.height; j++) {
    for (let i = 0; i < layer.width; i++) {
      const shown = layer.data[(j * layer.width + i) * 4 + 3] as number;
      if (shown < 0.05) continue;
      const x = Math.min(window.width - 1, over.x - window.x + Math.floor((i + 0.5) / scale));
      const y = Math.min(window.height - 1, over.y - window.y + Math.floor((j + 0.5) / scale));
      const at = (y * window.width + x) * 3;
      const [red, green, blue] = [base[at] as number, base[at + 1] as number, base[at + 2] as number];
      const odd =
        ((Math.log((red + 4) / (green + 4)) - prior[0]) / SPREAD) ** 2 +
        ((Math.log((blue + 4) / (green + 4)) - prior[1]) / SPREAD) ** 2;
      const weight = shown / (1 + odd * odd);
      total += weight;
      r += weight * red;
      g += weight * green;
      b += weight * blue;
      const place = [1, (2 * (i + 0.5)) / layer.width - 1, (2 * (j + 0.5)) / layer.height - 1];
      const bright = 0.3 * red + 0.59 * green + 0.11 * blue;
      for (let k = 0; k < 3; k++) {
        right[k] = (right[k] as number) + weight * (place[k] as number) * bright;
        const row = normal[k] as number[];
        for (let l = 0; l < 3; l++) row[l] = (row[l] as number) + weight * (place[k] as number) * (place[l] as number);
      }
    }
  }
  if (total <= 0) return { colour: [128, 128, 128], slope: [0, 0], over };
  for (const k of [1, 2]) (normal[k] as number[])[k] = ((normal[k] as number[])[k] as number) + 0.05 * total;
  const [middle, alongX, alongY] = solve(normal, right) as [number, number, number];
  const limit = (value: number): number => Math.max(-STEEPEST, Math.min(STEEPEST, value / Math.max(1, middle)));
  return { colour: [r / total, g / total, b / total], slope: [limit(alongX), limit(alongY)], over };
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
  const gains = colour.map(
    (value, c) => value / Math.max(0.5, (sums[c] as number) / Math.max(1e-6, sums[3] as number)),
  );
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

import { boundingBox } from '../../../core/geometry.ts';
import type { Box } from '../../../core/types.ts';
import type { Overlay } from '../../patch.ts';
import type { Random } from '../../random.ts';
import { inverse, ontoQuad, type Projection, type Quad, quadSize } from './projection.ts';
import type { Sheet } from './sheet.ts';
import { softened } from './soften.ts';

/** What a camera adds to everything that it sees. */
export interface Finish {
  /** Standard deviation of the blur, pixels. */
  readonly blur: number;
  /** Standard deviation of the noise, 0…255. */
  readonly noise: number;
}

/** No side of a sheet is longer, pixels: beyond it a drawing is enlarged instead. */
const LONGEST = 3000;

/** Sheet pixels per pixel of the photograph, in each direction: what is small is drawn large and averaged. */
export function sheetScale(quad: Quad): number {
  const { width, height } = quadSize(quad);
  return Math.min(LONGEST / Math.max(width, height), samplesPerPixel(quad));
}

function samplesPerPixel(quad: Quad): number {
  const { width, height } = quadSize(quad);
  const short = Math.min(width, height);
  return short < 12 ? 4 : short < 24 ? 3 : short < 120 ? 2 : 1;
}

/**
 * What a sheet looks like when it is photographed within `quad` (pixels of the photograph), clipped to `bounds`
 * (whole pixels).
 */
export function photograph(sheet: Sheet, quad: Quad, bounds: Box, finish: Finish, random: Random): Overlay {
  const margin = Math.ceil(3 * finish.blur) + 1;
  const spread = boundingBox(quad);
  const x = Math.max(bounds.x1, Math.floor(spread.x1) - margin);
  const y = Math.max(bounds.y1, Math.floor(spread.y1) - margin);
  const width = Math.max(0, Math.min(bounds.x2, Math.ceil(spread.x2) + margin) - x);
  const height = Math.max(0, Math.min(bounds.y2, Math.ceil(spread.y2) + margin) - y);
  const local = quad.map((p) => ({ x: p.x - x, y: p.y - y })) as unknown as Quad;
  const { rgba } = softened(seen(sheet, local, width, height), finish.blur);
  if (finish.noise > 0) addGrain(rgba, width, finish.noise, random);
  return { rgba, width, height, x, y };
}

/** How many random numbers the noise is made of; each row begins at another one. */
const GRAINS = 4093;

function addGrain(rgba: Float32Array, width: number, deviation: number, random: Random): void {
  const grain = Float32Array.from({ length: GRAINS }, () => random.normal() * deviation);
  for (let row = 0; row < rgba.length; row += width * 4) {
    let next = random.int(0, GRAINS - 1);
    for (let at = row; at < row + width * 4; at += 4) {
      const speck = (grain[next] as number) * (rgba[at + 3] as number);
      for (let c = at; c < at + 3; c++) rgba[c] = (rgba[c] as number) + speck;
      next = next + 1 < GRAINS ? next + 1 : 0;
    }
  }
}

/** The sheet in the quadrilateral, each pixel the mean of several samples. */
function seen(sheet: Sheet, quad: Quad, width: number, height: number): Sheet {
  const back = inverse(ontoQuad(quad));
  const samples = samplesPerPixel(quad);
  const rgba = new Float32Array(width * height * 4);
  const share = 1 / (samples * samples);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      for (let j = 0; j < samples; j++) {
        for (let i = 0; i < samples; i++) {
          addSample(sheet, back, x + (i + 0.5) / samples, y + (j + 0.5) / samples, rgba, at, share);
        }
      }
    }
  }
  return { rgba, width, height };
}

/** Adds `share` of the sheet's colour at a point of the picture, interpolated between its pixels. */
function addSample(
  { rgba, width, height }: Sheet,
  [a, b, c, d, e, f, g, h]: Projection,
  x: number,
  y: number,
  into: Float32Array,
  at: number,
  share: number,
): void {
  const w = g * x + h * y + 1;
  const u = ((a * x + b * y + c) / w) * width - 0.5;
  const v = ((d * x + e * y + f) / w) * height - 0.5;
  if (!(w > 0 && u > -1 && v > -1 && u < width && v < height)) return;
  const i = Math.floor(u);
  const j = Math.floor(v);
  for (let dy = 0; dy < 2; dy++) {
    const row = j + dy;
    if (row < 0 || row >= height) continue;
    const wy = share * (dy ? v - j : 1 - v + j);
    for (let dx = 0; dx < 2; dx++) {
      const column = i + dx;
      if (column < 0 || column >= width) continue;
      const weight = wy * (dx ? u - i : 1 - u + i);
      const from = (row * width + column) * 4;
      into[at] = (into[at] as number) + weight * (rgba[from] as number);
      into[at + 1] = (into[at + 1] as number) + weight * (rgba[from + 1] as number);
      into[at + 2] = (into[at + 2] as number) + weight * (rgba[from + 2] as number);
      into[at + 3] = (into[at + 3] as number) + weight * (rgba[from + 3] as number);
    }
  }
}

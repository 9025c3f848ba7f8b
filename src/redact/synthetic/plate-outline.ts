import type { OrientedRect } from '../../core/geometry.ts';
import type { Point, RgbImage } from '../../core/types.ts';
import type { Quad } from './lettering/projection.ts';

/** What is looked at beyond the rectangle on each side, as a share of its size. */
const MARGIN = 0.1;
const MOST_CELLS = 80;
/** How much larger regions are than plates, on each side, as a share of the plate (labelled photographs): where its edge is expected. */
const USUAL_GROWTH = 0.1;
/** How far the edge usually is from there, as a share of the size. */
const TOLERANCE = 0.06;
/** Mean step across an edge below which there is none, 0…255. */
const LEAST_STEP = 4;
/** One strong pixel must not stand for a whole edge. */
const MOST_STEP = 50;
/** A slanted plate must explain the picture that much better than a level one. */
const EVIDENCE = 1.12;
const SLOPES = 12;

/**
 * Fits a parallelogram to a plate: the direction in which steps of colour add up best (as in the Radon transform),
 * then on each side the line with the clearest step near the place where a detection's edge leads one to expect it.
 * Where nothing is clear, the expected line is taken.
 *
 * What is kept of the pixels is a direction, a lean and the places of four lines.
 */
export function plateOutline(image: RgbImage, rect: OrientedRect): Quad {
  const view = viewOf(image, rect);
  const { columns, rows } = view;
  const inner = 1 - (2 * USUAL_GROWTH) / (1 + 2 * USUAL_GROWTH);
  const width = (columns / (1 + 2 * MARGIN)) * inner;
  const height = (rows / (1 + 2 * MARGIN)) * inner;

  const slope = bestSlope(view.down, columns, rows, (0.6 * height) / width);
  const lean = bestSlope(view.across, rows, columns, Math.min(0.5, (0.6 * width) / height));
  // A level box around a turned plate is larger than the plate.
  const halfHeight = (height - Math.abs(slope) * width) / 2;
  const halfWidth = (width - Math.abs(lean) * height) / 2;
  const top = bestLine(view.down, columns, rows, slope, rows / 2 - halfHeight, TOLERANCE * height);
  const bottom = bestLine(view.down, columns, rows, slope, rows / 2 + halfHeight, TOLERANCE * height);
  const left = bestLine(view.across, rows, columns, lean, columns / 2 - halfWidth, TOLERANCE * width);
  const right = bestLine(view.across, rows, columns, lean, columns / 2 + halfWidth, TOLERANCE * width);

  /** Where y = v + slope (x - cx) meets x = u + lean (y - cy). */
  const corner = (u: number, v: number): Point => {
    const x = (u - columns / 2 + lean * (v - rows / 2)) / (1 - lean * slope);
    return view.toImage(columns / 2 + x, v + slope * x);
  };
  return [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)];
}

/** Steps of colour in a rectangle: light, red against green, blue against yellow. */
interface View {
  readonly columns: number;
  readonly rows: number;
  /** Steps downwards, column after column: `down[channel][x * rows + y]` is from cell y to y + 1. */
  readonly down: readonly Float32Array[];
  /** Steps to the right, row after row: `across[channel][y * columns + x]`. */
  readonly across: readonly Float32Array[];
  toImage(x: number, y: number): Point;
}

function viewOf(image: RgbImage, rect: OrientedRect): View {
  const spanX = rect.width * (1 + 2 * MARGIN);
  const spanY = rect.height * (1 + 2 * MARGIN);
  const cell = Math.max(1, spanX / MOST_CELLS, spanY / MOST_CELLS);
  const columns = Math.max(6, Math.round(spanX / cell));
  const rows = Math.max(6, Math.round(spanY / cell));
  const cos = Math.cos(rect.angle);
  const sin = Math.sin(rect.angle);
  const toImage = (x: number, y: number): Point => {
    const u = (x / columns - 0.5) * spanX;
    const v = (y / rows - 0.5) * spanY;
    return { x: rect.cx + u * cos - v * sin, y: rect.cy + u * sin + v * cos };
  };
  const value = [0, 1, 2].map(() => new Float32Array(columns * rows));
  const samples = Math.min(5, Math.ceil(cell));
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let k = 0; k < samples * samples; k++) {
        const p = toImage(x + ((k % samples) + 0.5) / samples, y + (Math.floor(k / samples) + 0.5) / samples);
        const at = 3 * (clamp(p.y, image.height) * image.width + clamp(p.x, image.width));
        r += image.data[at] as number;
        g += image.data[at + 1] as number;
        b += image.data[at + 2] as number;
      }
      const n = samples * samples;
      const at = y * columns + x;
      (value[0] as Float32Array)[at] = (r + g + b) / (3 * n);
      (value[1] as Float32Array)[at] = (r - g) / (2 * n);
      (value[2] as Float32Array)[at] = (2 * b - r - g) / (4 * n);
    }
  }
  const down = value.map((v) => {
    const steps = new Float32Array(columns * rows);
    for (let x = 0; x < columns; x++) {
      for (let y = 0; y + 1 < rows; y++) steps[x * rows + y] = limited(v, (y + 1) * columns + x, y * columns + x);
    }
    return steps;
  });
  const across = value.map((v) => {
    const steps = new Float32Array(columns * rows);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x + 1 < columns; x++) steps[y * columns + x] = limited(v, y * columns + x + 1, y * columns + x);
    }
    return steps;
  });
  return { columns, rows, down, across, toImage };
}

const clamp = (value: number, size: number): number => Math.min(size - 1, Math.max(0, Math.floor(value)));

const limited = (v: Float32Array, to: number, from: number): number =>
  Math.min(MOST_STEP, Math.max(-MOST_STEP, (v[to] as number) - (v[from] as number)));

/** Mean step across the line at `offset` + `slope` (i - middle), of the channel that shows it best; 0…MOST_STEP. */
function stepAcross(
  steps: readonly Float32Array[],
  length: number,
  depth: number,
  slope: number,
  offset: number,
): number {
  let most = 0;
  for (const channel of steps) {
    let sum = 0;
    for (let i = 0; i < length; i++) {
      // The step from cell k to k + 1 lies at k + 1.
      const at = offset + slope * (i + 0.5 - length / 2) - 1;
      const k = Math.floor(at);
      if (k < 0 || k + 1 >= depth) continue;
      const t = at - k;
      sum += (channel[i * depth + k] as number) * (1 - t) + (channel[i * depth + k + 1] as number) * t;
    }
    most = Math.max(most, Math.abs(sum) / length);
  }
  return most;
}

function bestSlope(steps: readonly Float32Array[], length: number, depth: number, limit: number): number {
  const energy = (slope: number): number => {
    let sum = 0;
    for (let offset = 1; offset < depth; offset++) sum += stepAcross(steps, length, depth, slope, offset) ** 2;
    return sum;
  };
  let best = 0;
  let most = energy(0) * EVIDENCE;
  for (let i = -SLOPES; i <= SLOPES; i++) {
    const slope = (i / SLOPES) * limit;
    const found = energy(slope);
    if (found > most) [best, most] = [slope, found];
  }
  return best;
}

function bestLine(
  steps: readonly Float32Array[],
  length: number,
  depth: number,
  slope: number,
  expected: number,
  tolerance: number,
): number {
  let best = expected;
  let most = LEAST_STEP;
  for (let offset = expected - 2.5 * tolerance; offset <= expected + 2.5 * tolerance; offset += 0.5) {
    const distance = (offset - expected) / tolerance;
    const found = stepAcross(steps, length, depth, slope, offset) * Math.exp((-distance * distance) / 2);
    if (found > most) [best, most] = [offset, found];
  }
  return best;
}

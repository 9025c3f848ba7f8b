import { blurLayer } from './layer.ts';

/** Samples per mean cell at which edges are sharpened. */
const SAMPLES = 6;
/** Rounds, and how far each goes towards a neighbour: together they cross a cell. */
const ROUNDS = 16;
const STEP = 0.5;

/** Around a region, the base is corrected towards what is seen there; inwards this fades over about a cell. */
const ATTACH = { sigma: 0.5, doubt: 0.02 } as const;

/**
 * Gives what `blur` leaves outlines again: brighter and darker areas grow until they meet where brightness bends
 * (shock filter, Osher and Rudin, 1990). Only the blurred colours and those outside of all regions decide.
 * @param base [height, width, 3], smooth over `cell` pixels; overwritten.
 * @param seen the photograph over the same pixels, and 1 where it is not to be looked at.
 */
export function sharpenOutlines(base: Float32Array, seen: Seen, width: number, height: number, cell: number): void {
  const step = Math.max(1, cell / SAMPLES);
  const columns = Math.max(2, Math.round(width / step));
  const rows = Math.max(2, Math.round(height / step));
  let colours = shrink(base, width, height, columns, rows);
  attach(colours, seen, width, height, columns, rows, (cell / step) * ATTACH.sigma);
  const grows = growing(colours, columns, rows);
  for (let round = 0; round < ROUNDS; round++) colours = grow(colours, grows, columns, rows);
  colours = smooth(smooth(colours, columns, rows, 3, 3 * columns), rows, columns, 3 * columns, 3);
  enlarge(colours, columns, rows, base, width, height);
}

/** The photograph at a place. Writes its colour to `into` and tells whether it may be looked at. */
export type Seen = (x: number, y: number, into: Float32Array) => boolean;

/** Adds what the base lacks around the region to it, and less and less of that farther in. */
function attach(
  colours: Float32Array,
  seen: Seen,
  width: number,
  height: number,
  columns: number,
  rows: number,
  sigma: number,
): void {
  const missing = new Float32Array(columns * rows * 4);
  const colour = new Float32Array(3);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      if (!seen(((i + 0.5) * width) / columns, ((j + 0.5) * height) / rows, colour)) continue;
      const at = j * columns + i;
      for (let c = 0; c < 3; c++) missing[4 * at + c] = (colour[c] as number) - (colours[3 * at + c] as number);
      missing[4 * at + 3] = 1;
    }
  }
  const spread = { data: missing, width: columns, height: rows };
  blurLayer(spread, Math.max(0.5, sigma));
  for (let i = 0; i < columns * rows; i++) {
    const weight = missing[4 * i + 3] as number;
    for (let c = 0; c < 3; c++) {
      const value = (colours[3 * i + c] as number) + (missing[4 * i + c] as number) / (weight + ATTACH.doubt);
      colours[3 * i + c] = Math.max(0, Math.min(255, value));
    }
  }
}

function shrink(base: Float32Array, width: number, height: number, columns: number, rows: number): Float32Array {
  const out = new Float32Array(columns * rows * 3);
  for (let j = 0; j < rows; j++) {
    const y = Math.min(height - 1, Math.floor(((j + 0.5) * height) / rows));
    for (let i = 0; i < columns; i++) {
      const x = Math.min(width - 1, Math.floor(((i + 0.5) * width) / columns));
      for (let c = 0; c < 3; c++) out[(j * columns + i) * 3 + c] = base[(y * width + x) * 3 + c] as number;
    }
  }
  return out;
}

/** 1 where brightness bends down across the edge, so that the bright side grows; −1 where the dark side does. */
function growing(colours: Float32Array, columns: number, rows: number): Int8Array {
  const signs = new Int8Array(columns * rows);
  const bright = brightness(colours);
  const at = (i: number, j: number): number =>
    bright[Math.max(0, Math.min(rows - 1, j)) * columns + Math.max(0, Math.min(columns - 1, i))] as number;
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const r = 2;
      const gx = at(i + r, j) - at(i - r, j);
      const gy = at(i, j + r) - at(i, j - r);
      const xx = at(i + r, j) - 2 * at(i, j) + at(i - r, j);
      const yy = at(i, j + r) - 2 * at(i, j) + at(i, j - r);
      const xy = (at(i + r, j + r) + at(i - r, j - r) - at(i - r, j + r) - at(i + r, j - r)) / 4;
      const bend = gx * gx * xx + 2 * gx * gy * xy + gy * gy * yy;
      signs[j * columns + i] = gx * gx + gy * gy < 4 ? 0 : -Math.sign(bend);
    }
  }
  return signs;
}

function brightness(colours: Float32Array): Float32Array {
  return Float32Array.from(
    { length: colours.length / 3 },
    (_, i) =>
      0.3 * (colours[3 * i] as number) + 0.59 * (colours[3 * i + 1] as number) + 0.11 * (colours[3 * i + 2] as number),
  );
}

/** Every sample moves towards its brightest or darkest neighbour. */
function grow(colours: Float32Array, grows: Int8Array, columns: number, rows: number): Float32Array {
  const out = colours.slice();
  const bright = brightness(colours);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const here = j * columns + i;
      const sign = grows[here] as number;
      if (sign === 0) continue;
      let best = here;
      for (let y = Math.max(0, j - 1); y <= Math.min(rows - 1, j + 1); y++) {
        for (let x = Math.max(0, i - 1); x <= Math.min(columns - 1, i + 1); x++) {
          if (x !== i && y !== j) continue;
          const there = y * columns + x;
          if (sign * ((bright[there] as number) - (bright[best] as number)) > 0) best = there;
        }
      }
      for (let c = 0; c < 3; c++) {
        const value = colours[3 * here + c] as number;
        out[3 * here + c] = value + STEP * ((colours[3 * best + c] as number) - value);
      }
    }
  }
  return out;
}

/** Takes the steps of the coarse samples off edges: a kernel of five along one axis. */
function smooth(colours: Float32Array, length: number, lines: number, step: number, line: number): Float32Array {
  const out = new Float32Array(colours.length);
  const weights = [0.06, 0.24, 0.4, 0.24, 0.06];
  for (let l = 0; l < lines; l++) {
    for (let i = 0; i < length; i++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = -2; k <= 2; k++) {
          const at = Math.max(0, Math.min(length - 1, i + k));
          sum += (weights[k + 2] as number) * (colours[l * line + at * step + c] as number);
        }
        out[l * line + i * step + c] = sum;
      }
    }
  }
  return out;
}

/** Bilinear. */
function enlarge(
  colours: Float32Array,
  columns: number,
  rows: number,
  out: Float32Array,
  width: number,
  height: number,
): void {
  const lefts = new Int32Array(width);
  const shares = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    const u = Math.max(0, Math.min(columns - 1, ((x + 0.5) * columns) / width - 0.5));
    const i = Math.min(columns - 2, Math.floor(u));
    lefts[x] = 3 * i;
    shares[x] = u - i;
  }
  const line = new Float32Array(columns * 3);
  for (let y = 0; y < height; y++) {
    const v = Math.max(0, Math.min(rows - 1, ((y + 0.5) * rows) / height - 0.5));
    const j = Math.min(rows - 2, Math.floor(v));
    const share = v - j;
    const upper = j * columns * 3;
    const lower = upper + columns * 3;
    for (let i = 0; i < line.length; i++) {
      line[i] = (colours[upper + i] as number) * (1 - share) + (colours[lower + i] as number) * share;
    }
    let to = y * width * 3;
    for (let x = 0; x < width; x++) {
      const at = lefts[x] as number;
      const f = shares[x] as number;
      out[to++] = (line[at] as number) * (1 - f) + (line[at + 3] as number) * f;
      out[to++] = (line[at + 1] as number) * (1 - f) + (line[at + 4] as number) * f;
      out[to++] = (line[at + 2] as number) * (1 - f) + (line[at + 5] as number) * f;
    }
  }
}

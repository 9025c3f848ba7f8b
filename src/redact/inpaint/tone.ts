import type { Correspondence } from './correspondence.ts';
import { CELL, type Level } from './level.ts';
import { fillMembrane } from './membrane.ts';
import { edgeError } from './vote.ts';

/** Radii in cells of the box means, taken twice, that part tone from texture and that measure how much texture is. */
const RADIUS = { tone: 2, activity: 2 } as const;

/** Standard deviation of the texture, levels: below the first, the tone is smooth on its own; above the second, not. */
const ACTIVITY = { smooth: 2.5, textured: 8 } as const;

const isSeen = (kind: number): boolean => kind === CELL.known || kind === CELL.cut;

/** The colours of a level without its texture, RGB, cell by cell; holes and barred cells take no part. */
export function toneOf(level: Level): Float32Array {
  return blurred(Float32Array.from(level.rgb), 3, level, isSeen, RADIUS.tone);
}

/** What `smoothTone` knows of a level's holes. */
export interface SmoothTone {
  /** The surroundings' tone continued across the holes, RGB, cell by cell. */
  readonly rgb: Float32Array;
  /** How much the surroundings call for that tone instead of a copied one, 0…1. */
  readonly share: Float32Array;
}

/** The tone of the surroundings, continued smoothly across the holes. */
export function smoothTone(level: Level, tone: Float32Array): SmoothTone {
  const { kind, rgb, width, height } = level;
  const squares = new Float32Array(kind.length);
  for (let i = 0; i < kind.length; i++) {
    for (let c = 3 * i; c < 3 * i + 3; c++) {
      squares[i] = (squares[i] as number) + ((rgb[c] as number) - (tone[c] as number)) ** 2 / 3;
    }
  }
  const activity = blurred(squares, 1, level, isSeen, RADIUS.activity);
  const value = new Float32Array(kind.length * 4);
  for (let i = 0; i < kind.length; i++) {
    for (let c = 0; c < 3; c++) value[4 * i + c] = tone[3 * i + c] as number;
    value[4 * i + 3] = Math.sqrt(activity[i] as number);
  }
  const fixed = kind.map((k) => (k === CELL.hole ? 0 : isSeen(k) ? 1 : 2));
  fillMembrane(value, fixed, width, height, 4);
  const continued = new Float32Array(kind.length * 3);
  const share = new Float32Array(kind.length);
  for (let i = 0; i < kind.length; i++) {
    for (let c = 0; c < 3; c++) continued[3 * i + c] = value[4 * i + c] as number;
    const t = ((value[4 * i + 3] as number) - ACTIVITY.smooth) / (ACTIVITY.textured - ACTIVITY.smooth);
    const textured = t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
    share[i] = 1 - textured;
  }
  return { rgb: continued, share };
}

/** Levels by which the tone of what was copied is changed at most to meet what is known at the edge. */
const MOST_CORRECTION = 60;

/**
 * The tone that a filled level is to have: what was copied where there is texture, led to what is known at the edge
 * (Pérez et al., 2003), and the smooth one elsewhere.
 * @param found undefined when nothing was copied.
 */
export function filledTone(level: Level, smooth: SmoothTone, found: Correspondence | undefined): Float32Array {
  const { kind, rgb, width, height } = level;
  const mixed = Float32Array.from(rgb);
  const correction = found ? edgeError(level, found, MOST_CORRECTION) : new Float32Array(rgb.length);
  if (found) {
    const fixed = kind.map((k, i) => (k === CELL.hole ? 0 : (found.to[i] as number) >= 0 ? 1 : 2));
    fillMembrane(correction, fixed, width, height, 3);
  }
  for (let i = 0; i < kind.length; i++) {
    if (kind[i] !== CELL.hole) continue;
    const share = found ? (smooth.share[i] as number) : 1;
    for (let c = 3 * i; c < 3 * i + 3; c++) {
      const copied = (rgb[c] as number) + (correction[c] as number);
      mixed[c] = copied + share * ((smooth.rgb[c] as number) - copied);
    }
  }
  return blurred(mixed, 3, level, (kind) => kind !== CELL.barred, RADIUS.tone);
}

/** Twice the mean over squares of `2 * radius + 1` cells, of the cells that take part; 0 where none does. */
function blurred(
  value: Float32Array,
  channels: number,
  { kind, width, height }: Level,
  takesPart: (kind: number) => boolean,
  radius: number,
): Float32Array {
  const wide = channels + 1;
  let from = new Float32Array(kind.length * wide);
  for (let i = 0; i < kind.length; i++) {
    if (!takesPart(kind[i] as number)) continue;
    for (let c = 0; c < channels; c++) from[i * wide + c] = value[i * channels + c] as number;
    from[i * wide + channels] = 1;
  }
  let into = new Float32Array(from.length);
  for (let round = 0; round < 2; round++) {
    for (let y = 0; y < height; y++) runningSum(from, into, y * width * wide, wide, width, wide, radius);
    for (let x = 0; x < width; x++) runningSum(into, from, x * wide, width * wide, height, wide, radius);
  }
  into = from;
  from = new Float32Array(kind.length * channels);
  for (let i = 0; i < kind.length; i++) {
    const n = into[i * wide + channels] as number;
    if (n < 0.5) continue;
    for (let c = 0; c < channels; c++) from[i * channels + c] = (into[i * wide + c] as number) / n;
  }
  return from;
}

/** Sums over `2 * radius + 1` of `count` cells of `wide` numbers that lie `step` apart from `at` on. */
function runningSum(
  from: Float32Array,
  into: Float32Array,
  at: number,
  step: number,
  count: number,
  wide: number,
  radius: number,
): void {
  for (let c = 0; c < wide; c++) {
    let sum = 0;
    for (let k = 0; k < Math.min(radius, count); k++) sum += from[at + k * step + c] as number;
    for (let k = 0; k < count; k++) {
      if (k + radius < count) sum += from[at + (k + radius) * step + c] as number;
      if (k > radius) sum -= from[at + (k - radius - 1) * step + c] as number;
      into[at + k * step + c] = sum;
    }
  }
}

import type { Correspondence } from './correspondence.ts';
import { CELL, type Level } from './level.ts';
import { fillMembrane } from './membrane.ts';
import { depthOf, edgeError } from './vote.ts';

/** Radii in cells of the box means, taken twice, that part tone from texture and that measure how much texture is. */
const RADIUS = { tone: 2, activity: 2 } as const;

/** Standard deviation of the texture, levels: below the first, the tone is smooth on its own; above the second, not. */
const ACTIVITY = { from: 2.5, to: 8 } as const;

/** The same of how much the tones around a cell differ: between unlike ones lies an edge, not a ramp. */
const SPREAD = { from: 24, to: 48 } as const;

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

/** How much of the tone is that of the guide, away from the edge. */
const GUIDED = 0.8;

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
  // Red, green, blue, activity, and the mean square of the colours.
  const value = new Float32Array(kind.length * 5);
  for (let i = 0; i < kind.length; i++) {
    for (let c = 0; c < 3; c++) value[5 * i + c] = tone[3 * i + c] as number;
    value[5 * i + 3] = Math.sqrt(activity[i] as number);
    value[5 * i + 4] = meanSquare(tone, 3 * i);
  }
  const fixed = kind.map((k) => (k === CELL.hole ? 0 : isSeen(k) ? 1 : 2));
  fillMembrane(value, fixed, width, height, 5);
  const continued = new Float32Array(kind.length * 3);
  const share = new Float32Array(kind.length);
  for (let i = 0; i < kind.length; i++) {
    for (let c = 0; c < 3; c++) continued[3 * i + c] = value[5 * i + c] as number;
    // How much the tones that a cell is interpolated from differ: the variance over the harmonic measure of the edge.
    const spread = Math.sqrt(Math.max(0, (value[5 * i + 4] as number) - meanSquare(value, 5 * i)));
    share[i] = (1 - step(value[5 * i + 3] as number, ACTIVITY)) * (1 - step(spread, SPREAD));
  }
  return { rgb: continued, share };
}

/** 0 up to `from`, 1 from `to` on, smooth in between. */
function step(value: number, { from, to }: { from: number; to: number }): number {
  const t = (value - from) / (to - from);
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

function meanSquare(rgb: Float32Array, at: number): number {
  return ((rgb[at] as number) ** 2 + (rgb[at + 1] as number) ** 2 + (rgb[at + 2] as number) ** 2) / 3;
}

/** Levels by which the tone of what was copied is changed at most to meet what is known at the edge. */
const MOST_CORRECTION = 60;

/** What is left of that change one cell farther from the edge: one odd thing there must not tinge all of the hole. */
const FADE = 0.9;

/**
 * The tone that a filled level is to have: what was copied where there is texture, led to what is known at the edge
 * (Pérez et al., 2003), and the smooth one elsewhere.
 * @param found undefined when nothing was copied.
 */
export function filledTone(level: Level, smooth: SmoothTone, found: Correspondence | undefined): Float32Array {
  const { kind, rgb, width, height, guide } = level;
  const mixed = Float32Array.from(rgb);
  const depth = depthOf(level);
  const correction = found ? edgeError(level, found, MOST_CORRECTION) : new Float32Array(rgb.length);
  if (found) {
    const fixed = kind.map((k, i) => (k === CELL.hole ? 0 : (found.to[i] as number) >= 0 ? 1 : 2));
    fillMembrane(correction, fixed, width, height, 3);
  }
  for (let i = 0; i < kind.length; i++) {
    if (kind[i] !== CELL.hole) continue;
    const share = found ? (smooth.share[i] as number) : 1;
    const fade = FADE ** (depth[i] as number);
    for (let c = 3 * i; c < 3 * i + 3; c++) {
      const copied = (rgb[c] as number) + fade * (correction[c] as number);
      const wanted = guide && (guide[c] as number) >= 0 ? (guide[c] as number) : undefined;
      mixed[c] =
        wanted === undefined
          ? copied + share * ((smooth.rgb[c] as number) - copied)
          : copied + GUIDED * (1 - fade) * (wanted - copied);
    }
  }
  return blurred(mixed, 3, level, (kind) => kind !== CELL.barred, RADIUS.tone);
}

/** Twice the mean over squares of `2 * radius + 1` cells, of the cells that take part; 0 where none does. */
function blurred(
  value: Float32Array,
  channels: number,
  { kind, width }: Level,
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
    sumAcross(from, into, width * wide, wide, radius);
    sumDown(into, from, width * wide, radius);
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

/** Sums over `2 * radius + 1` cells of `wide` numbers along each row of `length` numbers. */
function sumAcross(from: Float32Array, into: Float32Array, length: number, wide: number, radius: number): void {
  const ahead = radius * wide;
  const behind = ahead + wide;
  for (let start = 0; start < from.length; start += length) {
    const end = start + length;
    for (let c = start; c < start + wide; c++) {
      let sum = 0;
      for (let i = c; i < Math.min(end, c + ahead); i += wide) sum += from[i] as number;
      for (let i = c; i < end; i += wide) {
        if (i + ahead < end) sum += from[i + ahead] as number;
        if (i - behind >= start) sum -= from[i - behind] as number;
        into[i] = sum;
      }
    }
  }
}

/** Sums over `2 * radius + 1` rows of `length` numbers. */
function sumDown(from: Float32Array, into: Float32Array, length: number, radius: number): void {
  const sum = new Float64Array(length);
  const add = (start: number, sign: number): void => {
    if (start < 0 || start >= from.length) return;
    for (let i = 0; i < length; i++) sum[i] = (sum[i] as number) + sign * (from[start + i] as number);
  };
  for (let row = 0; row < radius; row++) add(row * length, 1);
  for (let start = 0; start < from.length; start += length) {
    add(start + radius * length, 1);
    add(start - (radius + 1) * length, -1);
    into.set(sum, start);
  }
}

import type { Colour } from './lettering/sheet.ts';

/** What a region's pixels are summed up as: two mean colours and how many are of the second. */
export interface TwoColours {
  /** Of the larger part. */
  readonly major: Colour;
  readonly minor: Colour;
  /** Share of the smaller part, 0…0.5. */
  readonly share: number;
}

const ROUNDS = 6;
/** Of a cluster, the share farthest from the other one: pixels on edges, mixed of both, are left out. */
const CORE = 0.6;

/**
 * Two-means clustering (Lloyd, 1982) of RGB colours.
 * @param rgb one after the other; at least one.
 */
export function twoColours(rgb: readonly number[] | Float64Array): TwoColours {
  const count = Math.floor(rgb.length / 3);
  if (count === 0) throw new RangeError('Expected at least one pixel to take colours from but received none');
  let centres = split(rgb, count, axisOf(rgb, count));
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = centres;
    const axis: Colour = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
    const middle = ((b[0] + a[0]) * axis[0] + (b[1] + a[1]) * axis[1] + (b[2] + a[2]) * axis[2]) / 2;
    centres = split(rgb, count, axis, middle);
  }
  const [a, b] = centres;
  const axis: Colour = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const along = Float64Array.from({ length: count }, (_, i) => dot(rgb, i, axis));
  const middle = ((b[0] + a[0]) * axis[0] + (b[1] + a[1]) * axis[1] + (b[2] + a[2]) * axis[2]) / 2;
  const order = along.slice().sort();
  let lower = 0;
  while (lower < count && (order[lower] as number) <= middle) lower++;
  const low = meanWhere(rgb, along, (v) => v <= (order[Math.max(0, Math.ceil(lower * CORE) - 1)] as number));
  const high = meanWhere(
    rgb,
    along,
    (v) => v >= (order[count - Math.max(1, Math.ceil((count - lower) * CORE))] as number),
  );
  return 2 * lower >= count
    ? { major: low, minor: high, share: (count - lower) / count }
    : { major: high, minor: low, share: lower / count };
}

/** Pens from this many pixels on show their own colour somewhere; the mean colour of a thinner one is mixed with the ground. */
const SOLID_PEN = 2.2;
const MOST_MIXED = 0.8;

/**
 * The colour of ink whose mean colour was measured on strokes of `pen` pixels: drawn as thin again, it is mixed with
 * the ground once more.
 */
export function pureInk(mean: Colour, ground: Colour, pen: number): Colour {
  const times = 1 + MOST_MIXED * Math.min(1, Math.max(0, (SOLID_PEN - pen) / SOLID_PEN));
  return mean.map((v, c) => {
    const away = (ground[c] as number) + (v - (ground[c] as number)) * times;
    return Math.min(255, Math.max(0, away));
  }) as unknown as Colour;
}

const dot = (rgb: ArrayLike<number>, i: number, axis: Colour): number =>
  (rgb[3 * i] as number) * axis[0] + (rgb[3 * i + 1] as number) * axis[1] + (rgb[3 * i + 2] as number) * axis[2];

const AXES: readonly Colour[] = [
  [1 / 3, 1 / 3, 1 / 3],
  [1 / 2, -1 / 2, 0],
  [-1 / 4, -1 / 4, 1 / 2],
];

/** Of light, red against green and blue against yellow, that in which the colours differ most. */
function axisOf(rgb: ArrayLike<number>, count: number): Colour {
  let best = AXES[0] as Colour;
  let most = -1;
  for (const axis of AXES) {
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const v = dot(rgb, i, axis);
      sum += v;
      squares += v * v;
    }
    const variance = squares / count - (sum / count) ** 2;
    if (variance > most) [best, most] = [axis, variance];
  }
  return best;
}

/** The mean colours on both sides of `threshold` along an axis; without one, of the mean. */
function split(rgb: ArrayLike<number>, count: number, axis: Colour, threshold?: number): [Colour, Colour] {
  const along = Float64Array.from({ length: count }, (_, i) => dot(rgb, i, axis));
  const at = threshold ?? along.reduce((sum, v) => sum + v, 0) / count;
  return [meanWhere(rgb, along, (v) => v <= at), meanWhere(rgb, along, (v) => v > at)];
}

/** The mean colour of the pixels whose value passes; of all where none does. */
function meanWhere(rgb: ArrayLike<number>, along: Float64Array, passes: (value: number) => boolean): Colour {
  const sum: [number, number, number] = [0, 0, 0];
  let n = 0;
  for (const [i, value] of along.entries()) {
    if (!passes(value)) continue;
    for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + (rgb[3 * i + c] as number);
    n++;
  }
  if (n === 0) return meanWhere(rgb, along, () => true);
  return [sum[0] / n, sum[1] / n, sum[2] / n];
}

import { boundingBox } from '../../core/geometry.ts';
import type { RgbImage } from '../../core/types.ts';
import { inverse, ontoQuad, project, type Quad, quadSize } from './lettering/projection.ts';
import type { Colour } from './lettering/sheet.ts';
import { twoColours } from './two-colours.ts';

/** All that a synthetic plate takes from the plate it replaces, besides its outline. */
export interface PlateLook {
  readonly ground: Colour;
  readonly ink: Colour;
  readonly lines: 1 | 2;
  /** A band of another colour at a side, as European plates have. */
  readonly band?: { readonly side: 'left' | 'right'; readonly colour: Colour };
  /** By what share the light grows from left to right and from top to bottom. */
  readonly light: { readonly across: number; readonly down: number };
}

/** A pixel's place on the plate, 0…1 each, and its colour. */
interface Spot {
  readonly u: number;
  readonly v: number;
  readonly rgb: Colour;
}

const SPOTS = 4000;
/** Least difference of ground and ink that can be read, and of a band from the ground; 0…441. */
const CONTRAST = 36;
const BAND = { width: 0.09, distance: 70, saturation: 45, even: 0.6 } as const;
const MOST_LIGHT = 0.5;
/** Rows of the profile that tells one line from two. */
const PROFILE = 12;
const MOST_INK = 0.75;
const LEAST_INK = 0.2;

const GUESS: PlateLook = { ground: [200, 200, 200], ink: [50, 50, 50], lines: 1, light: { across: 0, down: 0 } };

/** Sums up the pixels within `quad`; where none is inside the image, a usual plate. */
export function plateLook(image: RgbImage, quad: Quad): PlateLook {
  const spots = spotsIn(image, quad);
  const middle = spots.filter(({ u, v }) => u > 0.13 && u < 0.87 && v > 0.1 && v < 0.9);
  if (middle.length === 0) return GUESS;
  const { major, minor, share } = twoColours(middle.flatMap((s) => s.rgb));
  const ground = major;
  const ink = share > 0.03 && distance(major, minor) >= CONTRAST ? minor : opposite(major);
  const { width, height } = quadSize(quad);
  const band = bandOf(spots, ground, ink);
  return {
    ground,
    ink,
    lines: linesOf(middle, ground, ink, width / height),
    ...(band ? { band } : {}),
    light: lightOf(middle.filter(({ rgb }) => isGround(rgb, ground, ink))),
  };
}

function spotsIn(image: RgbImage, quad: Quad): Spot[] {
  const back = inverse(ontoQuad(quad));
  const box = boundingBox(quad);
  const [x1, y1] = [Math.max(0, Math.floor(box.x1)), Math.max(0, Math.floor(box.y1))];
  const [x2, y2] = [Math.min(image.width, Math.ceil(box.x2)), Math.min(image.height, Math.ceil(box.y2))];
  const step = Math.max(1, Math.ceil(Math.sqrt(((x2 - x1) * (y2 - y1)) / SPOTS)));
  const spots: Spot[] = [];
  for (let y = y1; y < y2; y += step) {
    for (let x = x1; x < x2; x += step) {
      const { x: u, y: v } = project(back, x + 0.5, y + 0.5);
      if (!(u > 0 && u < 1 && v > 0 && v < 1)) continue;
      const at = 3 * (y * image.width + x);
      spots.push({ u, v, rgb: [image.data[at] as number, image.data[at + 1] as number, image.data[at + 2] as number] });
    }
  }
  return spots;
}

const distance = (a: Colour, b: Colour): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

const saturation = (c: Colour): number => Math.max(...c) - Math.min(...c);

const luma = ([r, g, b]: Colour): number => 0.299 * r + 0.587 * g + 0.114 * b;

/** Where no characters can be told, such as far away: dark on light or light on dark. */
function opposite(ground: Colour): Colour {
  const change = luma(ground) > 90 ? 0.35 : 2.2;
  return ground.map((v) => Math.min(235, v * change + (change > 1 ? 40 : 0))) as unknown as Colour;
}

const isGround = (rgb: Colour, ground: Colour, ink: Colour): boolean =>
  distance(rgb, ground) < 0.5 * distance(rgb, ink);

function bandOf(spots: readonly Spot[], ground: Colour, ink: Colour): PlateLook['band'] {
  const found = (['left', 'right'] as const).map((side) => {
    const strip = spots.filter(({ u, v }) => v > 0.15 && v < 0.85 && (side === 'left' ? u : 1 - u) < BAND.width);
    const colour = meanColour(strip);
    const even = strip.filter(({ rgb }) => distance(rgb, colour) < BAND.distance).length;
    const differs =
      even > BAND.even * strip.length &&
      distance(colour, ground) > BAND.distance &&
      distance(colour, ink) > BAND.distance &&
      saturation(colour) > saturation(ground) + BAND.saturation;
    return { side, colour, strength: differs ? saturation(colour) : 0 };
  });
  const [left, right] = found as [(typeof found)[number], (typeof found)[number]];
  const { side, colour, strength } = left.strength >= right.strength ? left : right;
  return strength > 0 ? { side, colour } : undefined;
}

function meanColour(spots: readonly Spot[]): Colour {
  const sum: [number, number, number] = [0, 0, 0];
  for (const { rgb } of spots) for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + (rgb[c] as number);
  return sum.map((v) => v / Math.max(1, spots.length)) as unknown as Colour;
}

/** Two where the middle of the plate has much less ink than the parts above and below it. */
function linesOf(spots: readonly Spot[], ground: Colour, ink: Colour, aspect: number): 1 | 2 {
  if (aspect > 2.8) return 1;
  const inked = new Float64Array(PROFILE);
  const all = new Float64Array(PROFILE);
  for (const { v, rgb } of spots) {
    const row = Math.min(PROFILE - 1, Math.floor(((v - 0.1) / 0.8) * PROFILE));
    all[row] = (all[row] as number) + 1;
    if (!isGround(rgb, ground, ink)) inked[row] = (inked[row] as number) + 1;
  }
  // A row that is all ink is a shadow or the bumper, not characters.
  const share = [...inked].map((n, i) => n / Math.max(1, all[i] as number)).map((s) => (s > MOST_INK ? 0 : s));
  const most = (from: number, to: number): number => Math.max(...share.slice(from, to));
  const valley = Math.min(...share.slice(PROFILE / 2 - 2, PROFILE / 2 + 2));
  const lower = Math.min(most(0, PROFILE / 2 - 1), most(PROFILE / 2 + 1, PROFILE));
  return lower > LEAST_INK && valley < 0.4 * lower ? 2 : 1;
}

/** The plane through the lightness of the ground (least squares), as shares of its mean. */
function lightOf(spots: readonly Spot[]): PlateLook['light'] {
  const n = spots.length;
  const mean = (value: (spot: Spot) => number): number => spots.reduce((sum, s) => sum + value(s), 0) / n;
  const [u0, v0, l0] = [mean((s) => s.u), mean((s) => s.v), mean((s) => luma(s.rgb))];
  const uu = mean((s) => (s.u - u0) ** 2);
  const uv = mean((s) => (s.u - u0) * (s.v - v0));
  const vv = mean((s) => (s.v - v0) ** 2);
  const ul = mean((s) => (s.u - u0) * (luma(s.rgb) - l0));
  const vl = mean((s) => (s.v - v0) * (luma(s.rgb) - l0));
  const det = uu * vv - uv * uv;
  if (!(n >= 12 && det > 1e-6 && l0 > 1)) return { across: 0, down: 0 };
  const limited = (slope: number): number =>
    Math.round(100 * Math.min(MOST_LIGHT, Math.max(-MOST_LIGHT, slope / l0))) / 100 + 0;
  return { across: limited((ul * vv - vl * uv) / det), down: limited((vl * uu - ul * uv) / det) };
}

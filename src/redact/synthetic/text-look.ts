import type { OrientedRect } from '../../core/geometry.ts';
import type { Point, RgbImage } from '../../core/types.ts';
import type { Colour } from './lettering/sheet.ts';
import { twoColours } from './two-colours.ts';

/** Pen widths in heights of a capital. */
export const WEIGHTS = { light: 0.085, regular: 0.125, bold: 0.19 } as const;

/** All that synthetic text takes from the text it replaces, besides its outline. */
export interface TextLook {
  readonly ink: Colour;
  /** What it is written on: mean colours of as many equal parts of the line as it is longer than high. */
  readonly grounds: readonly Colour[];
  readonly weight: keyof typeof WEIGHTS;
  /** Where the ink begins and ends in the outline's rectangle, along and across the line, 0…1. */
  readonly along: readonly [from: number, to: number];
  readonly across: readonly [from: number, to: number];
}

/** Where the line is expected in a region that was grown around it: neighbouring lines reach into the rest. */
const LINE = { from: 0.24, to: 0.76, usual: [0.25, 0.75] } as const;
const SAMPLES = { along: 160, across: 24 } as const;
const CONTRAST = 24;
/** Share of the ink beyond either end of the extent: specks are not letters. */
const TAIL = { along: 0.004, across: 0.03 } as const;
/** Share of ink in a line's extent from which it counts as heavier. */
const HEAVIER = { regular: 0.2, bold: 0.36 } as const;

/** Sums up the pixels within `rect`, whose width runs along the line. */
export function textLook(image: RgbImage, rect: OrientedRect): TextLook {
  const columns = Math.min(SAMPLES.along, Math.max(4, Math.round(rect.width)));
  const rows = Math.min(SAMPLES.across, Math.max(4, Math.round(rect.height)));
  const rgb = new Float64Array(columns * rows * 3);
  for (let i = 0; i < columns * rows; i++) {
    const { x, y } = pointIn(rect, ((i % columns) + 0.5) / columns, (Math.floor(i / columns) + 0.5) / rows);
    const at = 3 * (within(y, image.height) * image.width + within(x, image.width));
    rgb.set(image.data.subarray(at, at + 3), 3 * i);
  }
  const first = Math.floor(rows * LINE.from);
  const last = Math.ceil(rows * LINE.to);
  const { major, minor } = twoColours(rgb.subarray(3 * columns * first, 3 * columns * last));
  const isNearer = (i: number, a: Colour, b: Colour): boolean => {
    const colour: Colour = [rgb[3 * i] as number, rgb[3 * i + 1] as number, rgb[3 * i + 2] as number];
    return distance(colour, a) < distance(colour, b);
  };
  const [ground, ink] = isMostOfRim(columns, rows, (i) => isNearer(i, minor, major)) ? [minor, major] : [major, minor];
  if (distance(ground, ink) < CONTRAST) {
    return { ink: readableOn(ground), grounds: [ground], weight: 'regular', along: ends(rect), across: LINE.usual };
  }
  const parts = Math.max(1, Math.floor(rect.width / rect.height));
  const grounds = meanByPart(rgb, columns, parts, ground, (i) => !isNearer(i, ink, ground));
  const alongInk = new Float64Array(columns);
  const acrossInk = new Float64Array(rows);
  for (let i = first * columns; i < last * columns; i++) {
    if (!isNearer(i, ink, ground)) continue;
    const row = Math.floor(i / columns);
    alongInk[i % columns] = (alongInk[i % columns] as number) + 1;
    acrossInk[row] = (acrossInk[row] as number) + 1;
  }
  const along = extentOf(alongInk, TAIL.along);
  const across = extentOf(acrossInk, TAIL.across);
  const inked = acrossInk.reduce((a, b) => a + b, 0) / (columns * rows);
  const share = inked / ((along[1] - along[0]) * (across[1] - across[0]));
  const weight = share > HEAVIER.bold ? 'bold' : share > HEAVIER.regular ? 'regular' : 'light';
  return { ink, grounds, weight, along, across };
}

/** Of each part of the columns, the mean colour of the cells that pass; `usual` where too few do. */
function meanByPart(
  rgb: Float64Array,
  columns: number,
  parts: number,
  usual: Colour,
  passes: (i: number) => boolean,
): Colour[] {
  const sum = new Float64Array(parts * 3);
  const count = new Float64Array(parts);
  for (let i = 0; i < rgb.length / 3; i++) {
    if (!passes(i)) continue;
    const part = Math.floor(((i % columns) * parts) / columns);
    for (let c = 0; c < 3; c++) sum[3 * part + c] = (sum[3 * part + c] as number) + (rgb[3 * i + c] as number);
    count[part] = (count[part] as number) + 1;
  }
  const least = rgb.length / 3 / parts / 8;
  return Array.from(count, (n, part) =>
    n < least ? usual : (Array.from(sum.subarray(3 * part, 3 * part + 3), (v) => v / n) as unknown as Colour),
  );
}

/** Whether more than half of the cells on the rim pass: what lies there is not written. */
function isMostOfRim(columns: number, rows: number, passes: (i: number) => boolean): boolean {
  const rim = Math.max(1, Math.floor(rows * 0.12));
  let all = 0;
  let passing = 0;
  for (let i = 0; i < columns * rows; i++) {
    const [x, y] = [i % columns, Math.floor(i / columns)];
    if (Math.min(x, columns - 1 - x, y, rows - 1 - y) >= rim) continue;
    all++;
    if (passes(i)) passing++;
  }
  return 2 * passing > all;
}

/** The point at shares `u` of the rectangle's width and `v` of its height. */
export function pointIn({ cx, cy, width, height, angle }: OrientedRect, u: number, v: number): Point {
  const [x, y] = [(u - 0.5) * width, (v - 0.5) * height];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: cx + x * cos - y * sin, y: cy + x * sin + y * cos };
}

const within = (value: number, size: number): number => Math.min(size - 1, Math.max(0, Math.floor(value)));

const distance = (a: Colour, b: Colour): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** The grown region reaches as far beyond the line's ends as beyond its top. */
function ends({ width, height }: OrientedRect): [number, number] {
  const margin = Math.min(0.3, (LINE.usual[0] * height) / width);
  return [margin, 1 - margin];
}

function readableOn(ground: Colour): Colour {
  const dark = 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2] < 110;
  return ground.map((v) => (dark ? 0.3 * v + 160 : 0.4 * v)) as unknown as Colour;
}

/** From where to where all but `tail` of the sum on either side lies, 0…1. */
function extentOf(profile: Float64Array, tail: number): [number, number] {
  const total = profile.reduce((a, b) => a + b, 0);
  let from = 0;
  let before = profile[0] as number;
  while (before <= tail * total && from < profile.length - 1) before += profile[++from] as number;
  let to = profile.length - 1;
  let after = profile[to] as number;
  while (after <= tail * total && to > from) after += profile[--to] as number;
  return [from / profile.length, (to + 1) / profile.length];
}

import type { OrientedRect } from '../../core/geometry.ts';
import type { Point, RgbImage } from '../../core/types.ts';
import { cellCount } from '../strength.ts';
import type { Colour } from './lettering/sheet.ts';
import { twoColours } from './two-colours.ts';

/** Pen widths in heights of a capital. */
export const WEIGHTS = { light: 0.085, regular: 0.125, bold: 0.19 } as const;

/** All that synthetic text takes from the text it replaces, besides its outline. */
export interface TextLook {
  readonly ink: Colour;
  /** What it is written on: mean colours of equal parts of the line, none finer than what `blur` leaves. */
  readonly grounds: readonly Colour[];
  readonly weight: keyof typeof WEIGHTS;
  /** Whether its ink lies between two lines, as that of capitals and digits does, or thins out above and below. */
  readonly capitals: boolean;
  /** Where the ink begins and ends in the outline's rectangle, along and across the line, 0…1. */
  readonly along: readonly [from: number, to: number];
  readonly across: readonly [from: number, to: number];
}

/** Where the line is expected in a region that was grown around it: neighbouring lines reach into the rest. */
const LINE = { from: 0.24, to: 0.76, usual: [0.25, 0.75], crowded: [0.29, 0.71] } as const;
const SAMPLES = { along: 160, across: 24 } as const;
const CONTRAST = 24;
/** Share of the ink beyond either end of the extent: specks are not letters. */
const TAIL = { along: 0.004, across: 0.045, most: 0.12 } as const;
/** Share of the line's height that holds most of the ink of capitals. */
const CAPITALS = 0.8;
/** Share of ink in a line's extent from which it counts as heavier: between what the drawn weights give. */
const HEAVIER = { regular: 0.38, bold: 0.52 } as const;

/**
 * Sums up the pixels within `rect`, whose width runs along the line.
 * @param cell least length of a part of the line whose ground is averaged, pixels.
 */
export function textLook(image: RgbImage, rect: OrientedRect, cell: number): TextLook {
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
  const { major, minor, share } = twoColours(rgb.subarray(3 * columns * first, 3 * columns * last));
  const isNearer = (i: number, a: Colour, b: Colour, times = 1): boolean => {
    const colour: Colour = [rgb[3 * i] as number, rgb[3 * i + 1] as number, rgb[3 * i + 2] as number];
    return distance(colour, a) < times * distance(colour, b);
  };
  // What lies around the letters is the ground, unless the letters are much less than half of the line.
  const onRim = shareOfRim(columns, rows, (i) => isNearer(i, minor, major));
  const [ground, ink] = onRim + share > 1 ? [minor, major] : [major, minor];
  if (distance(ground, ink) < CONTRAST) {
    return {
      ink: readableOn(ground),
      grounds: [ground],
      weight: 'regular',
      capitals: false,
      along: ends(rect),
      across: LINE.usual,
    };
  }
  const parts = cellCount(rect.width, cell);
  const grounds = meanByPart(rgb, columns, parts, ground, (i) => isNearer(i, ground, ink, 0.5));
  const alongInk = new Float64Array(columns);
  const acrossInk = new Float64Array(rows);
  // The region reaches as far beyond the line's ends as beyond its top.
  const end = Math.floor(Math.min(0.3, (LINE.from * rect.height) / rect.width) * columns);
  for (let i = first * columns; i < last * columns; i++) {
    const row = Math.floor(i / columns);
    if (i % columns < end || i % columns >= columns - end || !isNearer(i, ink, ground)) continue;
    alongInk[i % columns] = (alongInk[i % columns] as number) + 1;
    acrossInk[row] = (acrossInk[row] as number) + 1;
  }
  const along = extentOf(alongInk, TAIL.along);
  const found = extentOf(acrossInk, TAIL.across);
  // Ink from edge to edge is that of neighbouring lines too.
  const across = found[0] <= first / rows && found[1] >= last / rows ? LINE.crowded : found;
  const inked = acrossInk.reduce((a, b) => a + b, 0) / (columns * rows);
  const density = inked / ((along[1] - along[0]) * (across[1] - across[0]));
  const weight = density > HEAVIER.bold ? 'bold' : density > HEAVIER.regular ? 'regular' : 'light';
  const most = extentOf(acrossInk, TAIL.most);
  const capitals = most[1] - most[0] > CAPITALS * (across[1] - across[0]);
  return { ink, grounds, weight, capitals, along, across };
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

/** Share of the cells on the rim that pass. */
function shareOfRim(columns: number, rows: number, passes: (i: number) => boolean): number {
  const rim = Math.max(1, Math.floor(rows * 0.12));
  let all = 0;
  let passing = 0;
  for (let i = 0; i < columns * rows; i++) {
    const [x, y] = [i % columns, Math.floor(i / columns)];
    if (Math.min(x, columns - 1 - x, y, rows - 1 - y) >= rim) continue;
    all++;
    if (passes(i)) passing++;
  }
  return passing / all;
}

/** The point at shares `u` of the rectangle's width and `v` of its height. */
export function pointIn({ cx, cy, width, height, angle }: OrientedRect, u: number, v: number): Point {
  const [x, y] = [(u - 0.5) * width, (v - 0.5) * height];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: cx + x * cos - y * sin, y: cy + x * sin + y * cos };
}

const within = (value: number, size: number): number => Math.min(size - 1, Math.max(0, Math.floor(value)));

const distance = (a: Colour, b: Colour): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

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

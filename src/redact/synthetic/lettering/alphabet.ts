/**
 * A sans serif of single strokes, drawn for this project. Paths are a subset of SVG's (`M`, `L`, `C`, absolute), in
 * fourteenths of the height of a capital: y 0 is its top, 14 the baseline, 4.4 the top of small letters, 18 the
 * lowest point. The advance is the first number, without the space between letters.
 */
const DRAWN: Readonly<Record<string, readonly [advance: number, path: string]>> = {
  A: [9, 'M0 14L4.5 0L9 14M1.6 9.2L7.4 9.2'],
  B: [
    8,
    'M0 0L0 14L4.4 14C6.8 14 8 12.5 8 10.3C8 8.1 6.8 6.8 4.4 6.8L0 6.8M0 0L4.2 0C6.4 0 7.5 1.3 7.5 3.4C7.5 5.5 6.4 6.8 4.2 6.8',
  ],
  C: [8, 'M8 4C8 1.5 6.5 0 4 0C1.5 0 0 1.5 0 4L0 10C0 12.5 1.5 14 4 14C6.5 14 8 12.5 8 10'],
  D: [8, 'M0 0L0 14L3.6 14C6.5 14 8 12.2 8 9.6L8 4.4C8 1.8 6.5 0 3.6 0L0 0'],
  E: [7, 'M7 0L0 0L0 14L7 14M0 6.8L6 6.8'],
  F: [7, 'M7 0L0 0L0 14M0 6.9L6 6.9'],
  G: [8, 'M8 4C8 1.5 6.5 0 4 0C1.5 0 0 1.5 0 4L0 10C0 12.5 1.5 14 4 14C6.5 14 8 12.5 8 10L8 7.4L4.6 7.4'],
  H: [8, 'M0 0L0 14M8 0L8 14M0 6.9L8 6.9'],
  I: [0, 'M0 0L0 14'],
  J: [6, 'M6 0L6 10.4C6 12.7 5 14 3 14C1 14 0 12.7 0 10.8'],
  K: [8, 'M0 0L0 14M7.6 0L0 8.6M2.9 5.4L8 14'],
  L: [6.5, 'M0 0L0 14L6.5 14'],
  M: [10, 'M0 14L0 0L5 9.5L10 0L10 14'],
  N: [8, 'M0 14L0 0L8 14L8 0'],
  O: [8, 'M4 0C6.5 0 8 1.5 8 4L8 10C8 12.5 6.5 14 4 14C1.5 14 0 12.5 0 10L0 4C0 1.5 1.5 0 4 0'],
  P: [7.5, 'M0 14L0 0L4 0C6.4 0 7.5 1.6 7.5 3.9C7.5 6.2 6.4 7.8 4 7.8L0 7.8'],
  Q: [8, 'M4 0C6.5 0 8 1.5 8 4L8 10C8 12.5 6.5 14 4 14C1.5 14 0 12.5 0 10L0 4C0 1.5 1.5 0 4 0M4.8 10.4L8.4 14.8'],
  R: [8, 'M0 14L0 0L4 0C6.4 0 7.5 1.6 7.5 3.9C7.5 6.2 6.4 7.8 4 7.8L0 7.8M4 7.8L8 14'],
  S: [
    7.5,
    'M7.3 3.4C7.1 1.2 5.8 0 3.7 0C1.5 0 .3 1.3 .3 3.3C.3 5.4 1.7 6.2 3.8 6.8C6 7.4 7.5 8.3 7.5 10.5C7.5 12.7 6 14 3.7 14C1.4 14 .1 12.8 0 10.6',
  ],
  T: [8, 'M0 0L8 0M4 0L4 14'],
  U: [8, 'M0 0L0 10C0 12.5 1.5 14 4 14C6.5 14 8 12.5 8 10L8 0'],
  V: [9, 'M0 0L4.5 14L9 0'],
  W: [12, 'M0 0L3 14L6 2L9 14L12 0'],
  X: [8.5, 'M0 0L8.5 14M8.5 0L0 14'],
  Y: [8.5, 'M0 0L4.25 7.4L8.5 0M4.25 7.4L4.25 14'],
  Z: [7.5, 'M0 0L7.5 0L0 14L7.5 14'],
  a: [
    6.4,
    'M6.4 4.4L6.4 14M6.4 9.2C6.4 6.2 5.2 4.4 3.2 4.4C1.2 4.4 0 6.2 0 9.2C0 12.2 1.2 14 3.2 14C5.2 14 6.4 12.2 6.4 9.2',
  ],
  b: [6.4, 'M0 0L0 14M0 9.2C0 6.2 1.2 4.4 3.2 4.4C5.2 4.4 6.4 6.2 6.4 9.2C6.4 12.2 5.2 14 3.2 14C1.2 14 0 12.2 0 9.2'],
  c: [5.8, 'M5.8 6.6C5.4 5.2 4.4 4.4 3.1 4.4C1.1 4.4 0 6.3 0 9.2C0 12.1 1.1 14 3.1 14C4.4 14 5.4 13.2 5.8 11.8'],
  d: [
    6.4,
    'M6.4 0L6.4 14M6.4 9.2C6.4 6.2 5.2 4.4 3.2 4.4C1.2 4.4 0 6.2 0 9.2C0 12.2 1.2 14 3.2 14C5.2 14 6.4 12.2 6.4 9.2',
  ],
  e: [6.2, 'M0 9L6.2 9C6.2 6.1 5 4.4 3.1 4.4C1.1 4.4 0 6.2 0 9.2C0 12.2 1.2 14 3.3 14C4.6 14 5.6 13.3 6 12'],
  f: [4, 'M4 0C2.4 -.2 1.5 .7 1.5 2.6L1.5 14M0 4.6L3.8 4.6'],
  g: [
    6.4,
    'M6.4 4.4L6.4 14.6C6.4 17 5.2 18 3.2 18C1.7 18 .6 17.3 .3 16.2M6.4 9.2C6.4 6.2 5.2 4.4 3.2 4.4C1.2 4.4 0 6.2 0 9.2C0 12.2 1.2 14 3.2 14C5.2 14 6.4 12.2 6.4 9.2',
  ],
  h: [6, 'M0 0L0 14M0 8.2C.2 5.6 1.5 4.4 3.2 4.4C5 4.4 6 5.6 6 8L6 14'],
  i: [0, 'M0 4.6L0 14M0 .9L0 1.1'],
  j: [2, 'M2 4.6L2 15C2 17 1.4 18 0 18M2 .9L2 1.1'],
  k: [5.8, 'M0 0L0 14M5.4 4.6L0 10.4M2.2 8.2L5.8 14'],
  l: [0, 'M0 0L0 14'],
  m: [
    10,
    'M0 4.6L0 14M0 8C.2 5.5 1.2 4.4 2.6 4.4C4.2 4.4 5 5.5 5 7.6L5 14M5 8C5.2 5.5 6.2 4.4 7.6 4.4C9.2 4.4 10 5.5 10 7.6L10 14',
  ],
  n: [6, 'M0 4.6L0 14M0 8.2C.2 5.6 1.5 4.4 3.2 4.4C5 4.4 6 5.6 6 8L6 14'],
  o: [6.4, 'M3.2 4.4C5.2 4.4 6.4 6.2 6.4 9.2C6.4 12.2 5.2 14 3.2 14C1.2 14 0 12.2 0 9.2C0 6.2 1.2 4.4 3.2 4.4'],
  p: [
    6.4,
    'M0 4.6L0 18M0 9.2C0 6.2 1.2 4.4 3.2 4.4C5.2 4.4 6.4 6.2 6.4 9.2C6.4 12.2 5.2 14 3.2 14C1.2 14 0 12.2 0 9.2',
  ],
  q: [
    6.4,
    'M6.4 4.6L6.4 18M6.4 9.2C6.4 6.2 5.2 4.4 3.2 4.4C1.2 4.4 0 6.2 0 9.2C0 12.2 1.2 14 3.2 14C5.2 14 6.4 12.2 6.4 9.2',
  ],
  r: [3.8, 'M0 4.6L0 14M0 8.4C.2 5.8 1.6 4.3 3.8 4.6'],
  s: [
    5.4,
    'M5.2 6.4C4.9 5.1 4 4.4 2.7 4.4C1.2 4.4 .3 5.2 .3 6.6C.3 8 1.3 8.6 2.8 9C4.4 9.4 5.4 10 5.4 11.4C5.4 13 4.3 14 2.7 14C1.2 14 .2 13.2 0 11.8',
  ],
  t: [3.8, 'M1.5 1.4L1.5 11.6C1.5 13.4 2.2 14.1 3.8 13.9M0 4.6L3.8 4.6'],
  u: [6, 'M0 4.6L0 10.4C0 12.8 1 14 2.9 14C4.5 14 5.8 12.8 6 10.2M6 4.6L6 14'],
  v: [6, 'M0 4.6L3 14L6 4.6'],
  w: [9, 'M0 4.6L2.3 14L4.5 5.6L6.7 14L9 4.6'],
  x: [6, 'M0 4.6L6 14M6 4.6L0 14'],
  y: [6, 'M0 4.6L3 13.6M6 4.6L2.4 16C1.9 17.5 1.2 18 0 18'],
  z: [5.4, 'M0 4.6L5.4 4.6L0 14L5.4 14'],
  '0': [7.2, 'M3.6 0C5.9 0 7.2 1.5 7.2 4L7.2 10C7.2 12.5 5.9 14 3.6 14C1.3 14 0 12.5 0 10L0 4C0 1.5 1.3 0 3.6 0'],
  '1': [3.6, 'M0 3L3.6 0L3.6 14'],
  '2': [7, 'M.2 3.6C.2 1.4 1.5 0 3.6 0C5.8 0 7 1.4 7 3.5C7 5.4 6 6.7 4.6 8.2L0 14L7 14'],
  '3': [
    7,
    'M.2 3.2C.5 1.1 1.8 0 3.5 0C5.6 0 6.7 1.3 6.7 3.3C6.7 5.4 5.4 6.6 3.4 6.6L2.4 6.6M3.4 6.6C5.7 6.6 7 8 7 10.2C7 12.6 5.7 14 3.5 14C1.5 14 .2 12.9 0 10.7',
  ],
  '4': [7.5, 'M5.4 14L5.4 0L0 9.8L7.5 9.8'],
  '5': [7, 'M6.4 0L1 0L.5 6.4C1.3 5.6 2.3 5.2 3.5 5.2C5.7 5.2 7 6.8 7 9.5C7 12.3 5.7 14 3.4 14C1.5 14 .3 12.9 0 10.8'],
  '6': [
    7,
    'M6.5 3C6.2 1 5.1 0 3.6 0C1.2 0 0 2.2 0 6.6L0 9.6C0 12.4 1.3 14 3.5 14C5.7 14 7 12.4 7 9.8C7 7.2 5.7 5.6 3.6 5.6C1.6 5.6 .2 6.9 0 9.2',
  ],
  '7': [7, 'M0 0L7 0L2.4 14'],
  '8': [
    7.2,
    'M3.6 6.6C1.6 6.6 .5 5.3 .5 3.3C.5 1.3 1.6 0 3.6 0C5.6 0 6.7 1.3 6.7 3.3C6.7 5.3 5.6 6.6 3.6 6.6C1.3 6.6 0 8 0 10.3C0 12.6 1.3 14 3.6 14C5.9 14 7.2 12.6 7.2 10.3C7.2 8 5.9 6.6 3.6 6.6',
  ],
  '9': [
    7,
    'M.5 11C.8 13 1.9 14 3.4 14C5.8 14 7 11.8 7 7.4L7 4.4C7 1.6 5.7 0 3.5 0C1.3 0 0 1.6 0 4.2C0 6.8 1.3 8.4 3.4 8.4C5.4 8.4 6.8 7.1 7 4.8',
  ],
  '-': [4, 'M0 8.4L4 8.4'],
  '.': [0, 'M0 13.8L0 14'],
  ',': [1, 'M1 13.8L0 16'],
  ':': [0, 'M0 6L0 6.2M0 13.8L0 14'],
  '!': [0, 'M0 0L0 9.6M0 13.8L0 14'],
  '/': [5, 'M0 14L5 0'],
  '&': [8.4, 'M8.2 14L2 4.4C1 2.8 1.4 0 3.7 0C5.8 0 6.4 2.6 5 4L1.6 7C-.6 9.2 -.3 14 3.4 14C6 14 7.4 12 7.9 8.6'],
};

const CAPITAL = 14;
/** Lines that stand for one curve. */
const STEPS = 6;

/** Points x, y, x, y, … of connected lines, in heights of a capital; y 0 at its top, 1 at the baseline. */
export type Stroke = readonly number[];

export interface Glyph {
  readonly advance: number;
  readonly strokes: readonly Stroke[];
}

const GLYPHS: ReadonlyMap<string, Glyph> = new Map(
  Object.entries(DRAWN).map(([char, [advance, path]]) => [
    char,
    { advance: advance / CAPITAL, strokes: path.split('M').slice(1).map(flatten) },
  ]),
);

/** @throws RangeError for a character that the alphabet lacks. */
export function glyphOf(char: string): Glyph {
  const glyph = GLYPHS.get(char);
  if (!glyph) throw new RangeError(`Expected a character of the alphabet but received ${JSON.stringify(char)}`);
  return glyph;
}

function flatten(path: string): Stroke {
  const points: number[] = [];
  for (const [, command, list] of `L${path}`.matchAll(/([LC])([^LC]+)/g)) {
    const n = (list as string)
      .trim()
      .split(' ')
      .map((v) => Number(v) / CAPITAL);
    if (command === 'L') points.push(n[0] as number, n[1] as number);
    else curve(points, n as [number, number, number, number, number, number]);
  }
  return points;
}

/** Appends a cubic Bézier curve that begins at the last point. */
function curve(points: number[], [x1, y1, x2, y2, x3, y3]: [number, number, number, number, number, number]): void {
  const [x0, y0] = points.slice(-2) as [number, number];
  for (let i = 1; i <= STEPS; i++) {
    const t = i / STEPS;
    const s = 1 - t;
    const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
    points.push(a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3);
  }
}

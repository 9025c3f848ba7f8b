import { glyphOf, type Stroke } from './alphabet.ts';

/** How a line is set. Lengths in heights of a capital. */
export interface Typeface {
  /** Width of the pen. */
  readonly weight: number;
  /** Stretches letters and gaps; 1 is as drawn. */
  readonly width: number;
  /** Rightward lean for each height upwards; 0 is upright. */
  readonly slant: number;
  /** Space between the ink of two letters. */
  readonly tracking: number;
  /** Every character takes the same space, as on plates. */
  readonly monospaced?: boolean;
}

/**
 * Lines to draw with a pen, five numbers each: x1, y1, x2, y2 and which of the two ends are corners or loose ends
 * (`ENDS`); the others join smoothly.
 */
export type Segments = number[];

export const ENDS = { first: 1, second: 2 } as const;
/** Cosine of the turn from which a joint is a corner. */
const CORNER = Math.cos(Math.PI / 5);

export interface Line {
  /** In heights of a capital; x 0 where the ink begins, y 0 at the top of capitals, 1 at the baseline. */
  readonly segments: Segments;
  /** From where the ink begins to where it ends. */
  readonly width: number;
}

const SPACE = 0.32;
/** What a letter takes of the pen's width on both sides together, without tracking. */
const CELL = 8 / 14;

/** @throws RangeError for a character that the alphabet lacks. */
export function typeset(text: string, face: Typeface): Line {
  const segments: Segments = [];
  const { weight, width, slant, tracking, monospaced } = face;
  let x = 0;
  for (const char of text) {
    if (char === ' ') {
      x += SPACE * width + tracking;
      continue;
    }
    const { advance, strokes } = glyphOf(char);
    const natural = advance * width;
    const cell = monospaced ? CELL * width : natural;
    // Letters that are wider than their cell are squeezed into it, as on embossing dies.
    const stretch = natural > cell ? cell / advance : width;
    const left = x + weight / 2 + (cell - advance * stretch) / 2;
    const lean = (y: number): number => slant * (1 - y);
    for (const stroke of strokes) {
      for (let i = 0; i + 3 < stroke.length; i += 2) {
        const [x1, y1, x2, y2] = stroke.slice(i, i + 4) as [number, number, number, number];
        const ends = (isCorner(stroke, i) ? ENDS.first : 0) + (isCorner(stroke, i + 2) ? ENDS.second : 0);
        segments.push(left + x1 * stretch + lean(y1), y1, left + x2 * stretch + lean(y2), y2, ends);
      }
    }
    x += cell + weight + tracking;
  }
  return { segments, width: Math.max(0, x - tracking) };
}

/** Whether a stroke begins, ends or turns sharply at the point whose x is element `i`. */
function isCorner(stroke: Stroke, i: number): boolean {
  if (i === 0 || i + 2 >= stroke.length) return true;
  const [ax, ay, bx, by, cx, cy] = stroke.slice(i - 2, i + 4) as [number, number, number, number, number, number];
  const [ux, uy, vx, vy] = [bx - ax, by - ay, cx - bx, cy - by];
  return ux * vx + uy * vy < CORNER * Math.hypot(ux, uy) * Math.hypot(vx, vy);
}

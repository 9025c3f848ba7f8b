import type { Random } from '../random.ts';
import {
  blankSheet,
  drawSegments,
  type Frame,
  fillRect,
  type Pen,
  type Sheet,
  shade,
  strokeRect,
} from './lettering/sheet.ts';
import { type Typeface, typeset } from './lettering/typeset.ts';
import type { PlateLook } from './plate-look.ts';
import { randomWord } from './words.ts';

const CONFUSABLE = ['I', 'O', 'Q'] as const;
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const DIGITS = [...'0123456789'];
/** Wide plates and plates of two lines have room for as many characters as no serial of letters and digits has. */
const MANY = 9;
const FEW = 7;
const WIDE = 2.8;
const TALL = 2.4;

/**
 * A registration that no authority gives out as a serial: letters and digits alternate from the first character to
 * the last, and the first is an I, O or Q, which are left out or restricted nearly everywhere because they read as
 * digits. Where there is room, it also has nine characters, more than vanity plates may have.
 */
export function invalidRegistration(random: Random, length: number): string {
  let text = random.pick(CONFUSABLE) as string;
  while (text.length < length) text += random.pick(text.length % 2 ? DIGITS : LETTERS);
  return text;
}

/** What decides the drawing: nothing else of the source gets here. */
export interface PlateForm extends PlateLook {
  /** Size of the sheet, pixels. */
  readonly width: number;
  readonly height: number;
}

/** Draws a plate with border, band and one or two lines of random characters. */
export function drawPlate(form: PlateForm, random: Random): Sheet {
  const { ground, ink, lines, band, light } = form;
  const width = Math.max(2, Math.round(form.width));
  const height = Math.max(2, Math.round(form.height));
  const sheet = blankSheet(width, height);
  const whole = { x: 0, y: 0, width, height };
  const round = Math.min(width, height) * 0.08;
  const aspect = width / height;
  const text = invalidRegistration(random, lines === 2 || aspect >= WIDE ? MANY : FEW);
  const face: Typeface = {
    weight: 0.13 + 0.05 * random.next(),
    width: 1,
    slant: 0,
    tracking: 0.08 + 0.08 * random.next(),
    monospaced: random.next() < 0.6,
  };
  const ends = random.next() < 0.6 ? 'square' : 'round';
  const bordered = random.next() < 0.7;

  fillRect(sheet, whole, round, ground);
  let left = 0.05 * width;
  let right = width - left;
  if (band) {
    const bandWidth = Math.min(0.1 * width, 0.5 * height);
    const x = band.side === 'left' ? 0 : width - bandWidth;
    fillRect(sheet, { x, y: 0, width: bandWidth, height }, round, band.colour);
    if (band.side === 'left') left = bandWidth + 0.02 * width;
    else right = width - bandWidth - 0.02 * width;
  }
  if (bordered) strokeRect(sheet, inset(whole, 0.02 * height), round, Math.max(0.7, 0.025 * height), ink);
  // One line on a plate of this shape leaves room, where most countries write their name.
  const isTall = lines === 1 && aspect < TALL;
  const tall = lines === 2 ? 0.38 : isTall ? 0.5 : 0.7;
  const rows = lines === 2 ? [text.slice(0, MANY >> 1), text.slice(MANY >> 1)] : [text];
  const head = isTall ? 0.16 * height : 0;
  const gap = (height - head - rows.length * tall * height) / (rows.length + 1);
  for (const [i, row] of rows.entries()) {
    const frame = { x: left, y: head + gap + i * (gap + tall * height), width: right - left, height: tall * height };
    setLine(sheet, row, face, frame, ends, ink);
  }
  if (isTall) {
    const place = { x: width * 0.2, y: 0.07 * height, width: width * 0.6, height: 0.13 * height };
    setLine(
      sheet,
      randomWord(random, random.int(5, 10)).toUpperCase(),
      { ...face, monospaced: false },
      place,
      ends,
      ink,
    );
  }
  shade(sheet, light.across, light.down);
  return sheet;
}

const inset = ({ x, y, width, height }: Frame, by: number): Frame => ({
  x: x + by,
  y: y + by,
  width: width - 2 * by,
  height: height - 2 * by,
});

/** One line, centred; letters are narrowed until it fits, and their strokes with them. */
function setLine(
  sheet: Sheet,
  text: string,
  face: Typeface,
  frame: Frame,
  ends: Pen['ends'],
  ink: PlateLook['ink'],
): void {
  const room = frame.width / frame.height;
  const natural = typeset(text, face).width;
  const width = Math.min(1, room / natural);
  const weight = face.weight * Math.max(0.6, Math.sqrt(width));
  const squeezed = { ...face, weight, tracking: face.tracking * width };
  const fixed = typeset(text, { ...squeezed, width: 0 }).width;
  const free = typeset(text, squeezed).width - fixed;
  const line = typeset(text, { ...squeezed, width: Math.min(1, Math.max(0.3, (room - fixed) / free)) });
  const pen = weight * frame.height;
  const scaleX = Math.min(frame.height, frame.width / line.width);
  const x = frame.x + (frame.width - line.width * scaleX) / 2;
  const place = { x, y: frame.y + pen / 2, scaleX, scaleY: frame.height - pen };
  drawSegments(sheet, line.segments, place, { width: pen, ends }, ink);
}

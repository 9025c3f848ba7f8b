import type { Random } from '../random.ts';
import { blankSheet, type Colour, drawSegments, type Pen, type Sheet } from './lettering/sheet.ts';
import { type Typeface, typeset } from './lettering/typeset.ts';
import { WEIGHTS } from './text-look.ts';
import { randomWord } from './words.ts';

const MIXED = ['title', 'title', 'small'] as const;
type Case = 'capitals' | (typeof MIXED)[number];
/** How far below the baseline letters reach, in heights of a capital. */
const DESCENT = 4 / 14;

/** What decides the drawing: nothing else of the source gets here. */
export interface TextForm {
  readonly ink: Colour;
  readonly weight: keyof typeof WEIGHTS;
  readonly capitals: boolean;
  /** Size of the sheet, pixels: along the line and across it. */
  readonly width: number;
  readonly height: number;
  /** One character above the other instead of side by side: the sheet is then taller than wide. */
  readonly stacked: boolean;
}

/** Draws random characters that fill the sheet. */
export function drawText(form: TextForm, random: Random): Sheet {
  const width = Math.max(2, Math.round(form.width));
  const height = Math.max(2, Math.round(form.height));
  const sheet = blankSheet(width, height);
  const face: Typeface = {
    weight: WEIGHTS[form.weight],
    width: 0.8 + 0.3 * random.next(),
    slant: random.next() < 0.1 ? 0.2 : 0,
    tracking: 0.1 + 0.08 * random.next(),
  };
  const mixed = random.pick(MIXED);
  const style = form.capitals ? 'capitals' : mixed;
  const ends = random.next() < 0.8 ? 'square' : 'round';
  if (form.stacked) drawStack(sheet, form, face, random);
  else drawLine(sheet, form, face, style, ends, random);
  return sheet;
}

function drawLine(
  sheet: Sheet,
  { ink, weight }: TextForm,
  face: Typeface,
  style: Case,
  ends: Pen['ends'],
  random: Random,
): void {
  const { width, height } = sheet;
  const capital = style === 'capitals' ? height : height / (1 + DESCENT);
  const pen = WEIGHTS[weight] * capital;
  const room = width / (capital - pen);
  let text = '';
  for (let width = 0; width < room; ) {
    const word = cased(randomWord(random, random.int(2, 9)), style);
    text = text ? `${text} ${word}` : word;
    width += typeset(`${word} `, face).width;
  }
  let line = typeset(text, face);
  // The last word ends where the line does.
  while (text.length > 1 && line.width > 1.08 * room) {
    text = text.slice(0, -1).trimEnd();
    line = typeset(text, face);
  }
  // The pen keeps its width when letters are stretched or narrowed.
  const scaleX = Math.min((width - pen) / Math.max(0.2, line.width - face.weight), 1.3 * capital);
  const left = (width - scaleX * line.width) / 2;
  drawSegments(sheet, line.segments, { x: left, y: pen / 2, scaleX, scaleY: capital - pen }, { width: pen, ends }, ink);
}

function drawStack(sheet: Sheet, { ink, weight }: TextForm, face: Typeface, random: Random): void {
  const { width, height } = sheet;
  const count = Math.max(1, Math.round(height / (1.3 * width)));
  const step = height / count;
  const capital = step * 0.82;
  const pen = WEIGHTS[weight] * capital;
  const text = randomWord(random, count).toUpperCase().padEnd(count, 'E');
  for (let i = 0; i < count; i++) {
    const line = typeset(text[i] as string, face);
    const scale = Math.min(capital - pen, width / Math.max(line.width, 0.3));
    const place = { x: (width - line.width * scale) / 2, y: i * step + pen / 2, scaleX: scale, scaleY: capital - pen };
    drawSegments(sheet, line.segments, place, { width: pen, ends: 'square' }, ink);
  }
}

function cased(word: string, style: Case): string {
  if (style === 'capitals') return word.toUpperCase();
  return style === 'title' ? `${word[0]?.toUpperCase()}${word.slice(1)}` : word;
}

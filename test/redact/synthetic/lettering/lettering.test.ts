import { describe, expect, it } from 'vitest';
import { randomFrom } from '../../../../src/redact/random.ts';
import { glyphOf } from '../../../../src/redact/synthetic/lettering/alphabet.ts';
import { photograph } from '../../../../src/redact/synthetic/lettering/photograph.ts';
import { inverse, ontoQuad, project, type Quad } from '../../../../src/redact/synthetic/lettering/projection.ts';
import { blankSheet, drawSegments, fillRect, type Sheet } from '../../../../src/redact/synthetic/lettering/sheet.ts';
import { typeset } from '../../../../src/redact/synthetic/lettering/typeset.ts';

const CHARACTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.,:!/&'];
const FACE = { weight: 0.12, width: 1, slant: 0, tracking: 0.1 };
const BLACK = [0, 0, 0] as const;

function drawn(text: string, height = 28): Sheet {
  const { segments, width } = typeset(text, FACE);
  const sheet = blankSheet(Math.ceil(width * height) + 2, Math.ceil(1.5 * height));
  const place = { x: 1, y: 3, scaleX: height, scaleY: height };
  drawSegments(sheet, segments, place, { width: 0.12 * height, ends: 'round' }, BLACK);
  return sheet;
}

const inkOf = ({ rgba }: Sheet): number => rgba.reduce((sum, v, i) => (i % 4 === 3 ? sum + v : sum), 0);

describe('the alphabet', () => {
  it.each(CHARACTERS)('draws %s within its space, between ascender and descender', (char) => {
    const { advance, strokes } = glyphOf(char);
    const points = strokes.flat();
    const xs = points.filter((_, i) => i % 2 === 0);
    const ys = points.filter((_, i) => i % 2 === 1);
    expect(Math.min(...xs)).toBeGreaterThanOrEqual(-0.03);
    expect(Math.max(...xs)).toBeLessThanOrEqual(advance + 0.03);
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(-0.03);
    expect(Math.max(...ys)).toBeLessThanOrEqual(18 / 14 + 0.01);
    expect(inkOf(drawn(char))).toBeGreaterThan(4);
  });

  it('has no two characters that look alike', () => {
    const looks = CHARACTERS.map((char) => JSON.stringify(glyphOf(char).strokes));
    // The small l is a stroke, as the capital I is.
    expect(new Set(looks).size).toBe(CHARACTERS.length - 1);
  });

  it('refuses what it does not have', () => {
    expect(() => glyphOf('ß')).toThrow('Expected a character of the alphabet but received "ß"');
  });
});

describe('typesetting', () => {
  it('is as wide as the letters, their strokes and the gaps between them', () => {
    const { advance } = glyphOf('H');
    expect(typeset('H', FACE).width).toBeCloseTo(advance + 0.12);
    expect(typeset('HHH', FACE).width).toBeCloseTo(3 * (advance + 0.12) + 2 * 0.1);
  });

  it('gives every character of a monospaced face the same space', () => {
    const widths = ['III', 'WWW', '111'].map((text) => typeset(text, { ...FACE, monospaced: true }).width);
    expect(new Set(widths).size).toBe(1);
  });

  it('leans to the right at the top', () => {
    const [bottomX, topX] = [0, 2].map((i) => typeset('I', { ...FACE, slant: 0.2 }).segments[i] as number);
    expect((bottomX as number) - (topX as number)).toBeCloseTo(0.2);
  });
});

describe('drawing', () => {
  it.each([0.4, 1, 3])('lays down as much ink as a pen of %s px covers', (width) => {
    const sheet = blankSheet(60, 20);
    drawSegments(sheet, [10, 10, 50, 10, 0], { x: 0, y: 0, scaleX: 1, scaleY: 1 }, { width, ends: 'round' }, BLACK);
    const column = Array.from({ length: 20 }, (_, y) => sheet.rgba[(y * 60 + 30) * 4 + 3] as number);
    expect(column.reduce((a, b) => a + b)).toBeCloseTo(width, 5);
  });

  it('fills a rectangle, half of a pixel that it covers by half', () => {
    const sheet = blankSheet(10, 10);
    fillRect(sheet, { x: 2, y: 2.5, width: 6, height: 5 }, 0, [100, 150, 200]);
    expect(Array.from(sheet.rgba.slice((5 * 10 + 5) * 4, (5 * 10 + 5) * 4 + 4))).toEqual([100, 150, 200, 1]);
    expect(sheet.rgba[(2 * 10 + 5) * 4 + 3]).toBeCloseTo(0.5);
    expect(sheet.rgba[(5 * 10 + 1) * 4 + 3]).toBe(0);
  });
});

const QUAD: Quad = [
  { x: 12, y: 9 },
  { x: 52, y: 14 },
  { x: 49, y: 31 },
  { x: 14, y: 33 },
];
const SHARP = { blur: 0, noise: 0 };

describe('photographing a sheet', () => {
  it('maps its corners onto those of the quadrilateral and back', () => {
    const there = ontoQuad(QUAD);
    const back = inverse(there);
    for (const [i, [u, v]] of (
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ] as const
    ).entries()) {
      const point = project(there, u, v);
      expect(point.x).toBeCloseTo((QUAD[i] as Quad[0]).x);
      expect(point.y).toBeCloseTo((QUAD[i] as Quad[0]).y);
      const corner = project(back, point.x, point.y);
      expect(corner.x).toBeCloseTo(u);
      expect(corner.y).toBeCloseTo(v);
    }
  });

  it('covers as many pixels as the quadrilateral has, sharp or blurred', () => {
    const sheet = blankSheet(80, 40);
    fillRect(sheet, { x: 0, y: 0, width: 80, height: 40 }, 0, [200, 200, 200]);
    const bounds = { x1: 0, y1: 0, x2: 64, y2: 48 };
    for (const blur of [0, 1.5]) {
      const { rgba } = photograph(sheet, QUAD, bounds, { blur, noise: 0 }, randomFrom(1));
      const area = rgba.reduce((sum, v, i) => (i % 4 === 3 ? sum + v : sum), 0);
      // (12,9) (52,14) (49,31) (14,33) by the shoelace formula; half a sheet pixel more on every side.
      expect(area).toBeGreaterThan(760);
      expect(area).toBeLessThan(840);
    }
  });

  it('has the noise that was asked for, only where something is drawn', () => {
    const sheet = blankSheet(80, 80);
    fillRect(sheet, { x: 0, y: 0, width: 80, height: 80 }, 0, [100, 100, 100]);
    const square: Quad = [
      { x: 10, y: 10 },
      { x: 90, y: 10 },
      { x: 90, y: 90 },
      { x: 10, y: 90 },
    ];
    const bounds = { x1: 0, y1: 0, x2: 100, y2: 100 };
    const { rgba, width } = photograph(sheet, square, bounds, { blur: 0, noise: 5 }, randomFrom(1));
    const inside = Array.from(
      { length: 3600 },
      (_, i) => rgba[((10 + Math.floor(i / 60)) * width + 10 + (i % 60)) * 4] as number,
    );
    const mean = inside.reduce((a, b) => a + b) / inside.length;
    const deviation = Math.sqrt(inside.reduce((sum, v) => sum + (v - mean) ** 2, 0) / inside.length);
    expect(mean).toBeCloseTo(100, 0);
    expect(deviation).toBeGreaterThan(4.5);
    expect(deviation).toBeLessThan(5.5);
    for (let i = 0; i < rgba.length; i += 4) if (rgba[i + 3] === 0) expect(rgba[i]).toBe(0);
  });

  it.each([
    ['without area', [QUAD[0], QUAD[0], QUAD[0], QUAD[0]]],
    ['outside the bounds', QUAD.map(({ x, y }) => ({ x: x + 500, y: y - 300 }))],
  ] as [string, Quad][])('draws nothing in a quadrilateral %s', (_, quad) => {
    const sheet = blankSheet(8, 8);
    fillRect(sheet, { x: 0, y: 0, width: 8, height: 8 }, 0, [255, 255, 255]);
    const { rgba } = photograph(sheet, quad, { x1: 0, y1: 0, x2: 64, y2: 48 }, SHARP, randomFrom(1));
    expect(rgba.every((v) => v === 0)).toBe(true);
  });
});

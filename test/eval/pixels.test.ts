import { describe, expect, it } from 'vitest';
import { heightOf, outlineOf, pixelRuns, tightBox } from '../../src/eval/pixels.ts';
import { box, type Corners, object, points } from './scenes.ts';

function pixelsOf(outline: Parameters<typeof pixelRuns>[0], side = 10): string[] {
  const rows = Array.from({ length: side }, () => Array<string>(side).fill('.'));
  for (const { y, x1, x2 } of pixelRuns(outline, side, side)) rows[y]?.fill('#', x1, x2);
  return rows.map((row) => row.join(''));
}

const area = (rows: readonly string[]): number => rows.join('').replaceAll('.', '').length;

describe('pixelRuns', () => {
  it.each<[string, Corners, number]>([
    ['whole pixels', [2, 3, 5, 7], 12],
    ['centres on the left and upper edge, not on the others', [0.5, 0.5, 2.5, 2.5], 4],
    ['less than half a pixel', [2.6, 2.6, 3.4, 3.4], 0],
    ['reaching over every border', [-5, -5, 50, 50], 100],
    ['outside', [20, 2, 30, 5], 0],
    ['above', [2, -9, 5, -2], 0],
    ['without area', [3, 3, 3, 8], 0],
  ])('box: %s', (_, corners, expected) => {
    expect(area(pixelsOf(outlineOf({ box: box(corners) })))).toBe(expected);
  });

  it('fills a triangle by pixel centres', () => {
    expect(pixelsOf(points([0, 0], [4, 0], [0, 4]), 5)).toEqual(['###..', '##...', '#....', '.....', '.....']);
  });

  it('leaves out what a concave outline does', () => {
    const u = points([0, 0], [2, 0], [2, 4], [4, 4], [4, 0], [6, 0], [6, 6], [0, 6]);
    expect(pixelsOf(u, 6)).toEqual(['##..##', '##..##', '##..##', '##..##', '######', '######']);
    expect(area(pixelsOf([...u].reverse(), 6))).toBe(28);
  });
});

it('takes the tight box of an outline, inside the image', () => {
  const polygon = points([-4, 10], [30, 5], [120, 20], [20, 30]);
  expect(tightBox({ polygon, box: box([0, 0, 99, 99]) }, 100, 100)).toEqual(box([0, 5, 100, 30]));
  expect(tightBox({ box: box([-3, 4, 7, 8]) }, 100, 100)).toEqual(box([0, 4, 7, 8]));
});

describe('heightOf', () => {
  // A line of 40 × 6 pixels at 45°.
  const tilted = points([0, 0], [28.284, 28.284], [24.042, 32.527], [-4.243, 4.243]);
  it.each([
    ['text with an outline', object('text', [-5, 0, 29, 33], { polygon: tilted }), 6],
    ['text without', object('text', [0, 0, 40, 12]), 12],
    ['a plate with an outline', object('plate', [-5, 0, 29, 33], { polygon: tilted }), 33],
    ['text whose outline is a line', object('text', [0, 0, 9, 9], { polygon: points([0, 0], [9, 9], [4, 4]) }), 9],
  ])('%s', (_, labelled, expected) => {
    expect(heightOf(labelled)).toBeCloseTo(expected, 2);
  });
});

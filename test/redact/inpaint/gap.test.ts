import { describe, expect, it } from 'vitest';
import { gapsOf } from '../../../src/redact/inpaint/gap.ts';
import { paint } from '../scenes.ts';

const WIDTH = 100;
const HEIGHT = 60;

/** The gaps of boxes given as x1, y1, x2, y2. */
function gapsBetween(...boxes: readonly (readonly [number, number, number, number])[]) {
  const covered = new Uint8Array(WIDTH * HEIGHT);
  for (const [x1, y1, x2, y2] of boxes) for (let y = y1; y < y2; y++) covered.fill(1, y * WIDTH + x1, y * WIDTH + x2);
  return gapsOf({ image: paint(WIDTH, HEIGHT, () => 0), covered });
}

describe('gaps', () => {
  it('are one where regions overlap or nearly touch, and apart otherwise', () => {
    const gaps = gapsBetween([0, 0, 10, 10], [12, 5, 20, 20], [60, 40, 100, 60]);
    expect(gaps.at(3, 3)).toBe(gaps.at(15, 15));
    expect(gaps.at(3, 3)).not.toBe(gaps.at(70, 50));
  });

  it('know how many of their pixels are covered, and a box that holds them', () => {
    const gap = gapsBetween([33, 20, 47, 29], [80, 0, 81, 1]).at(40, 25);
    expect(gap?.area).toBe(14 * 9);
    expect(gap?.box.x1).toBeLessThanOrEqual(33);
    expect(gap?.box.y1).toBeLessThanOrEqual(20);
    expect(gap?.box.x2).toBeGreaterThanOrEqual(47);
    expect(gap?.box.y2).toBeGreaterThanOrEqual(29);
    expect([gap?.has(33, 20), gap?.has(80, 0)]).toEqual([true, false]);
  });

  it('end with the image', () => {
    const gap = gapsBetween([90, 50, 100, 60]).at(99, 59);
    expect(gap?.box.x2).toBe(WIDTH);
    expect(gap?.box.y2).toBe(HEIGHT);
  });

  it('are nowhere where nothing is covered', () => {
    expect(gapsBetween([0, 0, 5, 5]).at(50, 30)).toBeUndefined();
  });
});

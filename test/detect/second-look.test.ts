import { describe, expect, it } from 'vitest';
import { boxArea } from '../../src/core/geometry.ts';
import type { Box, Detection } from '../../src/core/types.ts';
import { LEAST_EVIDENCE, partsToSearch } from '../../src/detect/second-look.ts';

const seen = (box: Box, score = 0.8): Detection => ({ label: 'vehicle', model: 'objects', score, box });
/** A part shown in a square input of 640. */
const scaleFor = (part: Box): number => Math.min(640 / (part.x2 - part.x1), 640 / (part.y2 - part.y1));

describe('partsToSearch', () => {
  it.each<[string, Box, Box]>([
    ['level', { x1: 100, y1: 200, x2: 300, y2: 300 }, { x1: 88, y1: 194, x2: 312, y2: 306 }],
    ['upright', { x1: 100, y1: 200, x2: 150, y2: 400 }, { x1: 97, y1: 188, x2: 153, y2: 412 }],
    ['over the border', { x1: -10, y1: 0, x2: 90, y2: 50 }, { x1: -16, y1: -3, x2: 96, y2: 53 }],
  ])('takes a vehicle and 6 %% of its sides around it: %s', (_, box, expected) => {
    const [part, ...others] = partsToSearch([seen(box)], scaleFor, 0.1);
    expect(others).toEqual([]);
    for (const key of ['x1', 'y1', 'x2', 'y2'] as const) expect(part?.[key], key).toBeCloseTo(expected[key], 9);
  });

  const car = { x1: 0, y1: 0, x2: 200, y2: 100 };
  it.each([
    ['enough', LEAST_EVIDENCE, 1],
    ['too little', LEAST_EVIDENCE - 0.001, 0],
  ])('takes a score that is %s', (_, score, taken) => {
    expect(partsToSearch([seen(car, score)], scaleFor, 0.1)).toHaveLength(taken);
  });

  it.each([
    ['well enlarged', 2.19, 1],
    ['hardly enlarged', 2.2, 0],
    ['shown smaller than before', 5, 0],
  ])('looks at a part that would be %s', (_, seenAt, taken) => {
    // 200 wide, 224 with what is around: 640 / 224 = 2.857, of which 1.3 times 2.198 is the limit.
    expect(partsToSearch([seen(car)], scaleFor, seenAt)).toHaveLength(taken);
  });

  it('looks at six parts at most, the largest ones', () => {
    const sides = [30, 80, 20, 60, 90, 40, 70, 50, 10];
    const cars = sides.map((side, i) => seen({ x1: 100 * i, y1: 0, x2: 100 * i + side, y2: side }));
    const parts = partsToSearch(cars, scaleFor, 0.1);
    expect(parts.map((p) => Math.round(Math.sqrt(boxArea(p)) / 1.12))).toEqual([90, 80, 70, 60, 50, 40]);
  });

  it('finds nothing to search in nothing', () => {
    expect(partsToSearch([], scaleFor, 0.1)).toEqual([]);
  });
});

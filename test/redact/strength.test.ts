import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClassName, Region, RgbImage } from '../../src/core/types.ts';
import { redactInPlace } from '../../src/redact/apply.ts';
import { rasterizeRegion } from '../../src/redact/mask.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { featherWidth, strengthOf } from '../../src/redact/strength.ts';
import { detect, FILL, paint, policyOf, regionOf, scenes } from './scenes.ts';

// The promise, restated here on purpose: a change of the table in src must be made twice.
const CELLS: Record<ClassName, number> = { face: 6, body: 6, plate: 1, text: 1 };
const SIGMAS: Record<ClassName, number> = { ...CELLS, face: 2 };
const leastCell = (region: Region): number =>
  Math.max(4, region.shortSide / (region.mode === 'gaussian' ? SIGMAS : CELLS)[region.class]);

/**
 * Standard deviation of the Gaussian whose step response is as steep as the output's steepest place inside the
 * region, along the rows or the columns, for a full black to white step. Slopes are taken over `lag` pixels,
 * because the steps of 8-bit values would dominate neighbouring pixels.
 */
function effectiveSigma({ data, width }: RgbImage, { box }: Region, axis: 'x' | 'y', lag: number): number {
  const middle = Math.floor(axis === 'x' ? (box.y1 + box.y2) / 2 : (box.x1 + box.x2) / 2);
  const at = (i: number): number => data[3 * (axis === 'x' ? middle * width + i : i * width + middle)] as number;
  let steepest = 0;
  for (let i = box[`${axis}1`]; i + lag < box[`${axis}2`]; i++) {
    steepest = Math.max(steepest, Math.abs(at(i + lag) - at(i)) / lag);
  }
  return 255 / (steepest * Math.sqrt(2 * Math.PI));
}

/** Pixels between 10 % and 90 % of a step in the middle row, counted from where it last leaves and first reaches. */
function rise({ data, width }: RgbImage, { box }: Region): number {
  const y = Math.floor((box.y1 + box.y2) / 2);
  const row = Array.from({ length: box.x2 - box.x1 }, (_, i) => data[3 * (y * width + box.x1 + i)] as number);
  const first = row.findIndex((value) => value >= 0.9 * 255);
  return (first < 0 ? row.length : first) - row.findLastIndex((value) => value <= 0.1 * 255);
}

/** A region `side` pixels high, wide enough for a step in its middle, in an image with room around it. */
function stepped(label: ClassName, mode: 'blur' | 'gaussian', side: number): { image: RgbImage; region: Region } {
  const line = label === 'text' || label === 'plate';
  const length = Math.round(side * (line ? 7 : 1.4));
  const pad = Math.ceil(side * 0.6);
  const [width, height] = [length + 2 * pad, side + 2 * pad];
  const region = regionOf(detect(label, [pad, pad, pad + length, pad + side]), mode, width, height);
  const edge = Math.round(pad + length / 2 + side / 17);
  const image = paint(width, height, (x) => (x < edge ? 0 : 255));
  redactInPlace({ rgb: image }, [region], { fill: FILL });
  return { image, region };
}

describe('strength, measured on a step edge', () => {
  // A refactor once cut a peer's blur to a third and its golden images were regenerated; another used one kernel
  // for every size. So: proportional to the region, from 12 to 2000 pixels.
  const sides = [12, 17, 30, 64, 150, 420];
  const steps = [
    ...sides.flatMap((side) => (['face', 'body', 'plate', 'text'] as const).map((label) => ({ label, side }))),
    { label: 'body' as const, side: 2000 },
  ];
  it.each(steps)('blur spreads an edge in a $label of $side px', ({ label, side }) => {
    const { image, region } = stepped(label, 'blur', side);
    const cell = leastCell(region);
    expect(cell).toBeGreaterThanOrEqual(side / CELLS[label]);
    expect(rise(image, region)).toBeGreaterThanOrEqual(1.2 * cell - 1);
    expect(effectiveSigma(image, region, 'x', Math.max(1, Math.round(cell / 8)))).toBeGreaterThanOrEqual(0.5 * cell);
  });

  it.each(steps)('gaussian has the sigma it states in a $label of $side px', ({ label, side }) => {
    const { image, region } = stepped(label, 'gaussian', side);
    const { sigma = 0 } = strengthOf(region);
    expect(sigma).toBeGreaterThan(leastCell(region) - 0.1);
    const measured = effectiveSigma(image, region, 'x', Math.max(1, Math.round(sigma / 4)));
    expect(measured).toBeGreaterThanOrEqual(0.95 * sigma);
    expect(measured).toBeLessThanOrEqual(1.045 * sigma);
  });

  it.each(['blur', 'gaussian'] as const)('%s is as strong along the borders of the image as in its middle', (mode) => {
    const side = 90;
    const least = mode === 'blur' ? 0.5 : 0.9;
    for (const [x, y] of [
      [0, 0],
      [30, 0],
      [60, 0],
      [0, 60],
      [60, 60],
      [-25, 20],
      [85, 40],
    ] as const) {
      const region = regionOf(detect('body', [x, y, x + side, y + side]), mode, 150, 150);
      for (const axis of ['x', 'y'] as const) {
        for (let edge = region.box[`${axis}1`]; edge <= region.box[`${axis}2`]; edge += 3) {
          const image = paint(150, 150, (px, py) => ((axis === 'x' ? px : py) < edge ? 0 : 255));
          redactInPlace({ rgb: image }, [region], { fill: FILL });
          expect(effectiveSigma(image, region, axis, 3)).toBeGreaterThanOrEqual(least * leastCell(region));
        }
      }
    }
  });

  it.each(['blur', 'gaussian'] as const)(
    '%s leaves no slope steeper than its cells allow, whatever is inside',
    (mode) => {
      // Largest slope of the step response: 3/4 per cell for the B-spline, 1/√(2π) per sigma for the Gaussian (of which
      // at least 0.9 are real); one grey level for rounding.
      const steepest = mode === 'blur' ? 0.75 : 1 / Math.sqrt(2 * Math.PI) / 0.9;
      fc.assert(
        fc.property(
          scenes,
          fc.array(fc.nat(1), { minLength: 7, maxLength: 40 }),
          fc.integer({ min: 1, max: 30 }),
          fc.boolean(),
          ({ width, height, detection, grow }, bits, stride, stripes) => {
            for (const region of planRegions([detection], policyOf(mode, grow), width, height)) {
              const bit = (i: number) => 255 * (bits[Math.floor(i) % bits.length] as number);
              const image = paint(width, height, (x, y) =>
                bit(stripes ? x / stride : x / stride + 3 * Math.floor(y / 2)),
              );
              redactInPlace({ rgb: image }, [region], { fill: FILL });
              const mask = new Uint8Array(width * height);
              rasterizeRegion(region, width, height, mask);
              const slope = (i: number, next: number): number =>
                mask[i] === 1 && mask[next] === 1
                  ? Math.abs((image.data[3 * next] as number) - (image.data[3 * i] as number))
                  : 0;
              const pixels = [...mask.keys()];
              const across = Math.max(0, ...pixels.map((i) => ((i + 1) % width === 0 ? 0 : slope(i, i + 1))));
              const down = Math.max(0, ...pixels.map((i) => slope(i, i + width)));
              // An image narrower than a cell has no more to average.
              expect(across).toBeLessThanOrEqual((255 * steepest) / Math.min(leastCell(region), width) + 1);
              expect(down).toBeLessThanOrEqual((255 * steepest) / Math.min(leastCell(region), height) + 1);
            }
          },
        ),
        { numRuns: 300 },
      );
    },
  );
});

describe('strengthOf', () => {
  it.each([
    ['face', [50, 50, 150, 170], { cells: 6 }],
    ['body', [0, 0, 300, 120], { cells: 6 }],
    ['body', [0, 0, 12, 40], { cells: 3 }],
    ['body', [0, 0, 3, 3], { cells: 1 }],
    ['text', [10, 10, 200, 34], { cells: 1 }],
    ['plate', [10, 10, 30, 16], { cells: 1 }],
    // Half of it lies outside: as coarse as if it were whole.
    ['body', [-60, 0, 60, 120], { cells: 6 }],
    ['body', [-119, 0, 1, 120], { cells: 6 }],
  ] as const)('%s %j → %j', (label, box, expected) => {
    expect(strengthOf(regionOf(detect(label, box), 'blur', 400, 400))).toMatchObject(expected);
    expect(strengthOf(regionOf(detect(label, box), 'pixelate', 400, 400))).toEqual(expected);
  });

  it('states a sigma rounded down, and nothing for solid', () => {
    expect(strengthOf(regionOf(detect('body', [0, 0, 200, 100]), 'gaussian', 400, 400))).toEqual({ sigma: 16.6 });
    expect(strengthOf(regionOf(detect('text', [0, 0, 200, 25]), 'gaussian', 400, 400))).toEqual({ sigma: 25 });
    expect(strengthOf(regionOf(detect('face', [0, 0, 200, 100]), 'solid', 400, 400))).toEqual({});
  });

  it('states the cells that are there: as many as pixelate shows across the short side', () => {
    for (const side of [3, 4, 7, 8, 11, 23, 24, 25, 50, 97, 140]) {
      const region = regionOf(detect('body', [5, 9, 5 + side, 9 + side]), 'pixelate', 160, 160);
      const image = paint(160, 160, (x) => x);
      redactInPlace({ rgb: image }, [region], { fill: FILL });
      const row = image.data.subarray(3 * (10 * 160 + 5), 3 * (10 * 160 + 5 + side));
      expect(new Set(row.filter((_, i) => i % 3 === 0)).size).toBe(strengthOf(region).cells);
    }
  });
});

describe('featherWidth', () => {
  it.each([
    ['blur', 20, 2],
    ['blur', 200, 12],
    ['gaussian', 2000, 24],
    ['pixelate', 200, 0],
    ['solid', 200, 0],
  ] as const)('%s, %d px → %d px', (mode, side, width) => {
    expect(featherWidth(regionOf(detect('body', [0, 0, side, side]), mode, 2000, 2000))).toBeCloseTo(width);
  });
});

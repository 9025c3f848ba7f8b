import { describe, expect, it } from 'vitest';
import type { Detection, Mode, Region, RgbImage } from '../../src/core/types.ts';
import { redactInPlace } from '../../src/redact/apply.ts';
import { CellMemory, REMEMBERED } from '../../src/redact/cell-memory.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { detect, FILL, paint, policyOf, random } from './scenes.ts';

const SIDE = 160;

function regionOf(mode: Mode, track: number | undefined, box: readonly [number, number, number, number]): Region {
  const followed: Detection = { ...detect('face', box), ...(track === undefined ? {} : { track }) };
  return planRegions([followed], policyOf(mode), SIDE, SIDE)[0] as Region;
}

/** Frames of a region whose content `shade` gives, redacted one after another. */
function redacted(
  mode: 'blur' | 'gaussian' | 'pixelate',
  frames: number,
  shade: (frame: number) => (x: number, y: number, channel: number) => number,
  options: { track?: number; boxOf?: (frame: number) => readonly [number, number, number, number] } = { track: 1 },
): RgbImage[] {
  const memory = new CellMemory();
  const { track, boxOf = () => [50, 50, 110, 110] as const } = options;
  return Array.from({ length: frames }, (_, frame) => {
    const rgb = paint(SIDE, SIDE, shade(frame));
    memory.next();
    redactInPlace({ rgb }, [regionOf(mode, track, boxOf(frame))], { fill: FILL, memory });
    return rgb;
  });
}

const middleOf = ({ data }: RgbImage): number => data[(80 * SIDE + 80) * 3] as number;
const steps = (values: readonly number[]): number =>
  values.slice(1).reduce((sum, value, i) => sum + Math.abs(value - (values[i] as number)), 0) / (values.length - 1);

describe.each(['blur', 'gaussian', 'pixelate'] as const)('the colours of a followed %s', (mode) => {
  const flicker = (frame: number) => () => (frame % 2 === 0 ? 80 : 160);

  it('do not shimmer', () => {
    const followed = redacted(mode, 30, flicker).map(middleOf).slice(REMEMBERED);
    const single = redacted(mode, 30, flicker, {}).map(middleOf).slice(REMEMBERED);
    expect(steps(single)).toBeGreaterThan(70);
    expect(steps(followed)).toBeLessThan(2);
  });

  it('are those of the last frames only: a clip may be redacted in parts', () => {
    const next = random(3);
    const values = Array.from({ length: 40 }, () => Math.floor(next() * 255));
    const whole = redacted(mode, 40, (frame) => () => values[frame] as number);
    const part = redacted(mode, 20, (frame) => () => values[frame + 20] as number);
    expect(part.slice(REMEMBERED - 1).map(middleOf)).toEqual(whole.slice(20 + REMEMBERED - 1).map(middleOf));
    expect(part.at(-1)?.data).toEqual(whole.at(-1)?.data);
  });

  it('are not mixed with those of another track, nor of one that was away', () => {
    const memory = new CellMemory();
    const draw = (value: number, track: number): number => {
      const rgb = paint(SIDE, SIDE, () => value);
      memory.next();
      redactInPlace({ rgb }, [regionOf(mode, track, [50, 50, 110, 110])], { fill: FILL, memory });
      return middleOf(rgb);
    };
    expect([draw(200, 1), draw(40, 2), draw(40, 1)]).toEqual([200, 40, 40]);
  });

  // Frames of one face with its region a little elsewhere in each: their mean may not be sharper than one of them.
  it('recover no detail when frames are averaged', () => {
    const next = random(11);
    const places = Array.from({ length: 30 }, () => [next() * 12 - 6, next() * 12 - 6] as const);
    const edge = (frame: number) => (x: number) => {
      const [dx] = places[frame] as readonly [number, number];
      return x < 80 + dx ? 6 : 249;
    };
    const boxOf = (frame: number) => {
      const [dx, dy] = places[frame] as readonly [number, number];
      return [50 + dx, 50 + dy, 110 + dx, 110 + dy] as const;
    };
    const sharpest = (images: readonly RgbImage[]): number => {
      const row = Array.from({ length: SIDE }, (_, x) => {
        const values = images.map(({ data }, i) => {
          const [dx] = places[i] as readonly [number, number];
          const at = Math.min(SIDE - 1, Math.max(0, Math.round(x + dx)));
          return data[(80 * SIDE + at) * 3] as number;
        });
        return values.reduce((sum, value) => sum + value, 0) / values.length;
      }).slice(52, 108);
      return Math.max(...row.slice(4).map((value, i) => value - (row[i] as number)));
    };
    const followed = sharpest(redacted(mode, 30, edge, { track: 1, boxOf }));
    const single = sharpest(redacted(mode, 30, edge, { boxOf }));
    expect(followed).toBeLessThanOrEqual(single * 1.05);
  });
});

it('regions of one track get the same replacement in every frame, wherever they are', () => {
  const draw = (track: number, left: number, others: readonly Region[]): number[] => {
    const rgb = paint(SIDE, SIDE, (x, y) => 150 + ((x * 3 + y) % 5));
    const plate: Detection = { ...detect('plate', [left, 60, left + 60, 80]), track };
    const regions = planRegions([plate], policyOf('synthetic'), SIDE, SIDE);
    redactInPlace({ rgb }, [...others, ...regions], { fill: FILL, seed: [0, 0] });
    const { data } = rgb;
    return Array.from({ length: 60 * 20 }, (_, i) => {
      const at = ((60 + Math.floor(i / 60)) * SIDE + left + (i % 60)) * 3;
      return data[at] as number;
    });
  };
  const other = planRegions([{ ...detect('plate', [5, 5, 45, 18]), track: 9 }], policyOf('synthetic'), SIDE, SIDE);
  const likeness = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] as number)), 0) / a.length;
  const one = draw(4, 40, []);
  expect(likeness(one, draw(4, 50, other))).toBeLessThan(2);
  expect(likeness(one, draw(5, 40, []))).toBeGreaterThan(4);
});

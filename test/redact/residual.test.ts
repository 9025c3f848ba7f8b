import { describe, expect, it } from 'vitest';
import type { Mode, Region, RgbImage } from '../../src/core/types.ts';
import { SampleError } from '../../src/errors.ts';
import { rowSpans } from '../../src/redact/mask.ts';
import { checkResidual } from '../../src/redact/residual.ts';
import { detect, FILL, noise, paint, regionOf } from './scenes.ts';

const check = (image: RgbImage, region: Region): void =>
  checkResidual(image, region, rowSpans(region, image.width, image.height), FILL);

const SIDE = 200;
const region = (mode: Exclude<Mode, 'none'>): Region => regionOf(detect('face', [40, 40, 160, 160]), mode, SIDE, SIDE);

/** A step across the whole region, spread over `width` pixels. */
const ramp = (width: number): RgbImage =>
  paint(SIDE, SIDE, (x) => Math.max(0, Math.min(255, 127.5 + (255 * (x - 100)) / width)));

describe('checkResidual', () => {
  it.each(['blur', 'gaussian', 'pixelate', 'solid'] as const)(
    'refuses a photograph that was left as it is: %s',
    (mode) => {
      expect(() => check(noise(SIDE, SIDE, 3), region(mode))).toThrow(SampleError);
    },
  );

  // 170 px across: a cell of 28 px leaves a step spread over at least 38 px at its steepest, a sigma of 85 px over 190.
  it.each([
    ['blur', 45, true],
    ['blur', 30, false],
    ['gaussian', 240, true],
    ['gaussian', 150, false],
  ] as const)('%s: a step spread over %d px passes: %s', (mode, width, passes) => {
    const attempt = (): void => check(ramp(width), region(mode));
    if (passes) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(`in a ${mode} face`);
  });

  it('finds a single detail, and a step along the other axis', () => {
    const detail = paint(SIDE, SIDE, (x, y) => (x > 90 && x < 110 && y > 90 && y < 110 ? 255 : 0));
    expect(() => check(detail, region('blur'))).toThrow(SampleError);
    const step = paint(SIDE, SIDE, (_, y) => (y < 100 ? 0 : 255));
    expect(() => check(step, region('blur'))).toThrow(SampleError);
  });

  it('counts the cells of pixelate', () => {
    const cells = (size: number): RgbImage => paint(SIDE, SIDE, (x) => (Math.floor(x / size) * 37) % 256);
    expect(() => check(cells(30), region('pixelate'))).not.toThrow();
    expect(() => check(cells(15), region('pixelate'))).toThrow('in a pixelate face');
  });

  it('wants every pixel of solid to be the fill', () => {
    const filled = paint(SIDE, SIDE, (_x, _y, c) => [FILL.r, FILL.g, FILL.b][c] as number);
    expect(() => check(filled, region('solid'))).not.toThrow();
    filled.data[3 * (100 * SIDE + 100)] = FILL.r ^ 1;
    expect(() => check(filled, region('solid'))).toThrow('Expected nothing but the fill');
  });
});

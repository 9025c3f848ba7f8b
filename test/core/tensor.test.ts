import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Letterbox, type LetterboxOptions, planLetterbox } from '../../src/core/letterbox.ts';
import { letterboxTensor, reduceByBlocks, reductionFactor, type TensorFormat } from '../../src/core/tensor.ts';
import type { RgbImage } from '../../src/core/types.ts';

const plain: TensorFormat = {
  layout: 'nchw',
  channels: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  pad: 0,
};

function imageOf(width: number, height: number, value: (x: number, y: number, c: number) => number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = value(pixel % width, Math.floor(pixel / width), i % 3);
  }
  return { data, width, height };
}

const noise = (width: number, height: number, seed: number): RgbImage =>
  imageOf(width, height, (x, y, c) => (Math.imul(x * 73 + y * 179 + c * 283 + seed, 2654435761) >>> 24) & 255);

function pixel(image: RgbImage, x: number, y: number, c: number): number {
  const column = Math.min(image.width - 1, Math.max(0, x));
  const row = Math.min(image.height - 1, Math.max(0, y));
  return image.data[(row * image.width + column) * 3 + c] as number;
}

/** One tensor value by the definition: bilinear, half-pixel centres, edges repeated, then normalised. */
function reference(image: RgbImage, lb: Letterbox, format: TensorFormat, factor: number, at: number): number {
  const plane = lb.width * lb.height;
  const [channel, position] =
    format.layout === 'nchw' ? [Math.floor(at / plane), at % plane] : [at % 3, Math.floor(at / 3)];
  const x = (position % lb.width) - lb.left;
  const y = Math.floor(position / lb.width) - lb.top;
  const normalise = (v: number): number => (v - (format.mean[channel] as number)) / (format.std[channel] as number);
  if (x < 0 || y < 0 || x >= lb.contentWidth || y >= lb.contentHeight) return normalise(format.pad);
  const clamp = (v: number, size: number): number => Math.min(size - 1, Math.max(0, v));
  const sx = clamp((x + 0.5) / lb.scaleX / factor - 0.5, image.width);
  const sy = clamp((y + 0.5) / lb.scaleY / factor - 0.5, image.height);
  const c = format.channels === 'rgb' ? channel : 2 - channel;
  const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
  const row = (yy: number): number =>
    pixel(image, x0, yy, c) * (1 - (sx - x0)) + pixel(image, x0 + 1, yy, c) * (sx - x0);
  return normalise(row(y0) * (1 - (sy - y0)) + row(y0 + 1) * (sy - y0));
}

function expectReference(image: RgbImage, options: LetterboxOptions, format: TensorFormat, factor = 1): void {
  const lb = planLetterbox(image.width, image.height, options);
  const source = factor === 1 ? image : reduceByBlocks(image, factor);
  const into = new Float32Array(lb.width * lb.height * 3).fill(Number.NaN);
  const tensor = letterboxTensor(source, lb, format, into, factor);
  expect(tensor).toBe(into);
  for (let i = 0; i < tensor.length; i++) {
    const expected = reference(source, lb, format, factor, i);
    const difference = Math.abs((tensor[i] as number) - expected);
    if (!(difference <= 1e-4)) {
      expect.fail(`index ${i} of ${lb.width}×${lb.height}: expected ${expected} but received ${tensor[i]}`);
    }
  }
}

describe('letterboxTensor', () => {
  const imagenet = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] } as const;
  it.each([
    ['nchw', 'rgb', { mean: [0, 0, 0], std: [1, 1, 1] }, 0, 'top-left'],
    ['nchw', 'bgr', imagenet, 0, 'top-left'],
    ['nhwc', 'rgb', imagenet, 114, 'center'],
    ['nhwc', 'bgr', { mean: [127.5, 1, 2], std: [127.5, 3, 255] }, 7, 'center'],
  ] as const)('equals the definition for %s %s', (layout, channels, normalisation, pad, align) => {
    const format: TensorFormat = { layout, channels, ...normalisation, pad };
    for (const size of [{ width: 24, height: 16 }, { longSide: 20 }]) {
      for (const [width, height] of [
        [7, 5],
        [5, 9],
        [24, 16],
        [30, 41],
        [1, 1],
        [1, 60],
        [60, 1],
      ] as const) {
        expectReference(noise(width, height, width), { size, multiple: 8, align }, format);
      }
    }
  });

  it('equals the definition for any size, also from a reduced image', () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer({ min: 1, max: 4 }), (width, height, w, h, factor) => {
        const options: LetterboxOptions = { size: { width: w, height: h }, multiple: 1, align: 'center' };
        expectReference(noise(width, height, w), options, { ...plain, std: [255, 255, 255], pad: 114 }, factor);
      }),
      { numRuns: 60 },
    );
  });

  it('is exact where nothing is scaled', () => {
    const image = noise(32, 64, 1);
    const lb = planLetterbox(32, 64, { size: { longSide: 64 }, multiple: 32, align: 'top-left' });
    const tensor = letterboxTensor(image, lb, { ...plain, layout: 'nhwc' }, new Float32Array(32 * 64 * 3));
    expect(tensor).toEqual(Float32Array.from(image.data));
  });

  it('puts reduced images where the original lies', () => {
    const gradient = imageOf(251, 187, (x, y, c) => (c === 0 ? x : c === 1 ? y : (x + y) / 2));
    const lb = planLetterbox(251, 187, { size: { longSide: 60 }, multiple: 4, align: 'top-left' });
    const factor = reductionFactor(lb);
    expect(factor).toBe(4);
    const direct = letterboxTensor(gradient, lb, plain, new Float32Array(lb.width * lb.height * 3));
    const reduced = letterboxTensor(
      reduceByBlocks(gradient, factor),
      lb,
      plain,
      new Float32Array(lb.width * lb.height * 3),
      factor,
    );
    // The last block of a row may hold fewer pixels, so the outermost content pixels are left out.
    for (let c = 0; c < 3; c++) {
      for (let y = 1; y < lb.contentHeight - 1; y++) {
        for (let x = 1; x < lb.contentWidth - 1; x++) {
          const at = (c * lb.height + y) * lb.width + x;
          expect(Math.abs((direct[at] as number) - (reduced[at] as number)), `${c} ${x} ${y}`).toBeLessThan(1.2);
        }
      }
    }
  });

  it('refuses a tensor of another length', () => {
    const lb = planLetterbox(4, 4, { size: { longSide: 8 }, multiple: 8, align: 'top-left' });
    expect(() => letterboxTensor(noise(4, 4, 1), lb, plain, new Float32Array(191))).toThrow(
      'Expected a tensor of 192 values but received 191',
    );
  });
});

describe('reduceByBlocks', () => {
  it('takes the mean of each block, of what there is at ragged edges', () => {
    const side = fc.integer({ min: 1, max: 23 });
    fc.assert(
      fc.property(side, side, fc.integer({ min: 1, max: 9 }), (width, height, factor) => {
        const image = noise(width, height, factor);
        const reduced = reduceByBlocks(image, factor);
        expect([reduced.width, reduced.height]).toEqual([Math.ceil(width / factor), Math.ceil(height / factor)]);
        expect(reduced.data.length).toBe(reduced.width * reduced.height * 3);
        for (let by = 0; by < reduced.height; by++) {
          for (let bx = 0; bx < reduced.width; bx++) {
            for (let c = 0; c < 3; c++) {
              let sum = 0;
              let count = 0;
              for (let y = by * factor; y < Math.min(height, (by + 1) * factor); y++) {
                for (let x = bx * factor; x < Math.min(width, (bx + 1) * factor); x++) {
                  sum += pixel(image, x, y, c);
                  count++;
                }
              }
              expect(pixel(reduced, bx, by, c)).toBe(Math.round(sum / count));
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('reductionFactor', () => {
  it.each([
    [640, 480, 640, 1],
    [1000, 700, 640, 1],
    [1279, 700, 640, 1],
    [1280, 720, 640, 2],
    [4000, 3000, 640, 6],
    [100, 100, 640, 1],
    [1, 5000, 640, 1],
  ])('%i × %i at %i: %i', (width, height, longSide, factor) => {
    const lb = planLetterbox(width, height, { size: { longSide }, multiple: 32, align: 'top-left' });
    expect(reductionFactor(lb)).toBe(factor);
  });
});

import { describe, expect, it } from 'vitest';
import { type LetterboxOptions, planLetterbox } from '../../src/core/letterbox.ts';
import { packTensor, type TensorFormat } from '../../src/core/tensor.ts';
import type { RgbImage } from '../../src/core/types.ts';

function noise(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = Math.imul(i + 1, 2654435761) >>> 24;
  return { data, width, height };
}

/** One tensor value by the definition. */
function reference(content: RgbImage, options: LetterboxOptions, format: TensorFormat, at: number): number {
  const lb = planLetterbox(content.width, content.height, options);
  const plane = lb.width * lb.height;
  const nchw = format.layout === 'nchw';
  const [channel, position] = nchw ? [Math.floor(at / plane), at % plane] : [at % 3, Math.floor(at / 3)];
  const x = (position % lb.width) - lb.left;
  const y = Math.floor(position / lb.width) - lb.top;
  const inside = x >= 0 && y >= 0 && x < lb.contentWidth && y < lb.contentHeight;
  const source = format.channels === 'rgb' ? channel : 2 - channel;
  const value = inside ? (content.data[(y * content.width + x) * 3 + source] as number) : format.pad;
  return (value - (format.mean[channel] as number)) / (format.std[channel] as number);
}

describe('packTensor', () => {
  const imagenet = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] } as const;
  it.each([
    ['nchw', 'rgb', { mean: [0, 0, 0], std: [1, 1, 1] }, 0, 'top-left'],
    ['nchw', 'bgr', imagenet, 0, 'top-left'],
    ['nhwc', 'rgb', imagenet, 114, 'center'],
    ['nhwc', 'bgr', { mean: [127.5, 1, 2], std: [127.5, 3, 255] }, 7, 'center'],
  ] as const)('equals the definition for %s %s', (layout, channels, normalisation, pad, align) => {
    const format: TensorFormat = { layout, channels, ...normalisation, pad };
    for (const [width, height] of [
      [24, 16],
      [24, 7],
      [9, 16],
      [24, 1],
    ] as const) {
      const options: LetterboxOptions = { size: { width: 24, height: 16 }, multiple: 8, align };
      const content = noise(width, height);
      const lb = planLetterbox(width, height, options);
      const into = new Float32Array(24 * 16 * 3).fill(Number.NaN);
      expect(packTensor(content, lb, format, into)).toBe(into);
      for (let i = 0; i < into.length; i++) {
        expect(into[i], `index ${i} of ${width}×${height}`).toBeCloseTo(reference(content, options, format, i), 4);
      }
    }
  });

  it.each([
    ['nchw', 'rgb', 'center'],
    ['nhwc', 'bgr', 'top-left'],
  ] as const)('swaps left and right within the content when mirrored (%s %s, %s)', (layout, channels, align) => {
    const format: TensorFormat = { layout, channels, ...imagenet, pad: 114 };
    for (const [width, height] of [
      [24, 16],
      [9, 16],
      [24, 5],
      [1, 16],
    ] as const) {
      const content = noise(width, height);
      const swapped: RgbImage = { ...content, data: content.data.slice() };
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const from = (y * width + width - 1 - x) * 3;
          swapped.data.set(content.data.subarray(from, from + 3), (y * width + x) * 3);
        }
      }
      const lb = planLetterbox(width, height, { size: { width: 24, height: 16 }, multiple: 8, align });
      const packed = (image: RgbImage, mirrored: boolean): Float32Array =>
        packTensor(image, lb, format, new Float32Array(24 * 16 * 3).fill(Number.NaN), mirrored);
      expect(packed(content, true), `${width}×${height}`).toEqual(packed(swapped, false));
      expect(packed(swapped, true), `${width}×${height}`).toEqual(packed(content, false));
    }
  });

  const plain: TensorFormat = { layout: 'nchw', channels: 'rgb', mean: [0, 0, 0], std: [1, 1, 1], pad: 0 };
  const lb = planLetterbox(20, 10, { size: { width: 32, height: 32 }, multiple: 32, align: 'top-left' });

  it('refuses a tensor of another size', () => {
    expect(() => packTensor(noise(32, 16), lb, plain, new Float32Array(7))).toThrow(
      'Expected a tensor of 3072 values but received 7',
    );
  });

  it('refuses content that was scaled to another size', () => {
    expect(() => packTensor(noise(20, 10), lb, plain, new Float32Array(3072))).toThrow(
      'Expected content of 32 × 16 but received 20 × 10',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/core/types.ts';
import { flattenOntoWhite } from '../../src/image/alpha.ts';
import { scanContainer } from '../../src/image/container.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { type EncodeOptions, encodeImage } from '../../src/image/encode.ts';
import { hiddenUnderAlpha, meanDifference, photo, planted } from '../fixtures/images.ts';

const OPTIONS = { limitPixels: 1e6, timeoutSeconds: 60 };
const image = photo(64, 48);
const options = (format: EncodeOptions['format'], change: Partial<EncodeOptions> = {}): EncodeOptions => ({
  format,
  jpegQuality: 92,
  lossless: false,
  ...change,
});

describe('encodeImage', () => {
  describe.each(FORMATS)('nothing of a %s but its pixels gets through', (source) => {
    it.each(FORMATS)('to %s', async (format) => {
      const { bytes, canaries } = await planted(image, source);
      expect(canaries.length).toBeGreaterThanOrEqual(source === 'gif' || source === 'avif' ? 6 : 15);
      const output = await encodeImage(await decodeImage(bytes, OPTIONS), options(format));
      const found = ['CANARY', '7q3x91', ...canaries].filter((canary) => Buffer.from(output).includes(canary));
      expect(found).toEqual([]);
      const scan = scanContainer(output);
      expect([scan.kinds, scan.disallowed, scan.trailingBytes, scan.frames]).toEqual([[], [], 0, 1]);
    });
  });

  it.each([
    ['png', false],
    ['tiff', false],
    ['webp', true],
  ] as const)('keeps every pixel in %s', async (format, lossless) => {
    const decoded = await decodeImage(await encodeImage({ rgb: image }, options(format, { lossless })), OPTIONS);
    expect(meanDifference(decoded.rgb.data, image.data)).toBe(0);
  });

  it.each(['png', 'tiff', 'webp', 'avif', 'gif'] as const)('keeps alpha in %s', async (format) => {
    const alpha = new Uint8Array(64 * 48).map((_, i) => (i % 64 < 20 ? 0 : 255));
    const output = await encodeImage({ rgb: image, alpha }, options(format, { lossless: true }));
    const decoded = await decodeImage(output, OPTIONS);
    expect(meanDifference(decoded.alpha ?? new Uint8Array(0), alpha)).toBeLessThan(format === 'avif' ? 3 : 0.001);
  });

  it('never writes colour under alpha 0, even if the caller left some there', async () => {
    const { width, height, isHidden } = await hiddenUnderAlpha('png');
    const rgb = { data: new Uint8Array(width * height * 3).fill(201), width, height };
    const alpha = new Uint8Array(width * height).map((_, i) => (isHidden[i] ? 0 : 255));
    const clear = { ...rgb, data: rgb.data.map((value, i) => (isHidden[Math.floor(i / 3)] ? 0 : value)) };
    for (const format of FORMATS) {
      const choice = options(format, { lossless: true });
      const [output, same] = [
        await encodeImage({ rgb, alpha }, choice),
        await encodeImage({ rgb: clear, alpha }, choice),
      ];
      expect(Buffer.compare(output, same), format).toBe(0);
    }
  });

  it('makes a GIF of the visible pixels only, as it has no half-transparent ones', async () => {
    const alpha = new Uint8Array(64 * 48).map((_, i) => (i % 64 < 20 ? 100 : 255));
    const data = image.data.map((value, i) => (Math.floor(i / 3) % 64 < 20 ? 255 - value : value));
    const [output, same] = [
      await encodeImage({ rgb: image, alpha }, options('gif')),
      await encodeImage({ rgb: { ...image, data }, alpha }, options('gif')),
    ];
    expect(Buffer.compare(output, same)).toBe(0);
  });

  it('puts a transparent picture on white for JPEG', async () => {
    const alpha = new Uint8Array(64 * 48).map((_, i) => (i % 64 < 32 ? 0 : i % 64 < 48 ? 128 : 255));
    const output = await encodeImage({ rgb: image, alpha }, options('jpeg'));
    const { rgb } = await decodeImage(output, OPTIONS);
    expect(meanDifference(rgb.data, flattenOntoWhite(image, alpha).data)).toBeLessThan(4);
    expect(Math.min(...rgb.data.subarray(0, 16 * 3))).toBeGreaterThan(250);
  });

  it('obeys the JPEG quality', async () => {
    const sizes = await Promise.all(
      [30, 70, 95].map(
        async (jpegQuality) => (await encodeImage({ rgb: image }, options('jpeg', { jpegQuality }))).length,
      ),
    );
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(new Set(sizes).size).toBe(3);
  });

  it.each(FORMATS)('writes the same %s twice', async (format) => {
    const [first, second] = [
      await encodeImage({ rgb: image }, options(format)),
      await encodeImage({ rgb: image }, options(format)),
    ];
    expect(Buffer.compare(first, second)).toBe(0);
  });

  it('fails as a SampleError', async () => {
    const wrong = { data: new Uint8Array(5), width: 64, height: 48 };
    await expect(encodeImage({ rgb: wrong }, options('png'))).rejects.toMatchObject({
      name: 'SampleError',
      stage: 'encode',
      reason: 'encoder',
    });
  });
});

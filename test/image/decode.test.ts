import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/core/types.ts';
import type { SampleError } from '../../src/errors.ts';
import { type DecodedImage, decodeImage } from '../../src/image/decode.ts';
import { jpegSegment, latin1, pngChunk } from '../fixtures/image-blocks.ts';
import {
  bombPng,
  encoded,
  forgeSize,
  fromRgb,
  hiddenUnderAlpha,
  meanDifference,
  multiFrame,
  oriented,
  photo,
  pixelFormats,
  planted,
} from '../fixtures/images.ts';

const OPTIONS = { limitPixels: 1e8, timeoutSeconds: 60 };
const decode = (bytes: Uint8Array): Promise<DecodedImage> => decodeImage(bytes, OPTIONS);
const image = photo(48, 32);

async function expectRefused(bytes: Uint8Array, reason: string): Promise<void> {
  const outcome = await decode(bytes).then(
    () => 'decoded',
    (error: SampleError) => [error.name, error.stage, error.reason],
  );
  expect(outcome).toEqual(['SampleError', 'decode', reason]);
}

/** What lossy formats may do to the small noisy picture, mean levels per byte. */
const LOSS = { jpeg: 3, avif: 3, gif: 4, png: 0, webp: 0, tiff: 0 } as const;

describe('decodeImage', () => {
  it.each(FORMATS)('decodes %s to the pixels that were encoded', async (format) => {
    const { rgb, alpha, stripped, ...rest } = await decode(await encoded(fromRgb(image), format));
    expect(rest).toEqual({ format, lossless: format !== 'jpeg' && format !== 'avif' });
    expect([rgb.width, rgb.height, alpha, stripped]).toEqual([48, 32, undefined, []]);
    expect(meanDifference(rgb.data, image.data)).toBeLessThanOrEqual(LOSS[format]);
  });

  describe.each(['jpeg', 'png', 'webp', 'tiff', 'avif'] as const)('orientation of %s', (format) => {
    it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i comes out upright', async (orientation) => {
      const { rgb } = await decode(await oriented(image, orientation, format));
      expect([rgb.width, rgb.height]).toEqual([48, 32]);
      expect(meanDifference(rgb.data, image.data)).toBeLessThanOrEqual(LOSS[format]);
    });
  });

  it('turns a picture once when both the container and Exif say so', async () => {
    // libheif has applied `irot`; the Exif orientation beside it must not turn the picture again.
    const file = await oriented(image, 6, 'avif');
    expect((await decode(file)).stripped).toContain('exif');
    expect((await decode(file)).rgb.width).toBe(48);
  });

  it('reads every kind of pixel as 8-bit sRGB', async () => {
    const colour = { 'jpeg cmyk': 9, 'tiff cmyk': 9, 'png palette': 4 } as Record<string, number>;
    const luma = await fromRgb(image).toColourspace('b-w').raw().toBuffer();
    const grey = new Uint8Array(image.data.length).map((_, i) => luma[Math.floor(i / 3)] as number);
    for (const { name, format, bytes } of await pixelFormats(image)) {
      const decoded = await decode(bytes);
      const expected = name.includes('grey') ? grey : image.data;
      const tolerance = colour[name] ?? (decoded.lossless ? 1 : 4);
      expect(decoded.format, name).toBe(format);
      expect(decoded.alpha, name).toBeUndefined();
      expect(meanDifference(decoded.rgb.data, expected), name).toBeLessThanOrEqual(tolerance);
      expect(decoded.lossless, name).toBe(!/jpeg|lossy/.test(name));
    }
  });

  it('converts colour profiles instead of dropping them', async () => {
    const red = { data: new Uint8Array(8 * 8 * 3).map((_, i) => (i % 3 === 0 ? 200 : 60)), width: 8, height: 8 };
    const p3 = await fromRgb(red).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(p3, { ignoreIcc: true }).raw().toBuffer();
    const { rgb } = await decode(p3);
    expect(meanDifference(stored, red.data)).toBeGreaterThan(3);
    expect(meanDifference(rgb.data, red.data)).toBeLessThan(1.5);
  });

  it.each(['png', 'webp', 'tiff', 'avif'] as const)('clears colour under alpha 0 in %s', async (format) => {
    const { bytes, width, height, isHidden } = await hiddenUnderAlpha(format);
    const stored = await sharp(bytes).raw().toBuffer();
    const hidden = isHidden.findIndex(Boolean);
    expect(stored[hidden * 4], 'the colour is in the file').toBeGreaterThan(200);
    const { rgb, alpha } = await decode(bytes);
    expect(alpha?.length).toBe(width * height);
    isHidden.forEach((is, i) => {
      if (is) expect([...rgb.data.subarray(i * 3, i * 3 + 3), alpha?.[i]]).toEqual([0, 0, 0, 0]);
      else expect(alpha?.[i]).toBeGreaterThan(100);
    });
  });

  it('has no alpha when all of it is opaque', async () => {
    const { alpha } = await decode(await fromRgb(image).ensureAlpha().png().toBuffer());
    expect(alpha).toBeUndefined();
  });

  it.each([
    [1, 1],
    [1, 5000],
    [5000, 1],
  ])('decodes %i × %i', async (width, height) => {
    const tiny = photo(width, height);
    for (const format of FORMATS) {
      const { rgb } = await decode(await encoded(fromRgb(tiny), format));
      expect([rgb.width, rgb.height], format).toEqual([width, height]);
    }
  });

  it.each(FORMATS)('tells what a %s carried', async (format) => {
    const { bytes, kinds } = await planted(image, format);
    expect((await decode(bytes)).stripped).toEqual(kinds);
  });

  it('gives memory that is not shared', async () => {
    const bytes = await encoded(fromRgb(image), 'png');
    const [first, second] = [await decode(bytes), await decode(bytes)];
    first.rgb.data.fill(0);
    expect(meanDifference(second.rgb.data, image.data)).toBe(0);
  });
});

describe('decodeImage refuses', () => {
  it.each<[string, Buffer, string]>([
    ['zero bytes', Buffer.alloc(0), 'empty'],
    ['text', latin1('this is not a photograph'), 'unsupported:unknown'],
    ['svg', latin1('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'unsupported:svg'],
    ['pdf', latin1('%PDF-1.7'), 'unsupported:pdf'],
  ])('%s', (_, bytes, reason) => expectRefused(bytes, reason));

  it.each(['gif', 'webp', 'tiff', 'apng', 'avif-sequence'] as const)('several frames: %s', async (kind) => {
    await expectRefused(await multiFrame(kind), 'multi-frame');
  });

  it('a bomb, before decoding it', () => expectRefused(bombPng(), 'too-many-pixels'));

  it.each([
    ['jpeg', 20_000, 'too-many-pixels'],
    ['png', 20_000, 'too-many-pixels'],
    ['webp', 16_000, 'too-many-pixels'],
    ['avif', 20_000, 'too-many-pixels'],
    ['tiff', 20_000, 'too-many-pixels'],
    ['gif', 20_000, 'truncated'],
  ] as const)('a %s whose header claims a side of %i', async (format, side, reason) => {
    await expectRefused(forgeSize(await encoded(fromRgb(image), format), format, side, side), reason);
  });

  it.each([
    ['jpeg', 'corrupt'],
    ['png', 'corrupt'],
    ['webp', 'corrupt'],
    ['avif', 'corrupt'],
    ['tiff', 'truncated'],
    ['gif', 'truncated'],
  ] as const)('a %s whose header claims twice the rows', async (format, reason) => {
    await expectRefused(forgeSize(await encoded(fromRgb(image), format), format, 48, 64), reason);
  });

  it.each([false, true])('a JPEG with an end marker but not all of its rows (progressive: %s)', async (progressive) => {
    const bytes = await fromRgb(photo(64, 64)).jpeg({ quality: 95, progressive }).toBuffer();
    const scan = bytes.indexOf(Buffer.from([0xff, 0xda]));
    const half = scan + Math.floor((bytes.length - scan) / 2);
    await expectRefused(Buffer.concat([bytes.subarray(0, half), Buffer.from([0xff, 0xd9])]), 'corrupt');
  });

  it('a JPEG without its end marker, even with all of its rows', async () => {
    const bytes = await encoded(fromRgb(image), 'jpeg');
    await expectRefused(bytes.subarray(0, -2), 'truncated');
  });

  it('damage that a checksum shows', async () => {
    const bytes = await encoded(fromRgb(image), 'png');
    bytes.fill(0x55, bytes.indexOf('IDAT') + 200, bytes.indexOf('IDAT') + 208);
    await expectRefused(bytes, 'corrupt');
  });

  // libjpeg accepts most of these: it stops after the last block, whatever is missing before or left over behind it.
  it.each<[string, (jpeg: Buffer, middle: number) => Buffer[]]>([
    ['with a sector missing', (jpeg, at) => [jpeg.subarray(0, at), jpeg.subarray(at + 512)]],
    ['with a sector twice', (jpeg, at) => [jpeg.subarray(0, at), jpeg.subarray(at - 512)]],
    ['with more rows than its header says', (jpeg) => [forgeSize(jpeg, 'jpeg', 160, 60)]],
  ])('a JPEG %s', async (_, damage) => {
    for (const seed of [1, 2, 3, 4]) {
      const bytes = await encoded(fromRgb(photo(160, 120, seed)), 'jpeg');
      await expectRefused(Buffer.concat(damage(bytes, Math.floor(bytes.length / 2))), 'corrupt');
    }
  });

  it('a GIF whose frame is larger than its screen', async () => {
    const bytes = await encoded(fromRgb(image), 'gif');
    bytes.writeUInt16LE(10, 6);
    await expectRefused(bytes, 'corrupt');
  });

  it('an AVIF that shows a second picture', async () => {
    const { bytes } = await hiddenUnderAlpha('avif');
    bytes.write('cdsc', bytes.indexOf('auxl'), 'latin1');
    await expectRefused(bytes, 'multi-frame');
  });

  it('without quoting the file in its message', async () => {
    const bytes = await encoded(fromRgb(image), 'png');
    const secret = pngChunk('tEXt', latin1('Author\0CANARY-author'));
    const broken = Buffer.concat([bytes.subarray(0, 33), secret, bytes.subarray(33)]);
    broken.fill(0x55, broken.indexOf('IDAT') + 60, broken.indexOf('IDAT') + 68);
    const error = await decode(broken).catch((reason: Error) => reason);
    expect((error as Error).message).not.toContain('CANARY');
    expect((error as Error).message).not.toContain('libpng');
  });
});

describe('harmless JPEG defects', () => {
  it.each([
    ['zeros after the end', (jpeg: Buffer) => Buffer.concat([jpeg, Buffer.alloc(512)])],
    ['text after the end', (jpeg: Buffer) => Buffer.concat([jpeg, latin1('scanned by …')])],
    ['stray bytes before the frame header', (jpeg: Buffer) => withStray(jpeg, 0xc0)],
    ['stray bytes before the scan', (jpeg: Buffer) => withStray(jpeg, 0xda)],
  ])('%s', async (_, damage) => {
    const jpeg = await encoded(fromRgb(image), 'jpeg');
    const { rgb, stripped } = await decode(damage(jpeg));
    expect(stripped).toEqual(['trailing-data']);
    expect(meanDifference(rgb.data, (await decode(jpeg)).rgb.data)).toBe(0);
  });

  it('a gain map does not change the base picture', async () => {
    const jpeg = await encoded(fromRgb(image), 'jpeg');
    const marker = jpegSegment(0xe2, latin1('urn:iso:std:iso:ts:21496:-1\0\0\0\0\0'));
    const withMap = Buffer.concat([jpeg.subarray(0, 2), marker, jpeg.subarray(2), jpeg]);
    const { rgb, stripped } = await decode(withMap);
    expect(stripped).toEqual(['gain-map', 'multi-picture', 'trailing-data']);
    expect(meanDifference(rgb.data, (await decode(jpeg)).rgb.data)).toBe(0);
  });
});

function withStray(jpeg: Buffer, marker: number): Buffer {
  const at = jpeg.indexOf(Buffer.from([0xff, marker]));
  return Buffer.concat([jpeg.subarray(0, at), latin1('\0\x01stray'), jpeg.subarray(at)]);
}

describe('setup', () => {
  it('leaves no way to other loaders', async () => {
    const svg = latin1('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(sharp(svg).toBuffer()).rejects.toThrow('unsupported image format');
    await expect(sharp(latin1('P6 1 1 255\nabc')).toBuffer()).rejects.toThrow('unsupported image format');
    await expect(sharp(import.meta.filename).toBuffer()).rejects.toThrow('unsupported image format');
  });

  it('keeps no decoded pixels and starts no threads of its own', () => {
    expect(sharp.concurrency()).toBe(1);
    expect(sharp.cache().memory.max).toBe(0);
  });
});

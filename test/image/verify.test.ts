import { describe, expect, it } from 'vitest';
import { FORMATS, type ImageFormat, type RgbImage } from '../../src/core/types.ts';
import { encodeImage } from '../../src/image/encode.ts';
import { type ExpectedImage, verifyEncoded } from '../../src/image/verify.ts';
import { jpegSegment, latin1 } from '../fixtures/image-blocks.ts';
import { encoded, fromRgb, multiFrame, photo, planted, random } from '../fixtures/images.ts';

const image = photo(96, 72);

function expected(format: ImageFormat, rgb: RgbImage = image, alpha?: Uint8Array): ExpectedImage {
  return { format, width: rgb.width, height: rgb.height, rgb, alpha };
}

function write(format: ImageFormat, rgb: RgbImage = image, jpegQuality = 92, alpha?: Uint8Array): Promise<Uint8Array> {
  return encodeImage({ rgb, alpha }, { format, jpegQuality, lossless: format === 'webp' && jpegQuality === 100 });
}

async function expectRefused(bytes: Uint8Array, want: ExpectedImage, reason: string): Promise<void> {
  await expect(verifyEncoded(bytes, want)).rejects.toMatchObject({ name: 'SampleError', stage: 'verify', reason });
}

function noise(width: number, height: number, seed: number): RgbImage {
  const next = random(seed);
  return { data: new Uint8Array(width * height * 3).map(() => next() * 256), width, height };
}

/** Every pixel one of two saturated colours: the worst case of halved chroma resolution. */
function stripes(width: number, height: number, a: number[], b: number[]): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(Math.floor(i / width) % 2 === 0 ? a : b, i * 3);
  return { data, width, height };
}

/** Replaces a box by the means of 4 × 4 cells, as a redaction would. */
function redacted(source: RgbImage, left: number, top: number, side: number): RgbImage {
  const data = new Uint8Array(source.data);
  const cell = side / 4;
  for (let y = top; y < top + side; y++) {
    for (let x = left; x < left + side; x++) {
      const cx = left + Math.floor((x - left) / cell) * cell;
      const cy = top + Math.floor((y - top) / cell) * cell;
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let j = 0; j < cell * cell; j++) {
          const at = ((cy + Math.floor(j / cell)) * source.width + cx + (j % cell)) * 3;
          sum += source.data[at + channel] as number;
        }
        data[(y * source.width + x) * 3 + channel] = sum / (cell * cell);
      }
    }
  }
  return { ...source, data };
}

describe('verifyEncoded accepts what encodeImage wrote', () => {
  it.each(FORMATS)('%s, of any content and size', async (format) => {
    const pictures = [
      image,
      photo(1, 1),
      photo(1, 500),
      photo(33, 9),
      noise(40, 40, 1),
      ...[2, 3, 4, 5].map((seed) => noise(3, 3, seed)),
      noise(1, 64, 6),
      stripes(32, 32, [255, 255, 255], [0, 255, 0]),
      stripes(32, 32, [255, 0, 0], [0, 0, 255]),
    ];
    for (const rgb of pictures) {
      for (const quality of format === 'jpeg' ? [1, 10, 30, 60, 85, 92, 100] : [92, 100]) {
        await verifyEncoded(await write(format, rgb, quality), expected(format, rgb));
      }
    }
  });

  it.each(FORMATS)('%s with alpha', async (format) => {
    const next = random(3);
    const alpha = new Uint8Array(96 * 72).map(() => (next() < 0.3 ? 0 : next() * 256));
    await verifyEncoded(await write(format, image, 92, alpha), expected(format, image, alpha));
  });
});

describe('verifyEncoded refuses', () => {
  it.each(FORMATS)('another picture as %s', async (format) => {
    // GIF has the coarsest check, because a picture of many colours loses most in it.
    const other = format === 'gif' ? { ...image, data: image.data.map((value) => 255 - value) } : photo(96, 72, 9);
    await expectRefused(await write(format, other), expected(format), 'picture');
  });

  // The defect that matters most: the original written where the redacted picture was meant.
  it.each(['jpeg', 'png', 'webp', 'avif', 'tiff'] as const)(
    'the original for the redacted picture as %s',
    async (format) => {
      const textured = {
        ...image,
        data: noise(96, 72, 5).data.map((value, i) => (value + (image.data[i] as number)) >> 1),
      };
      const want = expected(format, redacted(textured, 40, 20, 16));
      await expectRefused(await write(format, textured), want, 'picture');
      await verifyEncoded(await write(format, want.rgb), want);
    },
  );

  it.each(FORMATS)('other transparency as %s', async (format) => {
    const alpha = new Uint8Array(96 * 72).fill(255).fill(0, 0, 96 * 36);
    await expectRefused(await write(format), expected(format, image, alpha), 'picture');
    await expectRefused(await write(format, image, 92, alpha), expected(format), 'picture');
  });

  it.each(FORMATS)('a %s with metadata', async (format) => {
    const { bytes } = await planted(image, format);
    await expectRefused(bytes, expected(format), 'disallowed');
  });

  it.each(FORMATS)('a %s with a tail', async (format) => {
    const bytes = Buffer.concat([await write(format), latin1('tail')]);
    await expectRefused(bytes, expected(format), 'trailing-data');
  });

  it.each(FORMATS)('a %s of another size', async (format) => {
    await expectRefused(await write(format, photo(96, 71)), expected(format), 'size');
    await expectRefused(await write(format, photo(72, 96)), expected(format), 'size');
  });

  it.each(FORMATS)('a %s cut short', async (format) => {
    const bytes = await write(format);
    await expect(verifyEncoded(bytes.subarray(0, -40), expected(format))).rejects.toMatchObject({ stage: 'verify' });
  });

  it('another format', async () => {
    await expectRefused(await write('png'), expected('jpeg'), 'format');
    await expectRefused(new Uint8Array(0), expected('jpeg'), 'empty');
    await expectRefused(latin1('<svg/>'), expected('jpeg'), 'unsupported:svg');
  });

  it('a single comment', async () => {
    const bytes = await encoded(fromRgb(image), 'jpeg');
    const comment = jpegSegment(0xfe, latin1('x'));
    await expectRefused(
      Buffer.concat([bytes.subarray(0, 2), comment, bytes.subarray(2)]),
      expected('jpeg'),
      'disallowed',
    );
  });

  it('an animation', async () => {
    const bytes = await multiFrame('gif');
    await expect(verifyEncoded(bytes, expected('gif', photo(24, 16)))).rejects.toMatchObject({ stage: 'verify' });
  });
});

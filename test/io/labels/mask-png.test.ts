import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { KeepError } from '../../../src/io/json-fields.ts';
import { cleanMask } from '../../../src/io/labels/mask-png.ts';
import { photograph } from '../../e2e/command.ts';

const SIZE = { width: 61, height: 47 };
/** Two areas and a border. */
const samples = Uint8Array.from({ length: SIZE.width * SIZE.height }, (_, i) => {
  const x = i % SIZE.width;
  return x < 20 ? 0 : x < 40 ? 7 : x === 40 ? 255 : 12;
});
const grey = (): Sharp => sharp(samples, { raw: { ...SIZE, channels: 1 } }).toColourspace('b-w');
const pixels = (png: Uint8Array): Promise<Buffer> => sharp(png).raw().toBuffer();

describe('cleanMask', () => {
  it.each<[what: string, png: () => Promise<Buffer>]>([
    ['greys', () => grey().png().toBuffer()],
    ['greys of every filter', () => grey().png({ adaptiveFiltering: true }).toBuffer()],
    ['a palette', () => grey().toColourspace('srgb').png({ palette: true, colours: 4, dither: 0 }).toBuffer()],
    ['16 bits', () => grey().toColourspace('grey16').png().toBuffer()],
  ])('keeps every sample of %s', async (_, png) => {
    const bytes = await png();
    const mask = cleanMask(bytes);
    expect(mask).toMatchObject(SIZE);
    expect(await pixels(mask.png)).toEqual(await pixels(bytes));
    expect(cleanMask(mask.png).png).toEqual(mask.png);
  });

  it('leaves behind texts, metadata and what follows the end', async () => {
    const canary = 'CANARY-7q3x91';
    const png = await grey()
      .withExif({ IFD0: { Artist: canary } })
      .withXmp(`<x:xmpmeta xmlns:x="adobe:ns:meta/">${canary}</x:xmpmeta>`)
      .png()
      .toBuffer();
    const bytes = Buffer.concat([png, Buffer.from(canary)]);
    expect(bytes.toString('latin1').split(canary).length).toBeGreaterThan(2);
    const { png: cleaned } = cleanMask(bytes);
    const text = Buffer.from(cleaned).toString('latin1');
    expect(text).not.toContain(canary);
    expect(text.match(/IHDR|PLTE|tRNS|eXIf|tEXt|iTXt|zTXt|pHYs|iCCP|IDAT|IEND/g)).toEqual(['IHDR', 'IDAT', 'IEND']);
  });

  it.each<[what: string, bytes: () => Promise<Buffer>]>([
    [
      'a photograph in greys',
      async () =>
        sharp(await photograph(1, 200))
          .toColourspace('b-w')
          .png()
          .toBuffer(),
    ],
    [
      'a photograph in a palette',
      async () =>
        sharp(await photograph(1, 200))
          .png({ palette: true, colours: 16 })
          .toBuffer(),
    ],
    ['colours', () => grey().toColourspace('srgb').png().toBuffer()],
    ['interlacing', () => grey().png({ progressive: true }).toBuffer()],
    ['a JPEG', () => photograph(1, 100)],
    ['nothing', async () => Buffer.alloc(0)],
    ['half a file', async () => (await grey().png().toBuffer()).subarray(0, 60)],
    ['samples beyond its size', async () => bomb()],
  ])('refuses %s', async (_, bytes) => {
    const file = await bytes();
    expect(() => cleanMask(file)).toThrow(KeepError);
  });

  it('refuses or reads whatever is damaged, and never fails otherwise', async () => {
    const whole = await grey().png().toBuffer();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, length) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        if (at < length) bytes[at] = value;
        try {
          expect(cleanMask(bytes)).toMatchObject(SIZE);
        } catch (error) {
          expect(error).toBeInstanceOf(KeepError);
        }
      }),
      { numRuns: 50 },
    );
  });
});

/** The header of a small mask, with far more samples than it has. */
async function bomb(): Promise<Buffer> {
  const png = await grey().png().toBuffer();
  const { png: cleaned } = cleanMask(png);
  const data = deflateSync(Buffer.alloc(50_000_000));
  const at = Buffer.from(cleaned).indexOf('IDAT') - 4;
  const body = Buffer.concat([Buffer.from('IDAT'), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc(body));
  return Buffer.concat([cleaned.subarray(0, at), head, body, tail, cleaned.subarray(cleaned.length - 12)]);
}

function crc(bytes: Buffer): number {
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

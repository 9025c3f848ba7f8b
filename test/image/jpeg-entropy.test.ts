import { describe, expect, it } from 'vitest';
import { checkJpegBlocks } from '../../src/image/jpeg-entropy.ts';
import { fromRgb, photo } from '../fixtures/images.ts';

const SOS = Buffer.from([0xff, 0xda]);

/** Data of the first scan, after its header, up to EOI. */
function scanStart(jpeg: Buffer): number {
  const at = jpeg.indexOf(SOS);
  return at + 2 + jpeg.readUInt16BE(at + 2);
}

describe('checkJpegBlocks accepts', () => {
  it.each([
    ['4:2:0', { chromaSubsampling: '4:2:0' }],
    ['4:4:4', { chromaSubsampling: '4:4:4' }],
    ['optimal Huffman tables', { optimiseCoding: true }],
    ['quality 1', { quality: 1 }],
    ['quality 100', { quality: 100 }],
    ['progressive, unchecked', { progressive: true }],
  ])('%s, at sizes that fill their blocks and that do not', async (_, options) => {
    for (const [width, height] of [
      [1, 1],
      [8, 8],
      [16, 16],
      [17, 33],
      [100, 3],
      [3, 100],
    ] as const) {
      const jpeg = await fromRgb(photo(width, height))
        .jpeg({ optimiseCoding: false, ...options })
        .toBuffer();
      expect(() => checkJpegBlocks(jpeg)).not.toThrow();
    }
  });

  it.each(['b-w', 'cmyk'])('the components of %s', async (space) => {
    const jpeg = await fromRgb(photo(50, 40)).toColourspace(space).jpeg().toBuffer();
    expect(() => checkJpegBlocks(jpeg)).not.toThrow();
  });

  it.each([0, 0xff])('padding of bytes %i before the end', async (value) => {
    const jpeg = await fromRgb(photo(50, 40)).jpeg().toBuffer();
    // 0xff in entropy-coded data is followed by a zero that does not count.
    const padding = Buffer.alloc(64, value === 0xff ? Buffer.from([0xff, 0]) : 0);
    const padded = Buffer.concat([jpeg.subarray(0, -2), padding, jpeg.subarray(-2)]);
    expect(() => checkJpegBlocks(padded)).not.toThrow();
  });

  it('restart intervals', () => {
    expect(() => checkJpegBlocks(restartJpeg([0x3f, 0x3f, 0x3f]))).not.toThrow();
  });
});

describe('checkJpegBlocks refuses', () => {
  it('data that ends early', async () => {
    const jpeg = await fromRgb(photo(50, 40)).jpeg().toBuffer();
    const cut = Buffer.concat([jpeg.subarray(0, scanStart(jpeg) + 100), jpeg.subarray(-2)]);
    expect(() => checkJpegBlocks(cut)).toThrow('read to their end');
  });

  it('data that goes on', async () => {
    const jpeg = await fromRgb(photo(50, 40)).jpeg().toBuffer();
    const longer = Buffer.concat([jpeg.subarray(0, -2), Buffer.from('more of it'), jpeg.subarray(-2)]);
    expect(() => checkJpegBlocks(longer)).toThrow('end with its last block');
  });

  it('an interval that is missing', () => {
    expect(() => checkJpegBlocks(restartJpeg([0x3f, 0x3f]))).toThrow('1 more blocks');
  });

  it('a code that does not exist', () => {
    expect(() => checkJpegBlocks(restartJpeg([0x3f, 0xbf, 0x3f]))).toThrow('read to their end');
  });

  it('data that ends early, when any bits are a code', () => {
    const jpeg = restartJpeg([0x3f, 0x3f, 0x3f]);
    // Two codes of one bit each: a second symbol in both tables, and no restarts in between.
    const [symbols, lengths] = [Buffer.from([0, 0]), Buffer.from([2, ...Array(15).fill(0)])];
    const table = (id: number) => Buffer.from([0xff, 0xc4, 0, 21, id, ...lengths, ...symbols]);
    const tables = jpeg.indexOf(Buffer.from([0xff, 0xc4]));
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
    const header = jpeg.subarray(scan, scan + 10);
    const end = Buffer.from([0xff, 0xd9]);
    const whole = [jpeg.subarray(0, tables), table(0x00), table(0x10), header];
    expect(() => checkJpegBlocks(Buffer.concat([...whole, Buffer.from([0x3f]), end]))).not.toThrow();
    expect(() => checkJpegBlocks(Buffer.concat([...whole, end]))).toThrow('read to their end');
  });

  it('tables with more codes than bits', () => {
    const jpeg = restartJpeg([0x3f]);
    jpeg[jpeg.indexOf(Buffer.from([0xff, 0xc4])) + 5] = 3;
    expect(() => checkJpegBlocks(jpeg)).toThrow();
  });
});

/**
 * A grey JPEG of 8 × 24 pixels with a restart after each block. Its tables have one code each, `0`: no DC
 * difference, and end of block. So the byte 0b00111111 is a block and its padding.
 */
function restartJpeg(intervals: readonly number[]): Buffer {
  const table = (id: number): number[] => [0xff, 0xc4, 0, 20, id, 1, ...Array(15).fill(0), 0];
  const scan = intervals.flatMap((byte, i) => (i === 0 ? [byte] : [0xff, 0xd0 + i - 1, byte]));
  return Buffer.from([
    ...[0xff, 0xd8],
    ...[0xff, 0xc0, 0, 11, 8, 0, 24, 0, 8, 1, 1, 0x11, 0],
    ...table(0x00),
    ...table(0x10),
    ...[0xff, 0xdd, 0, 4, 0, 1],
    ...[0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0],
    ...scan,
    ...[0xff, 0xd9],
  ]);
}

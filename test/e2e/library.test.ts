import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as Library from '../../src/index.ts';
import { built, photograph } from './command.ts';

let library: typeof Library;
let photos: Buffer[];

beforeAll(async () => {
  library = await built<typeof Library>('index.js');
  photos = await Promise.all([1, 2, 3].map((n) => photograph(n, 320)));
});

describe('createAnonymizer', () => {
  let anonymizer: Library.Anonymizer;

  beforeAll(async () => {
    anonymizer = await library.createAnonymizer({ preset: 'faces', encode: 'png', workers: 2 });
  });
  afterAll(() => anonymizer.close());

  it('anonymizes bytes to bytes and a record, also many at once, and always the same', async () => {
    const results = await Promise.all([...photos, ...photos].map((photo) => anonymizer.process(photo)));
    for (const [i, { bytes, record }] of results.entries()) {
      expect(Buffer.from(bytes.subarray(1, 4)).toString()).toBe('PNG');
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(record.out_sha256);
      expect(record.counts.face).toBe(record.regions.length);
      expect(Object.keys(record)).not.toContain('key');
      expect(results[(i + 3) % 6]?.record).toEqual(record);
    }
    expect(results[0]?.record.counts.face).toBeGreaterThan(0);
  });

  it('leaves the bytes that it was given alone, also a view of more', async () => {
    const photo = photos[0] as Buffer;
    const large = Buffer.concat([Buffer.alloc(100_000, 'before'), photo, Buffer.alloc(100_000, 'after')]);
    const before = Buffer.from(large);
    const { record } = await anonymizer.process(large.subarray(100_000, 100_000 + photo.length));
    expect(large.equals(before)).toBe(true);
    expect(record).toEqual((await anonymizer.process(photo)).record);
  });

  it('throws a SampleError with stage and reason for what cannot be published', async () => {
    const cut = (photos[0] as Buffer).subarray(0, 5000);
    const error: unknown = await anonymizer.process(cut).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(library.SampleError);
    expect(error).toMatchObject({ stage: 'decode', reason: 'truncated', name: 'SampleError' });
    await expect(anonymizer.process(new Uint8Array())).rejects.toMatchObject({ reason: 'empty' });
  });

  it('finishes running calls when it is closed, and takes no more', async () => {
    const short = await library.createAnonymizer({ preset: 'faces', workers: 1 });
    const running = photos.map((photo) => short.process(photo));
    await short.close();
    expect(await Promise.all(running)).toHaveLength(3);
    await expect(short.process(photos[0] as Buffer)).rejects.toThrow('closed');
    await short.close();
  });

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['an unknown option', { clases: ['face'] }, 'UsageError', /--clases\. Did you mean --classes\?/],
    ['an unknown class', { classes: ['fase'] }, 'UsageError', /received fase\. Did you mean face\?/],
    ['a file of boxes', { boxes: 'boxes.jsonl' }, 'UsageError', /boxes with each image/],
    ['a missing model', { model: { face: './none.onnx' } }, 'ModelError', /none\.onnx/],
    ['a threshold that nothing passes', { classes: ['face'], threshold: { face: 1 } }, 'ModelError', /Self-check/],
  ])('refuses %s', async (_, options, name, message) => {
    const error: unknown = await library.createAnonymizer(options).catch((e: unknown) => e);
    expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
  });
});

describe('createAnonymizer without detectors', () => {
  let anonymizer: Library.Anonymizer;
  const box = { class: 'plate', x: 40, y: 30, w: 60, h: 80 };

  beforeAll(async () => {
    const options = { detectors: false, redact: 'solid', fill: '#ff0000', encode: 'png', workers: 1 } as const;
    anonymizer = await library.createAnonymizer({ ...options, logGeometry: 'full' });
  });
  afterAll(() => anonymizer.close());

  it('redacts what it is given and nothing else', async () => {
    const photo = photos[0] as Buffer;
    const { bytes, record } = await anonymizer.process(photo, { boxes: [box] });
    expect(record.models).toContain('plate:boxes@given');
    expect(record.regions).toMatchObject([{ class: 'plate', box: [40, 30, 60, 80], mode: 'solid', origin: 'given' }]);
    const [before, after] = await Promise.all(
      [photo, bytes].map((b) => sharp(b).raw().toBuffer({ resolveWithObject: true })),
    );
    if (before === undefined || after === undefined) throw new Error('Expected two images');
    const { width } = before.info;
    const at = (x: number, y: number): number[] => [
      ...after.data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
    ];
    expect(at(70, 70)).toEqual([255, 0, 0]);
    const outside = (i: number): boolean => Math.floor(i / 3) % width > 110 || Math.floor(i / 3 / width) > 120;
    expect(before.data.every((value, i) => !outside(i) || value === after.data[i])).toBe(true);
  });

  it('publishes an image with an empty list as it is', async () => {
    expect((await anonymizer.process(photos[0] as Buffer, { boxes: [] })).record.regions).toEqual([]);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['no boxes', undefined, 'SampleError', /received none/],
    ['a class that is none', [{ ...box, class: 'cat' }], 'UsageError', /boxes\.0\.class: expected face/],
    ['half a box', [{ class: 'face', x: 1, y: 1 }], 'UsageError', /boxes\.0: expected x, y, w and h/],
    ['a field that is none', [{ ...box, score: 1 }], 'UsageError', /score/],
    ['a box beside the image', [{ ...box, x: 9000 }], 'SampleError', /within/],
  ])('refuses %s', async (_, boxes, name, message) => {
    const options = { boxes } as Library.ProcessOptions;
    const error: unknown = await anonymizer.process(photos[0] as Buffer, options).catch((e: unknown) => e);
    expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
  });
});

import { createHash } from 'node:crypto';
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
    ['a missing model', { model: { face: './none.onnx' } }, 'ModelError', /none\.onnx/],
    ['a threshold that nothing passes', { classes: ['face'], threshold: { face: 1 } }, 'ModelError', /Self-check/],
  ])('refuses %s', async (_, options, name, message) => {
    const error: unknown = await library.createAnonymizer(options).catch((e: unknown) => e);
    expect(error).toMatchObject({ name, message: expect.stringMatching(message) });
  });
});

import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type * as Library from '../src/index.ts';
import { built, jsonLines, listing, photograph, sharedScratch, write } from './e2e/command.ts';

const root = await sharedScratch();
let library: typeof Library;
let photos: Buffer[];

// Workers run built files, so the loop is tested as it is built.
beforeAll(async () => {
  library = await built<typeof Library>('index.js');
  photos = await Promise.all([1, 2, 3].map((n) => photograph(n, 320)));
});

describe('run', () => {
  it('does what the command does, and tells how it goes', async () => {
    const files = Object.fromEntries(photos.map((photo, i) => [`${i}.jpg`, photo]));
    await write(path.join(root, 'in'), { ...files, '3.jpg': 'no picture' });
    const config = library.fillConfig({
      inputs: [path.join(root, 'in')],
      out: path.join(root, 'out'),
      classes: ['face', 'plate'],
      redact: { plate: 'none' },
      workers: 8,
    });
    expect(Object.isFrozen(config)).toBe(true);
    const progress: Library.RunProgress[] = [];
    const started: unknown[] = [];
    const summary = await library.run(config, {
      onStart: (start) => started.push(start),
      onProgress: (state) => progress.push(state),
    });
    expect(started).toEqual([expect.objectContaining({ total: 4, workers: 4, device: ['cpu'] })]);
    expect(progress.map((p) => [p.done, p.total, p.published, p.rejected])).toEqual([
      [1, 4, 1, 0],
      [2, 4, 2, 0],
      [3, 4, 3, 0],
      [4, 4, 3, 1],
    ]);
    expect(summary).toMatchObject({
      status: 'finished',
      total: 4,
      published: 3,
      reasons: { 'decode/unsupported:unknown': 1 },
      notices: ['plate will NOT be redacted (mode none)'],
      out: path.join(root, 'out'),
      privateDir: path.join(root, 'out.private'),
    });
    expect(summary.images.face).toBeLessThanOrEqual(3);
    expect(summary.peakInFlight).toBeLessThanOrEqual(8);
    const records = await jsonLines(path.join(root, 'out/_anonymize/redactions/00000.jsonl'));
    const faces = records.reduce((sum, record) => sum + (record.counts?.face ?? 0), 0);
    expect(summary.regions).toEqual({ face: faces, body: 0, plate: 0, text: 0 });
  });

  it('writes nothing for a folder without images', async () => {
    await mkdir(path.join(root, 'nothing'));
    const summary = await library.run(
      library.fillConfig({ inputs: [path.join(root, 'nothing')], out: path.join(root, 'none') }),
    );
    expect(summary).toMatchObject({ status: 'empty', total: 0, published: 0, seconds: expect.any(Number) });
    expect(await readdir(root)).not.toContain('none');
  });

  it('stops when it is told to, and leaves no unfinished shard', async () => {
    const stop = new AbortController();
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.jpg`, photos[0] as Buffer]));
    await write(path.join(root, 'many'), files);
    const summary = await library.run(
      library.fillConfig({
        inputs: [path.join(root, 'many')],
        out: path.join(root, 'stopped'),
        preset: 'faces',
        workers: 1,
        samplesPerShard: 7,
      }),
      { signal: stop.signal, onProgress: ({ done }) => done === 10 && stop.abort() },
    );
    expect(summary).toMatchObject({ status: 'interrupted', total: 40 });
    // What was in work when it was told is still finished: at most twice the two that a worker holds.
    expect(summary.done).toBeGreaterThanOrEqual(10);
    expect(summary.done).toBeLessThanOrEqual(15);
    const shards = Math.floor(summary.done / 7);
    const shardFiles = (await listing(path.join(root, 'stopped'))).filter((file) => file.endsWith('.tar'));
    expect(shardFiles).toHaveLength(shards);
  });

  it('writes shards in the format that most of the images have', async () => {
    const png = await sharp(photos[0]).png().toBuffer();
    await write(path.join(root, 'mixed'), { 'a.png': png, 'b.PNG': png, 'c.jpg': photos[1] as Buffer });
    const summary = await library.run(
      library.fillConfig({ inputs: [path.join(root, 'mixed')], out: path.join(root, 'as-png'), preset: 'faces' }),
    );
    expect(summary.notices).toEqual([expect.stringMatching(/2 png, 1 jpeg\): every sample is written as png/)]);
    expect(summary.published).toBe(3);
  });
});

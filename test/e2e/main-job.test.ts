import { execFileSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { unpackTar } from 'modern-tar';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { fillConfig } from '../../src/config.ts';
import { iou } from '../../src/core/geometry.ts';
import type { Detection, RgbImage } from '../../src/core/types.ts';
import { DetectPipeline } from '../../src/detect/pipeline.ts';
import { prepareJob } from '../../src/prepare.ts';
import { filesIn, hasProgram } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const KEYS = ['000000000', '000000001', '000000002', '000000003', '000000004'];
const SHARDS = ['00000', '00001', '00002'];

const root = await sharedScratch();
let ran: Ran;
const at = (...names: string[]): string => path.join(root, ...names);

beforeAll(async () => {
  for (const [i, name] of ['a', 'b/1', 'b/2', 'c', 'd'].entries()) {
    await write(at('photos'), { [`${name}.jpg`]: await photograph(i + 1) });
  }
  await write(at('photos'), { 'notes.txt': 'not an image' });
  const options = ['--samples-per-shard', '2', '--log-geometry', 'full'];
  ran = await anonymize([at('photos'), '--out', at('clean'), '--workers', '2', '--json', ...options]);
  for (const [name, workers] of [
    ['again', '2'],
    ['single', '1'],
  ]) {
    await anonymize([at('photos'), '--out', at(name as string), '--workers', workers as string, '--quiet', ...options]);
  }
});

/** Members of all shards by name. */
async function members(out: string): Promise<Map<string, Buffer>> {
  const all = new Map<string, Buffer>();
  for (const shard of SHARDS) {
    for (const { header, data } of await unpackTar(await readFile(path.join(out, `${shard}.tar`)))) {
      all.set(header.name, Buffer.from(data ?? []));
    }
  }
  return all;
}

async function pixels(bytes: Uint8Array): Promise<RgbImage> {
  const { data, info } = await sharp(bytes).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

describe('the main job on photographs', () => {
  it('publishes every image, with one JSON document on stdout and plain lines on stderr', () => {
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      status: 'finished',
      total: 5,
      published: 5,
      rejected: 0,
      dropped: { txt: 1 },
      workers: 2,
    });
    expect(ran.stderr).toContain('5 images, 2 workers on cpu, looking for face, body, plate, text\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(ran.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });

  it('leaves the documented layout and nothing else', async () => {
    expect(await listing(at('clean'))).toEqual([
      ...SHARDS.flatMap((s) => [`${s}.parquet`, `${s}.tar`, `${s}_stats.json`]),
      '_anonymize/SHA256SUMS',
      ...SHARDS.map((s) => `_anonymize/redactions/${s}.jsonl`),
      '_anonymize/run.json',
    ]);
    expect(await json(at('clean/_anonymize/run.json'))).toMatchObject({ status: 'finished', published: 5 });
    expect(await json(at('clean/00002_stats.json'))).toMatchObject({ count: 1, successes: 1, failed_to_anonymize: 0 });
    expect(await listing(at('clean.private'))).toEqual([
      'detections.jsonl',
      'quarantine.jsonl',
      'run.json',
      'sources.jsonl',
    ]);
    if (process.platform !== 'win32') {
      expect((await stat(at('clean.private'))).mode & 0o777).toBe(0o700);
      expect((await stat(at('clean.private/sources.jsonl'))).mode & 0o777).toBe(0o600);
    }
    const sources = await jsonLines(at('clean.private/sources.jsonl'));
    expect(sources.map((s) => [s.key, path.relative(at('photos'), s.source)])).toEqual(
      KEYS.map((key, i) => [key, ['a.jpg', 'b/1.jpg', 'b/2.jpg', 'c.jpg', 'd.jpg'][i]]),
    );
  });

  it('leaves nothing that its own detectors find where they found something', async () => {
    const job = await prepareJob(fillConfig({ inputs: [at('photos')], out: at('unused') }));
    const pipeline = await DetectPipeline.open(job.detect, 'cpu');
    const published = await members(at('clean'));
    const detections = await jsonLines(at('clean.private/detections.jsonl'));
    let faces = 0;
    const remaining: unknown[] = [];
    for (const { key, detections: before } of detections as { key: string; detections: Detection[] }[]) {
      faces += before.filter((d) => d.label === 'face').length;
      const image = await pixels(published.get(`${key}.jpg`) as Buffer);
      for (const { label, box, score } of (await pipeline.detect(image)).detections) {
        if (before.some((d) => d.label === label && iou(d.box, box) > 0.3)) remaining.push({ key, label, box, score });
      }
    }
    await pipeline.close();
    expect(faces).toBeGreaterThanOrEqual(15);
    expect(remaining).toEqual([]);
  });

  it('changes what lies in a region and leaves the rest as it was', async () => {
    const published = await members(at('clean'));
    let keptPixels = 0;
    for (const { key, source } of await jsonLines(at('clean.private/sources.jsonl'))) {
      const before = await pixels(await readFile(source));
      const after = await pixels(published.get(`${key}.jpg`) as Buffer);
      const regions = JSON.parse(JSON.parse(String(published.get(`${key}.json`))).regions);
      const [kept, redacted] = compare(before, after, regions);
      keptPixels += kept.pixels;
      expect(kept.difference, key).toBeLessThan(2);
      expect(redacted.difference, key).toBeGreaterThan(10);
    }
    // People and what is around them fill some of the photographs.
    expect(keptPixels).toBeGreaterThan(10_000);
  });

  it('gives the same bytes again, and with another number of workers', async () => {
    const first = await filesIn(at('clean'));
    for (const name of ['again', 'single']) {
      const second = await filesIn(at(name));
      expect([...second.keys()]).toEqual([...first.keys()]);
      for (const [file, bytes] of first) {
        // Times are theirs to differ in.
        if (file.endsWith('_stats.json')) continue;
        expect(second.get(file)?.equals(bytes), `${name}/${file}`).toBe(true);
      }
    }
  });
});

interface Difference {
  pixels: number;
  /** Mean of the absolute difference per channel, in levels. */
  difference: number;
}

/** How far two pictures are apart outside the regions and their feather, and inside the boxes of faces. */
function compare(
  before: RgbImage,
  after: RgbImage,
  regions: readonly { class: string; box: readonly [number, number, number, number] }[],
): [kept: Difference, redacted: Difference] {
  expect([after.width, after.height]).toEqual([before.width, before.height]);
  const widestFeather = 24;
  const kept = { pixels: 0, difference: 0 };
  const redacted = { pixels: 0, difference: 0 };
  const within = (x: number, y: number, margin: number) => (region: { box: readonly number[] }) => {
    const [left, top, width, height] = region.box as [number, number, number, number];
    return x >= left - margin && x < left + width + margin && y >= top - margin && y < top + height + margin;
  };
  const faces = regions.filter((r) => r.class === 'face');
  for (let y = 0; y < before.height; y++) {
    for (let x = 0; x < before.width; x++) {
      const isFace = faces.some(within(x, y, 0));
      if (!isFace && regions.some(within(x, y, widestFeather))) continue;
      const side = isFace ? redacted : kept;
      const i = (y * before.width + x) * 3;
      for (let c = i; c < i + 3; c++) {
        side.difference += Math.abs((before.data[c] as number) - (after.data[c] as number)) / 3;
      }
      side.pixels++;
    }
  }
  for (const side of [kept, redacted]) side.difference /= Math.max(1, side.pixels);
  return [kept, redacted];
}

describe('readers that share no code with the writer', () => {
  it.skipIf(!hasProgram('tar', /GNU/))('GNU tar lists the shards', () => {
    for (const [i, shard] of SHARDS.entries()) {
      const names = execFileSync('tar', ['tvf', at('clean', `${shard}.tar`)], { encoding: 'utf8', env: { TZ: 'UTC' } });
      const expected = KEYS.slice(i * 2, i * 2 + 2).flatMap((key) => [`${key}.jpg`, `${key}.json`]);
      const lines = names.trim().split('\n');
      expect(lines.map((line) => line.split(' ').at(-1))).toEqual(expected);
      for (const line of lines) expect(line).toMatch(/^-r--r--r-- 0\/0 +\d+ 1970-01-01 00:00 /);
    }
  });

  it('grouping members by key gives the same members for every sample', async () => {
    const samples = new Map<string, string[]>();
    for (const name of (await members(at('clean'))).keys()) {
      const [, key = '', extension = ''] = /^((?:.*\/|)[^.]+)[.]([^/]*)$/.exec(name) ?? [];
      samples.set(key, [...(samples.get(key) ?? []), extension]);
    }
    expect([...samples]).toEqual(KEYS.map((key) => [key, ['jpg', 'json']]));
  });

  it('hyparquet reads the tables, which agree with the records', async () => {
    const rows = [];
    for (const shard of SHARDS) {
      const bytes = await readFile(at('clean', `${shard}.parquet`));
      const file = new Uint8Array(bytes).buffer;
      expect(parquetMetadata(file).key_value_metadata ?? []).toEqual([]);
      rows.push(...(await parquetReadObjects({ file })));
    }
    const published = await members(at('clean'));
    expect(rows.map((row) => row.key)).toEqual(KEYS);
    for (const row of rows) {
      const record = JSON.parse(String(published.get(`${row.key}.json`)));
      expect(row).toMatchObject({
        status: 'success',
        url: null,
        exif: null,
        width: record.width,
        height: record.height,
        sha256: record.out_sha256,
        faces: record.counts.face,
        bodies: record.counts.body,
      });
    }
  });

  it.skipIf(!hasProgram('sha256sum', /./))('sha256sum checks the sums', () => {
    const text = execFileSync('sha256sum', ['-c', '--strict', '_anonymize/SHA256SUMS'], {
      cwd: at('clean'),
      encoding: 'utf8',
    });
    expect(text.trim().split('\n')).toHaveLength(9);
  });
});

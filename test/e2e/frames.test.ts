import type { ChildProcess } from 'node:child_process';
import { cp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { unpackTar } from 'modern-tar';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Detection } from '../../src/core/types.ts';
import { rasterizeRegion } from '../../src/redact/mask.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { policyOf } from '../redact/scenes.ts';
import { type FacesFrame, HEIGHT, movingFaces, shareMasked, WIDTH, writeClip } from '../video/moving-faces.ts';
import { anonymize, json, jsonLines, listing, sharedScratch, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const scratch = await sharedScratch();
const at = (...names: string[]): string => path.join(scratch, ...names);

/** Three scenes: more than one segment. */
const SCENE = 44;
const SAMPLED = Array.from({ length: 27 }, (_, i) => i * 5);
const keyOf = (frame: number): string => `000000000_${String(frame).padStart(9, '0')}`;
let frames: FacesFrame[];

function argsFor(out: string, workers = 1): string[] {
  const options = ['--preset', 'faces', '--quality', 'fast', '--log-geometry', 'full', '--samples-per-shard', '5'];
  return [at('in'), '--out', at(out), '--frames', 'every:5', '--workers', `${workers}`, ...options];
}

const sums = (folder: string): Promise<string> => readFile(at(folder, '_anonymize/SHA256SUMS'), 'utf8');

describe.skipIf(tools === undefined)('frames of clips', () => {
  beforeAll(async () => {
    frames = await movingFaces(SCENE);
    const images = frames.map(({ rgb }) => rgb);
    await write(at('in'), { 'note.txt': 'Ann Example' });
    writeClip(tools?.ffmpeg ?? '', at('in', 'Ann Example.mp4'), images);
    await cp(at('in', 'Ann Example.mp4'), at('in', 'zz-broken.mp4'));
    await truncate(at('in', 'zz-broken.mp4'), 9000);
    await write(at('short'), { 'note.txt': '' });
    writeClip(tools?.ffmpeg ?? '', at('short', 'Ann Example.mp4'), images.slice(0, 30));
    const ran = await anonymize(argsFor('clean'));
    expect(ran.stderr).not.toContain('Ann');
    expect(ran.stdout).not.toContain('Ann');
    expect(ran.stdout).toContain('27 frames of 1 of 2 clips anonymized and published');
    expect(ran.code).toBe(1);
  }, 300_000);

  it('are samples called by clip and frame, and one record says that a clip is not published', async () => {
    const shards = ['00000', '00001', '00002', '00003', '00004', '00005'];
    expect(await listing(at('clean'))).toEqual(
      [
        ...shards.flatMap((shard) => [`${shard}.parquet`, `${shard}.tar`, `${shard}_stats.json`]),
        '_anonymize/SHA256SUMS',
        ...shards.map((shard) => `_anonymize/redactions/${shard}.jsonl`),
        '_anonymize/run.json',
      ].sort(),
    );
    const tars = await Promise.all(shards.map(async (shard) => unpackTar(await readFile(at('clean', `${shard}.tar`)))));
    expect(tars.flat().map(({ header }) => header.name)).toEqual(
      SAMPLED.flatMap((frame) => [`${keyOf(frame)}.jpg`, `${keyOf(frame)}.json`]),
    );
    const records = await recordsOf('clean');
    expect(records.map(({ key }) => key)).toEqual([...SAMPLED.map(keyOf), '000000001']);
    expect(records.at(-1)).toMatchObject({ status: 'quarantined', stage: 'decode' });
    const table = await readFile(at('clean', '00005.parquet'));
    expect(await parquetReadObjects({ file: new Uint8Array(table).buffer })).toMatchObject([
      { key: keyOf(125), status: 'success', width: WIDTH, height: HEIGHT },
      { key: keyOf(130), status: 'success' },
      { key: '000000001', status: 'quarantined', width: null },
    ]);
    expect(await json(at('clean', '_anonymize/run.json'))).toMatchObject({
      kind: 'frames',
      frames: 'every:5',
      total: 28,
    });
  });

  it('tell tracks, and nothing of their names', async () => {
    const regions = (await recordsOf('clean')).flatMap((record) => record.regions ?? []);
    expect(new Set(regions.map(({ origin }) => origin))).toEqual(new Set(['detector', 'interpolated']));
    for (const { track } of regions) expect(track).toEqual(expect.any(Number));
    for (const file of await listing(at('clean'))) {
      expect((await readFile(at('clean', file))).includes('Ann'), file).toBe(false);
    }
    const folder = at('clean.private');
    for (const file of await listing(folder))
      expect((await stat(path.join(folder, file))).mode & 0o777, file).toBe(0o600);
    expect((await listing(folder)).filter((file) => file.includes('images'))).toEqual([]);
    const [first] = await jsonLines(path.join(folder, 'sources.jsonl'));
    expect(first).toMatchObject({ key: keyOf(0), source: at('in', 'Ann Example.mp4'), member: 'frame 0' });
  });

  it('have every face covered, and are hardly changed elsewhere', async () => {
    expect(await uncovered('clean')).toEqual([]);
    let inside = 0;
    let outside = 0;
    for (const [frame, { pixels, mask }] of await published('clean')) {
      const source = frames[frame]?.rgb.data as Uint8Array;
      const sums = { in: [0, 0], out: [0, 0] } as { in: [number, number]; out: [number, number] };
      for (let p = 0; p < mask.length; p++) {
        const sum = mask[p] === 1 ? sums.in : sums.out;
        sum[0] += Math.abs((pixels[3 * p] as number) - (source[3 * p] as number));
        sum[1]++;
      }
      inside += sums.in[0] / Math.max(1, sums.in[1]);
      outside += sums.out[0] / sums.out[1];
    }
    expect(inside).toBeGreaterThan(4 * outside);
  });

  it('are covered by what the frames around them show, where nothing was detected in them', async () => {
    await copyOf('holed');
    for (const segment of ['00000', '00001']) {
      const file = at('holed.private', 'clips/000000000', `detections-${segment}.jsonl`);
      const lines = (await jsonLines(file)).map((row) => (row.frame % 5 === 0 ? { ...row, detections: [] } : row));
      await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
    for (const file of await listing(at('holed'))) if (file.endsWith('_stats.json')) await rm(at('holed', file));
    expect((await anonymize(argsFor('holed'))).stdout).toContain('27 frames');
    const regions = (await recordsOf('holed')).flatMap((record) => record.regions ?? []);
    expect(new Set(regions.map(({ origin }) => origin))).toEqual(new Set(['interpolated']));
    expect(await uncovered('holed')).toEqual([]);
  }, 120_000);

  it('are found sound by verify and told by report, and left alone by what knows images only', async () => {
    const { stdout, code } = await anonymize(['verify', at('clean')]);
    expect(stdout).toContain('Sound: 27 images, 1 not published');
    expect(code).toBe(0);
    const before = await sums('clean');
    for (const args of [
      ['replay', at('clean.private'), '--out', at('again')],
      ['withdraw', at('clean'), '--source', keyOf(5), '--yes'],
      ['finalize', at('clean')],
    ]) {
      const refused = await anonymize(args);
      expect(refused.stderr).toMatch(
        /^anonymize: Expected .* images.* but .* frames of clips, for which this is not possible yet\n$/,
      );
      expect(refused.code).toBe(2);
    }
    expect(await sums('clean')).toBe(before);
    await copyOf('told');
    expect((await anonymize(['report', at('told')])).code).toBe(0);
  });

  it('that were killed at any moment go on where they were, to the same bytes at any worker count', async () => {
    const work = at('killed.private', 'clips', '000000000');
    for (const [folder, moment] of [
      [work, /^detections-00000\.jsonl$/],
      [work, /^frames-00000\.jsonl$/],
      [at('killed'), /^00001_stats\.json$/],
    ] as const) {
      const isReached = async (): Promise<boolean> =>
        (await readdir(folder).catch(() => [])).some((file) => moment.test(file));
      await anonymize(argsFor('killed', 2), {
        started: (child: ChildProcess) => {
          const timer = setInterval(async () => {
            if (await isReached()) child.kill('SIGKILL');
          }, 5);
          child.on('exit', () => clearInterval(timer));
        },
      });
    }
    const resumed = await anonymize(argsFor('killed', 2));
    expect(resumed.stdout).toContain('27 frames of 1 of 2 clips');
    expect(await listing(at('killed'))).toEqual(await listing(at('clean')));
    expect(await sums('killed')).toBe(await sums('clean'));
    const again = await anonymize(argsFor('killed', 2));
    expect(again.stdout).toContain('Complete already');
    expect(await sums('killed')).toBe(await sums('clean'));
  }, 300_000);

  it('of a shard that is no longer whole are made again, to the same bytes', async () => {
    await copyOf('torn');
    await rm(at('torn', '00002_stats.json'));
    const { stdout } = await anonymize(argsFor('torn'));
    expect(stdout).toContain('22 of them by an earlier run');
    expect(await sums('torn')).toBe(await sums('clean'));
    expect((await listing(at('torn.private'))).sort()).toEqual((await listing(at('clean.private'))).sort());
  }, 120_000);

  it('are refused with other settings, inputs or private folder than those of the earlier run', async () => {
    const state = await readFile(at('clean', '_anonymize/run.json'), 'utf8');
    const other = await anonymize([...argsFor('clean'), '--frames', 'every:6']);
    expect(other.stderr).toContain('frames: every:5 → every:6');
    const [, ...rest] = argsFor('clean');
    const inputs = await anonymize([at('short'), ...rest]);
    expect(inputs.stderr).toMatch(/Expected the inputs of the earlier run .* but they differ/);
    const stranger = await anonymize([...argsFor('clean'), '--private-dir', at('stranger')]);
    expect(stranger.stderr).toMatch(/Expected --private-dir to belong to --out but .* does not know the clips/);
    expect([other.code, inputs.code, stranger.code]).toEqual([2, 2, 2]);
    expect(await readFile(at('clean', '_anonymize/run.json'), 'utf8')).toBe(state);
  });

  it('are refused in a single pass, which does not know them', async () => {
    const refused = await anonymize([...argsFor('never'), '--single-pass']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/^anonymize: Expected no --single-pass/) });
  });

  it('by time and in folders keep the names of their clips, in the format that is asked for', async () => {
    const options = ['--preset', 'faces', '--quality', 'fast', '--workers', '2', '--detect-every', '5'];
    const folder = ['--frames', 'every:1s', '--format', 'folder', '--encode', 'png', '--hf-metadata'];
    expect((await anonymize([at('short'), '--out', at('tree'), ...options, ...folder])).code).toBe(0);
    const images = ['Ann Example/000000000.png', 'Ann Example/000000025.png'];
    expect(await listing(at('tree'))).toEqual([
      ...images,
      '_anonymize/SHA256SUMS',
      '_anonymize/redactions/00000.jsonl',
      '_anonymize/run.json',
      'metadata.jsonl',
    ]);
    const rows = await jsonLines(at('tree', 'metadata.jsonl'));
    expect(rows.map((row) => row.file_name)).toEqual(images);
    expect(rows.map((row) => row.key)).toEqual([keyOf(0), keyOf(25)]);
    expect((await anonymize(['verify', at('tree')])).stdout).toContain('Sound: 2 images');
  }, 120_000);
});

/** A finished output and its private folder under another name. */
async function copyOf(name: string): Promise<void> {
  await cp(at('clean'), at(name), { recursive: true });
  await cp(at('clean.private'), at(`${name}.private`), { recursive: true });
}

// biome-ignore lint/suspicious/noExplicitAny: tests read what they know to be there
async function recordsOf(out: string): Promise<any[]> {
  const logs = (await listing(at(out))).filter((file) => file.startsWith('_anonymize/redactions/'));
  return (await Promise.all(logs.map((log) => jsonLines(at(out, log))))).flat();
}

interface Published {
  readonly pixels: Uint8Array;
  /** 1 where something was redacted, without the growth of the policy. */
  readonly mask: Uint8Array;
}

/** The images of an output by frame. */
async function published(out: string): Promise<Map<number, Published>> {
  const images = new Map<string, Uint8Array>();
  for (const file of (await listing(at(out))).filter((name) => name.endsWith('.tar'))) {
    for (const { header, data } of await unpackTar(await readFile(at(out, file)))) {
      if (header.name.endsWith('.jpg')) images.set(header.name.slice(0, -'.jpg'.length), data as Uint8Array);
    }
  }
  const found = new Map<number, Published>();
  for (const { key, detections } of await jsonLines(at(`${out}.private`, 'detections.jsonl'))) {
    const mask = new Uint8Array(WIDTH * HEIGHT);
    for (const region of planRegions(detections as Detection[], policyOf('blur'), WIDTH, HEIGHT)) {
      rasterizeRegion(region, WIDTH, HEIGHT, mask);
    }
    const pixels = await sharp(images.get(key)).raw().toBuffer();
    found.set(Number(key.split('_')[1]), { pixels, mask });
  }
  return found;
}

/** Faces of which less than nine tenths are covered. */
async function uncovered(out: string): Promise<string[]> {
  const images = await published(out);
  expect([...images.keys()]).toEqual(SAMPLED);
  return [...images].flatMap(([frame, { mask }]) => {
    const shares = (frames[frame] as FacesFrame).faces.map((face) => shareMasked(face, mask));
    return shares.filter((share) => share < 0.9).map((share) => `frame ${frame}: ${share.toFixed(2)}`);
  });
}

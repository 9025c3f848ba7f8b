import type { ChildProcess } from 'node:child_process';
import { cp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Box } from '../../src/core/types.ts';
import { rasterizeRegion } from '../../src/redact/mask.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { decodeFrames } from '../../src/video/decode.ts';
import { probeClip } from '../../src/video/probe.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import type { Track } from '../../src/video/tracks/index.ts';
import type { ClipInfo } from '../../src/video/types.ts';
import type { DetectedFrame } from '../../src/worker/clip.ts';
import { policyOf } from '../redact/scenes.ts';
import { type FacesFrame, HEIGHT, movingFaces, shareMasked, WIDTH, writeClip } from '../video/moving-faces.ts';
import { anonymize, built, json, jsonLines, listing, photograph, sharedScratch, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const scratch = await sharedScratch();
const at = (...names: string[]): string => path.join(scratch, ...names);

/** Three scenes: more than one segment. */
const SCENE = 44;
const OPTIONS = ['--preset', 'faces', '--quality', 'fast', '--workers', '1'];
let frames: FacesFrame[];

describe.skipIf(tools === undefined)('clips', () => {
  beforeAll(async () => {
    frames = await movingFaces(SCENE);
    await write(at('in'), { 'note.txt': 'Ann Example' });
    writeClip(
      tools?.ffmpeg ?? '',
      at('in', 'Ann Example.mp4'),
      frames.map(({ rgb }) => rgb),
    );
    await cp(at('in', 'Ann Example.mp4'), at('in', 'zz-broken.mp4'));
    await truncate(at('in', 'zz-broken.mp4'), 9000);
    const ran = await anonymize([at('in'), '--out', at('clean'), ...OPTIONS, '--log-geometry', 'full']);
    expect(ran.stderr).not.toContain('Ann');
    expect(ran.stdout).not.toContain('Ann');
    expect(ran.stdout).toContain('1 of 2 clips anonymized and published, 132 frames');
    expect(ran.code).toBe(1);
  }, 300_000);

  it('are published by number with a log of every frame, and nothing of their names', async () => {
    expect(await listing(at('clean'))).toEqual([
      '000000000.mp4',
      '_anonymize/SHA256SUMS',
      '_anonymize/redactions/000000000.jsonl',
      '_anonymize/redactions/000000001.jsonl',
      '_anonymize/run.json',
    ]);
    const [record, ...rows] = await jsonLines(at('clean', '_anonymize/redactions/000000000.jsonl'));
    expect(record).toMatchObject({ key: '000000000', status: 'verified', frames: 3 * SCENE, width: WIDTH });
    expect(rows).toHaveLength(3 * SCENE);
    const origins = new Set(rows.flatMap(({ regions }) => regions.map((r: { origin: string }) => r.origin)));
    expect(origins).toEqual(new Set(['detector', 'interpolated']));
    const [broken] = await jsonLines(at('clean', '_anonymize/redactions/000000001.jsonl'));
    expect(broken).toMatchObject({ status: 'quarantined', stage: 'decode' });
    for (const file of await listing(at('clean'))) {
      expect((await readFile(at('clean', file))).includes('Ann'), file).toBe(false);
    }
  });

  it('are left alone by finalize, since one process has done all of them', async () => {
    const before = await listing(at('clean'));
    const { stdout, code } = await anonymize(['finalize', at('clean')]);
    expect(stdout).toMatch(/^Finished already: 1 of 2 clips published/);
    expect(code).toBe(1);
    expect(await listing(at('clean'))).toEqual(before);
  });

  it('are found sound by verify, until something is changed', async () => {
    const sound = await anonymize(['verify', at('clean')]);
    expect(sound.stdout).toContain('Sound');
    expect(sound.code).toBe(0);
    await cp(at('clean'), at('changed'), { recursive: true });
    const log = at('changed', '_anonymize/redactions/000000000.jsonl');
    const text = await readFile(log, 'utf8');
    await write(at('changed'), {
      '_anonymize/redactions/000000000.jsonl': text.replace('"frame":7,', '"frame":7,"score":1,'),
    });
    const changed = await anonymize(['verify', at('changed')]);
    expect(changed.stdout).toContain('000000000.jsonl:9: score');
    expect(changed.code).toBe(1);
  });

  it('keep private what was detected, and no pixel of the source', async () => {
    const folder = at('clean.private');
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    const files = await listing(folder);
    expect(files).toEqual([
      'clips/000000000/clip.json',
      'clips/000000000/detections-00000.jsonl',
      'clips/000000000/detections-00001.jsonl',
      'quarantine.jsonl',
      'run.json',
      'sources.jsonl',
    ]);
    for (const file of files) expect((await stat(path.join(folder, file))).mode & 0o777, file).toBe(0o600);
  });

  it('have every face covered in every frame, also where up to 8 detections in a row are missing', async () => {
    const { tracksOf } = await built<typeof import('../../src/clips/first-pass.ts')>('clips/first-pass.js');
    const { thresholds, detected, clip } = await stored();
    for (const hole of [0, 4, 8]) {
      const holed = detected.map((frame): DetectedFrame => {
        const isMissed = frame.frame % (hole + 5) >= 5;
        return isMissed ? { ...frame, detections: [] } : frame;
      });
      const tracks = await tracksOf(holed, clip, { thresholds, detectEvery: 1 });
      const uncovered: string[] = [];
      const sums = { masked: 0, faces: 0 };
      for (const [i, { faces }] of frames.entries()) {
        const mask = maskOf(tracks, i);
        sums.masked += mask.reduce((sum, p) => sum + p, 0);
        sums.faces += maskOfFaces(faces).reduce((sum, p) => sum + p, 0);
        for (const face of faces) {
          const share = shareMasked(face, mask);
          if (share < 0.9) uncovered.push(`holes of ${hole}, frame ${i}: ${share.toFixed(2)}`);
        }
      }
      expect(uncovered).toEqual([]);
      // Two sightings of no face, each in a single frame, are followed as faces would be.
      expect(sums.masked / sums.faces, `holes of ${hole}`).toBeLessThan(4);
    }
  });

  it('are blurred where faces are, and hardly changed elsewhere', async () => {
    if (tools === undefined) return;
    const limits = { limitPixels: 1e6, limitFrames: 1000, timeoutSeconds: 60 };
    const published = await probeClip(tools, at('clean', '000000000.mp4'), limits);
    const { thresholds, detected, clip } = await stored();
    const { tracksOf } = await built<typeof import('../../src/clips/first-pass.ts')>('clips/first-pass.js');
    const tracks = await tracksOf(detected, clip, { thresholds, detectEvery: 1 });
    let inside = 0;
    let outside = 0;
    for await (const { index, rgb } of decodeFrames(tools, published, { from: 0, to: 3 * SCENE })) {
      if (index % 20 !== 10) continue;
      const mask = maskOf(tracks, index);
      const source = frames[index]?.rgb.data as Uint8Array;
      const sums = { in: [0, 0], out: [0, 0] } as { in: [number, number]; out: [number, number] };
      for (let p = 0; p < mask.length; p++) {
        const sum = mask[p] === 1 ? sums.in : sums.out;
        sum[0] += Math.abs((rgb.data[3 * p] as number) - (source[3 * p] as number));
        sum[1]++;
      }
      inside += sums.in[0] / Math.max(1, sums.in[1]);
      outside += sums.out[0] / sums.out[1];
    }
    expect(inside).toBeGreaterThan(4 * outside);
  });

  it('that were killed half-way go on where they were, to the same bytes', async () => {
    const argsFor = (out: string): string[] => [
      ...[at('in', 'Ann Example.mp4'), '--out', at(out), ...OPTIONS],
      ...['--detect-every', '6', '--format', 'folder'],
    ];
    expect((await anonymize(argsFor('undisturbed'))).code).toBe(0);
    const work = at('killed.private', 'clips', '000000000');
    for (const moment of [/^detections-00000\.jsonl$/, /^segment-00000\.jsonl$/]) {
      const isReached = async (): Promise<boolean> =>
        (await readdir(work).catch(() => [])).some((file) => moment.test(file));
      await anonymize(argsFor('killed'), {
        started: (child: ChildProcess) => {
          const timer = setInterval(async () => {
            if (await isReached()) child.kill('SIGKILL');
          }, 20);
          child.on('exit', () => clearInterval(timer));
        },
      });
    }
    expect(await listing(work)).toContain('segment-00000.mkv');
    const resumed = await anonymize(argsFor('killed'));
    expect(resumed.stdout).toContain('1 of 1 clip anonymized');
    expect(await listing(at('killed'))).toEqual(await listing(at('undisturbed')));
    expect(await listing(at('killed'))).toContain('Ann Example.mp4');
    const sums = (folder: string) => readFile(at(folder, '_anonymize/SHA256SUMS'), 'utf8');
    expect(await sums('killed')).toBe(await sums('undisturbed'));
    expect((await anonymize(argsFor('killed'))).stdout).toContain('Complete already');
  }, 300_000);

  it('and images are not mixed, and options for images are refused', async () => {
    await write(at('photos'), { 'a.jpg': await photograph(1, 200) });
    const mixed = await anonymize([at('photos'), at('in', 'Ann Example.mp4'), '--out', at('mixed')]);
    expect(mixed.stderr).toContain('either images or clips');
    expect(mixed.code).toBe(2);
    for (const option of [['--encode', 'png'], ['--dali-index'], ['--labels', 'folders']]) {
      const { stderr, code } = await anonymize([at('in'), '--out', at('mixed'), ...option]);
      expect(stderr).toContain(`Expected no ${option[0]} with clips`);
      expect(code).toBe(2);
    }
    expect(await listing(at('mixed'))).toEqual([]);
  });
});

it('without ffmpeg, clips are refused in one sentence and images still work', async () => {
  const env = { FFMPEG_PATH: at('none'), FFPROBE_PATH: at('none') };
  await write(at('lone'), { 'a.mp4': 'no clip' });
  const clips = await anonymize([at('lone'), '--out', at('refused')], { env });
  expect(clips.stderr).toMatch(/^anonymize: Expected .*ff(mpeg|probe).*\n$/i);
  expect(clips.code).toBe(2);
  await write(at('one'), { 'a.jpg': await photograph(1, 200) });
  const images = await anonymize([at('one'), '--out', at('images'), '--preset', 'faces', '--quality', 'fast'], { env });
  expect(images.code).toBe(0);
  await rm(at('images'), { recursive: true });
});

/** What the private folder keeps of the first clip, and the thresholds of its run. */
async function stored(): Promise<{
  detected: DetectedFrame[];
  clip: ClipInfo;
  thresholds: Record<'face' | 'body' | 'plate' | 'text', number>;
}> {
  const folder = at('clean.private', 'clips', '000000000');
  const parts = await Promise.all([0, 1].map((i) => jsonLines(path.join(folder, `detections-0000${i}.jsonl`))));
  const { threshold } = await json(at('clean', '_anonymize/run.json'));
  return { detected: parts.flat(), clip: (await json(path.join(folder, 'clip.json'))).clip, thresholds: threshold };
}

/** What is redacted in a frame, without the growth of the policy. */
function maskOf(tracks: readonly Track[], frame: number): Uint8Array {
  return maskOfFaces(tracks.flatMap(({ from, boxes }) => boxes[frame - from] ?? []));
}

function maskOfFaces(faces: readonly Box[]): Uint8Array {
  const mask = new Uint8Array(WIDTH * HEIGHT);
  const detections = faces.map((box, track) => ({ label: 'face' as const, box, score: 1, model: 'track', track }));
  for (const region of planRegions(detections, policyOf('blur'), WIDTH, HEIGHT)) {
    rasterizeRegion(region, WIDTH, HEIGHT, mask);
  }
  return mask;
}

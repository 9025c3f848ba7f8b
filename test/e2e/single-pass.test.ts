import { spawn } from 'node:child_process';
import { cp, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { rasterizeRegion } from '../../src/redact/mask.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { probeClip } from '../../src/video/probe.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { policyOf } from '../redact/scenes.ts';
import { type FacesFrame, HEIGHT, movingFaces, shareMasked, WIDTH, writeClip } from '../video/moving-faces.ts';
import { anonymize, json, jsonLines, listing, type Piped, pipeThrough, sharedScratch, write } from './command.ts';

const COMMAND = fileURLToPath(new URL('../../bin/anonymize.cjs', import.meta.url));
const FAST = ['--preset', 'faces', '--quality', 'fast'];
const MARK = 'CANARY-Ann';
const LIMITS = { limitPixels: 1e6, limitFrames: 1000, timeoutSeconds: 100 };

const tools = await findFfmpeg().catch(() => undefined);
const scratch = await sharedScratch();
const at = (...names: string[]): string => path.join(scratch, ...names);

const SCENE = 30;
let frames: FacesFrame[];

/** Runs the command between two pipes; what it reads is written by `feed`. */
function filter(args: readonly string[], feed: Parameters<typeof pipeThrough>[1]): Promise<Piped> {
  return pipeThrough(['-', '--single-pass', '--out', '-', ...FAST, ...args], feed, { cwd: scratch });
}

describe.skipIf(tools === undefined)('clips in a single pass', () => {
  let mkv: Buffer;

  beforeAll(async () => {
    frames = await movingFaces(SCENE);
    const pictures = frames.map(({ rgb }) => rgb);
    await write(at('in'), { 'note.txt': MARK });
    writeClip(tools?.ffmpeg ?? '', at('in', `${MARK}.mp4`), pictures);
    await cp(at('in', `${MARK}.mp4`), at('in', 'zz-broken.mp4'));
    await truncate(at('in', 'zz-broken.mp4'), 30_000);
    writeClip(tools?.ffmpeg ?? '', at('stream.mkv'), pictures);
    mkv = await readFile(at('stream.mkv'));
  });

  it('are published and logged like others, with every face covered; a broken one is not', async () => {
    const args = [at('in'), '--out', at('clean'), '--single-pass', ...FAST, '--workers', '1', '--log-geometry', 'full'];
    const ran = await anonymize(args);
    expect(ran).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 of 2 clips anonymized and published, 90 frames'),
    });
    expect(ran.stderr).toContain('32 frames after it');
    expect(ran.stdout + ran.stderr).not.toContain('Ann');
    expect(await listing(at('clean'))).toEqual([
      '000000000.mp4',
      '_anonymize/SHA256SUMS',
      '_anonymize/redactions/000000000.jsonl',
      '_anonymize/redactions/000000001.jsonl',
      '_anonymize/run.json',
    ]);
    expect((await stat(at('clean.private'))).mode & 0o777).toBe(0o700);
    expect((await listing(at('clean.private'))).filter((file) => file.startsWith('clips/'))).toEqual([]);
    expect(await json(at('clean/_anonymize/run.json'))).toMatchObject({ lookAhead: 32, audio: 'drop' });
    const [record, ...rows] = await jsonLines(at('clean/_anonymize/redactions/000000000.jsonl'));
    expect(record).toMatchObject({ status: 'verified', frames: 3 * SCENE, width: WIDTH });
    expect(rows).toHaveLength(3 * SCENE);
    expect(
      rows.flatMap(({ regions }, i) => (frames[i]?.faces.every((face) => shareOf(face, regions) >= 0.9) ? [] : [i])),
    ).toEqual([]);
    expect((await anonymize(['verify', at('clean')])).stdout).toContain('Sound');
    expect((await anonymize(args)).stdout).toContain('Complete already');
    const again = await anonymize(['replay', at('clean.private'), '--out', at('again')]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is of a single pass') });
    const other = await anonymize([...args, '--look-ahead', '20']);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('look-ahead: 32 → 20') });
  }, 300_000);

  it('pass from pipe to pipe, to the same bytes, and nothing is kept', async () => {
    const before = await listing(scratch);
    const first = await filter(['--detect-every', '3'], mkv);
    expect(first.stderr).toContain('90 frames anonymized and written');
    expect(first.code).toBe(0);
    const again = await filter(['--detect-every', '3', '--quiet'], mkv);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout.equals(first.stdout)).toBe(true);
    expect(await listing(scratch)).toEqual(before);
    await writeFile(at('passed.mkv'), first.stdout);
    if (tools === undefined) return;
    const clip = await probeClip(tools, at('passed.mkv'), LIMITS);
    expect(clip).toMatchObject({ container: 'mkv', codec: 'h264', width: WIDTH, height: HEIGHT, dropped: {} });
    expect(clip.pts).toEqual(Array.from({ length: 90 }, (_, i) => i * 40));
  }, 300_000);

  it('end where the input is cut off, in one sentence', async () => {
    const { code, stderr, stdout } = await filter(['--detect-every', '9', '--json'], mkv.subarray(0, mkv.length * 0.8));
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nanonymize: Expected .*; the output is cut off after at most \d+ frames\n$/);
    expect(JSON.parse(stderr.slice(stderr.indexOf('{'), stderr.lastIndexOf('}') + 1))).toMatchObject({
      status: 'failed',
      stage: 'decode',
    });
    expect(stdout.length).toBeGreaterThan(0);
  });

  it.each([
    ['nothing', Buffer.alloc(0), /received 0 bytes; nothing was written\n$/],
    ['a tar', Buffer.alloc(10_240, 'a.jpg\0'), /Expected mp4, mov, mkv, webm or avi; nothing was written\n$/],
  ])('are refused when they are %s', async (_, input, message) => {
    expect(await filter([], input)).toMatchObject({
      code: 1,
      stdout: Buffer.alloc(0),
      stderr: expect.stringMatching(message),
    });
  });

  it('stop when their reader has gone, although more is to come', async () => {
    const { code, stderr } = await filter(['--detect-every', '9'], (child) => {
      child.stdout?.destroy();
      child.stdin?.write(mkv);
    });
    expect(stderr).toContain('Expected to write standard output but its reader has gone away (EPIPE)');
    expect(code).toBe(2);
  });

  it('end whole at a signal, without the frames that were not looked ahead of', async () => {
    const { code, stdout, stderr } = await filter(['--detect-every', '9', '--look-ahead', '20'], (child) => {
      child.stdin?.write(mkv);
      child.stdout?.once('data', () => setTimeout(() => child.kill('SIGINT'), 1000));
    });
    expect(stderr).toContain('Interrupted: the output ends with the last frame');
    expect(code).toBe(130);
    await writeFile(at('interrupted.mkv'), stdout);
    if (tools === undefined) return;
    const clip = await probeClip(tools, at('interrupted.mkv'), LIMITS);
    expect(stderr).toContain(`${clip.pts.length} frame`);
    expect(clip.pts.length).toBeLessThanOrEqual(70);
  });

  it.each([
    [
      ['in.mkv', '--single-pass', '--out', '-'],
      /Expected "-" as the only input and --out - .* but received in.mkv and --out -/,
    ],
    [['-', '--single-pass', '--out', 'x'], /received - and --out x/],
    [
      ['-', '--single-pass', '--out', '-', '--private-dir', 'x'],
      /Expected no --private-dir for a clip from standard input/,
    ],
    [['-', '--single-pass', '--out', '-', '--log-geometry', 'full'], /Expected no --log-geometry for a clip/],
    [['-', '--single-pass', '--out', '-', '--audio', 'mask'], /Expected no sound with --single-pass, .* --audio mask/],
    [['in', '--single-pass', '--out', 'x', '--audio', 'keep'], /Expected no sound with --single-pass, .* --audio keep/],
    [['in', '--single-pass', '--out', 'x', '--boxes', 'boxes.jsonl'], /Expected no --boxes with --single-pass/],
    [['in', '--out', 'x', '--look-ahead', '9'], /Expected --single-pass with --look-ahead/],
    [
      ['in', '--out', 'x', '--single-pass', '--look-ahead', '4'],
      /Expected a whole number from 5 to 1000 for --look-ahead but received/,
    ],
  ])('refuse %j, with nothing written', async (args, message) => {
    const before = await listing(scratch);
    expect(await anonymize(args, { cwd: scratch })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    expect(await listing(scratch)).toEqual(before);
  });

  it('are asked for by their option', async () => {
    const child = await new Promise<Piped>((resolve) => {
      const plain = spawn(process.execPath, [COMMAND, '-', '--out', '-', ...FAST], { cwd: scratch });
      let stderr = '';
      plain.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      plain.stdin.on('error', () => undefined);
      plain.on('close', (code) => resolve({ code, stdout: Buffer.alloc(0), stderr }));
      plain.stdin.end(mkv);
    });
    expect(child).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('received a clip; --single-pass reads one'),
    });
  });
});

type Box = FacesFrame['faces'][number];

/** Share of the pixels of a face within the frame that lie in regions of the log. */
function shareOf(face: Box, regions: readonly { readonly box: readonly [number, number, number, number] }[]): number {
  const mask = new Uint8Array(WIDTH * HEIGHT);
  const boxes = regions.map(({ box: [x, y, width, height] }) => ({ x1: x, y1: y, x2: x + width, y2: y + height }));
  const found = boxes.map((box, track) => ({ label: 'face' as const, box, score: 1, model: 'log', track }));
  for (const region of planRegions(found, policyOf('blur'), WIDTH, HEIGHT))
    rasterizeRegion(region, WIDTH, HEIGHT, mask);
  return shareMasked(face, mask);
}

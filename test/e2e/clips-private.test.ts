import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import { privateLines } from '../../src/io/private-lines.ts';
import { openSeal } from '../../src/io/seal.ts';
import { readSecret } from '../../src/io/secret.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { placesOf } from '../fixtures/canary-search.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { movingFaces, writeClip } from '../video/moving-faces.ts';
import { anonymize, json, jsonLines, listing, type Ran, type RunOptions, sharedScratch, watched } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const NAME = 'CANARY-5b1f0c';
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1'];
/** A key, since a passphrase takes seconds to try: those are tested with images, whose folder is the same. */
const SECRET = ['--private-key-file', 'key.txt'];
/** Frames of each of three scenes. */
const SCENE = 9;
const FRAMES = 3 * SCENE;

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  anonymize(args, { cwd: root, env: { TMPDIR: at('tmp'), TEMP: at('tmp') }, ...options });
const sums = (out: string): Promise<string> => readFile(at(out, '_anonymize/SHA256SUMS'), 'utf8');
const log = (out: string, key = '000000000') => jsonLines(at(out, `_anonymize/redactions/${key}.jsonl`));

/** Logs of an encrypted folder, as its owner reads them. */
async function opened(folder: string, ...names: readonly string[]) {
  const seal = await openSeal(at(folder), await readSecret({ privateKeyFile: at('key.txt') }));
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they know to be there
  const logs: any[][] = [];
  for (const name of names) {
    const rows: unknown[] = [];
    for await (const line of privateLines(at(folder), name, seal)) rows.push(JSON.parse(line));
    logs.push(rows);
  }
  return logs;
}

let seen: Map<string, Buffer>;
let identity: string;

describe.skipIf(tools === undefined)('the private folder of clips', () => {
  beforeAll(async () => {
    await mkdir(at('tmp'));
    await mkdir(at('in', NAME), { recursive: true });
    identity = await generateX25519Identity();
    await writeFile(at('key.txt'), `${identity}\n`);
    await writeFile(at('wrong.txt'), `${await generateX25519Identity()}\n`);
    const frames = (await movingFaces(SCENE)).map(({ rgb }) => rgb);
    writeClip(tools?.ffmpeg ?? '', at('in', NAME, 'anna.mp4'), frames);
    await cp(at('in', NAME, 'anna.mp4'), at('in', NAME, 'broken.mp4'));
    await truncate(at('in', NAME, 'broken.mp4'), 9000);
    const first = await watched(at(), run(['in', '--out', 'out', ...FAST, ...SECRET]));
    ({ seen } = first);
    expect(first.result).toMatchObject({ code: 1, stdout: expect.stringContaining('1 of 2 clips anonymized') });
  }, 300_000);

  it('never holds a readable byte but of redacted pictures, nor does any other folder', async () => {
    expect(await listing(at('out.private'))).toEqual([
      'clips/000000000/clip.json.age',
      'clips/000000000/detections-00000.jsonl.age',
      'key.age',
      'quarantine.jsonl.age',
      'run.json.age',
      'sources.jsonl.age',
    ]);
    const inside = [...seen].filter(([name]) => name.startsWith('out.private/'));
    const pictures = inside.filter(([name]) => /segment-\d+\.mkv/.test(name));
    expect(pictures.length).toBeGreaterThan(0);
    expect(inside.some(([name]) => name.includes('segment-00000.jsonl.age'))).toBe(true);
    for (const [name, bytes] of inside.filter((file) => !pictures.includes(file))) {
      const isSealed = '-----BEGIN AGE ENCRYPTED FILE-----\n'.startsWith(bytes.subarray(0, 35).toString());
      expect(isSealed, name).toBe(true);
    }
    const written = new Map([...seen].filter(([name]) => !/^(in|key|wrong)/.test(name)));
    for (const text of [NAME, 'anna', identity, '"frame":', '"policy":', '"detections":', 'AGE-SECRET-KEY']) {
      const isPublic = ['"frame":', '"policy":'].includes(text);
      const places = placesOf(written, text).filter((place) => !isPublic || !place.startsWith('out/'));
      expect(places, text).toEqual([]);
    }
    expect(await listing(at('tmp'))).toEqual([]);
  });

  it('tells its owner what a plain one tells', async () => {
    const clips = ['anna.mp4', 'broken.mp4'].map((name) => at('in', NAME, name));
    const [sources, quarantine] = await opened('out.private', 'sources.jsonl', 'quarantine.jsonl');
    expect(sources?.map(({ source }) => source)).toEqual(clips);
    expect(quarantine).toMatchObject([{ key: '000000001', source: clips[1] }]);
  });

  it.each([
    [['--private-key-file', 'wrong.txt'], /Expected the key of .*wrong.txt to open .*out.private/],
    [[], /Expected --private-passphrase-file, .* is encrypted, but received none/],
  ])('is not opened with %j, and nothing changes', async (secret, message) => {
    const before = await filesIn(at('out.private'));
    for (const command of [
      ['in', '--out', 'out', ...FAST],
      ['replay', 'out.private', '--out', 'never'],
    ]) {
      const ran = await run([...command, ...secret]);
      expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
      expect(ran.stderr).not.toContain('AGE-SECRET-KEY-1');
    }
    expect(await filesIn(at('out.private'))).toEqual(before);
    expect(await listing(at('never'))).toEqual([]);
  });

  it('goes on after a kill with the same secret, to the same bytes', async () => {
    const again = ['in', '--out', 'killed', ...FAST];
    const work = at('killed.private', 'clips', '000000000');
    await run([...again, ...SECRET], {
      started: (child) => {
        const timer = setInterval(async () => {
          const names = await readdir(work).catch((): string[] => []);
          if (names.includes('detections-00000.jsonl.age')) child.kill('SIGKILL');
        }, 10);
        child.on('exit', () => clearInterval(timer));
      },
    });
    expect(await listing(at('killed'))).not.toContain('000000000.mp4');
    expect(await run(again)).toMatchObject({ code: 2, stderr: expect.stringContaining('is encrypted') });
    expect(await run([...again, ...SECRET, '--seed', '7'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('seed: 0 → 7'),
    });
    expect(await run([...again, ...SECRET])).toMatchObject({ code: 1 });
    expect(await sums('killed')).toBe(await sums('out'));
    expect(placesOf(await filesIn(at('killed.private')), NAME)).toEqual([]);
  }, 300_000);

  it('redacts again: with nothing said to the same bytes, into a folder as encrypted', async () => {
    const first = await watched(at('again.private'), run(['replay', 'out.private', '--out', 'again', ...SECRET]));
    expect(first.result).toMatchObject({ code: 1, stderr: expect.stringContaining('redacting again: face') });
    expect(await sums('again')).toBe(await sums('out'));
    expect(await json(at('again/_anonymize/run.json'))).toMatchObject({ detections: 'stored' });
    expect(placesOf(first.seen, NAME)).toEqual([]);
    expect(await listing(at('again.private'))).toEqual(await listing(at('out.private')));
    expect(await run(['verify', 'again'])).toMatchObject({ code: 0 });
  });

  it('redacts again with other modes and corrections as a run with them does, in whatever order they stand', async () => {
    const frame = SCENE + Math.floor(SCENE / 2);
    const face = (await log('out'))[1 + frame].regions[0];
    const [x, y, w, h] = face.box;
    const lines = [
      `{"file":"${NAME}/anna.mp4","action":"add","class":"face","from":0,"to":3,"box":[300,150,40,40]}`,
      `{"key":"000000000","action":"remove","class":"face","frame":${frame},"at":[${x + w / 2},${y + h / 2}]}`,
    ];
    await writeFile(at('c.jsonl'), lines.join('\n'));
    const strays = [`{"key":"000000000","action":"remove","class":"face","frame":999,"at":[1,1]}`];
    await writeFile(at('strays.jsonl'), [...lines.toReversed(), ...strays].join('\n'));
    const solid = ['--redact', 'face=solid', '--corrections'];
    const one = at('in', NAME, 'anna.mp4');
    await mkdir(at('one', NAME), { recursive: true });
    await cp(one, at('one', NAME, 'anna.mp4'));
    expect(await run(['one', '--out', 'run', ...FAST, ...solid, 'c.jsonl'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 track removed by review, 1 added, 0 changed\n'),
    });
    const replayed = await run([
      'replay',
      'run.private',
      '--out',
      'blur',
      '--redact',
      'face=blur',
      ...solid.slice(2),
      'c.jsonl',
    ]);
    expect(replayed).toMatchObject({ code: 0 });
    const back = await run(['replay', 'blur.private', '--out', 'solid', ...solid, 'strays.jsonl']);
    expect(back).toMatchObject({ code: 1, stdout: expect.stringContaining('line 3: found no face to remove there') });
    expect(await sums('solid')).toBe(await sums('run'));
    expect(await sums('solid')).not.toBe(await sums('blur'));
    const [record, ...rows] = await log('solid');
    expect(record.frames).toBe(FRAMES);
    expect(rows[0].regions).toContainEqual(expect.objectContaining({ origin: 'review', mode: 'solid' }));
    const tracksIn = (lines: { regions: { track: number }[] }[]): number[] =>
      [...new Set(lines.flatMap(({ regions }) => regions.map(({ track }) => track)))].sort((a, b) => a - b);
    const before = (await log('out')).slice(1);
    expect(rows[frame].regions).toHaveLength(before[frame].regions.length - 1);
    expect(tracksIn(rows)).toHaveLength(tracksIn(before).length);
    expect(tracksIn(rows).at(-1)).toBe(tracksIn(before).length);
    expect(await run(['verify', 'solid'])).toMatchObject({ code: 0 });
    expect(await run(['replay', 'run.private', '--out', 'never'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected --corrections, since the earlier run had some'),
    });
    expect(await run(['one', '--out', 'run', ...FAST, ...solid, 'strays.jsonl'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('corrections: '),
    });
    expect(
      await run(['replay', 'run.private', '--out', 'never', ...solid, 'c.jsonl', '--detect-every', '2']),
    ).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected no --detect-every for a replay'),
    });
  }, 300_000);

  it('knows what has changed or is gone since, which is not published', async () => {
    await cp(at('one'), at('moved'), { recursive: true });
    await cp(at('run.private'), at('moved.private'), { recursive: true });
    const sources = at('moved.private/sources.jsonl');
    await writeFile(sources, (await readFile(sources, 'utf8')).replaceAll(at('one'), at('moved')));
    const file = at('moved', NAME, 'anna.mp4');
    await writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(8)]));
    const replay = (out: string) => run(['replay', 'moved.private', '--out', out, '--corrections', 'c.jsonl']);
    expect(await replay('late')).toMatchObject({ code: 1 });
    expect(await log('late')).toMatchObject([{ stage: 'read', reason: 'source-changed' }]);
    await rm(file);
    expect(await replay('later')).toMatchObject({ code: 1, stdout: expect.stringContaining('clip was not published') });
    expect(await log('later')).toMatchObject([{ stage: 'read', reason: 'source-gone' }]);
    await rm(at('moved.private/clips/000000000/detections-00000.jsonl'));
    expect(await replay('latest')).toMatchObject({ code: 1 });
    expect(await log('latest')).toMatchObject([{ stage: 'detect', reason: 'no-detections' }]);
  });

  it('is forgotten without its key', async () => {
    const done = await run(['forget', 'killed.private', '--yes']);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('Deleted killed.private') });
    expect(await listing(at('killed.private'))).toEqual([]);
    expect(await run(['verify', 'killed'])).toMatchObject({ code: 0 });
  });
});

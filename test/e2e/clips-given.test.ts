import { createHmac } from 'node:crypto';
import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { beginClips } from '../../src/clips/withdrawal-steps.ts';
import { findFfmpeg } from '../../src/video/tools.ts';
import { placesOf } from '../fixtures/canary-search.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { ground, writeClip } from '../video/moving-faces.ts';
import { anonymize, json, jsonLines, listing, type Ran, sharedScratch, write } from './command.ts';

const tools = await findFfmpeg().catch(() => undefined);
const FRAMES = 6;
const [WIDTH, HEIGHT] = [96, 64];

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
const log = (out: string, key: string) => jsonLines(at(out, `_anonymize/redactions/${key}.jsonl`));
const sums = (out: string): Promise<string> => readFile(at(out, '_anonymize/SHA256SUMS'), 'utf8');
const ARGS = ['in', '--out', 'out', '--boxes', 'boxes.jsonl', '--workers', '1', '--log-geometry', 'full'];

/** Without a detector: quick, and exactly what is given. */
describe.skipIf(tools === undefined)('clips with --boxes', () => {
  beforeAll(async () => {
    const frames = Array.from({ length: FRAMES }, (_, i) => ground(WIDTH, HEIGHT, i * 4, 1));
    const line = (file: string, from: number, to: number, ...boxes: object[]) =>
      `${JSON.stringify({ file: `${file}.mp4`, from, to, boxes })}\n`;
    const plate = { class: 'plate', x: 8, y: 16, w: 32, h: 12, track: 5 };
    await write(root, {
      'in/note.txt': '',
      'boxes.jsonl': [
        ...[line('anna', 0, 3, plate), line('anna', 4, 5), line('bert', 0, 5, plate)],
        ...[line('holes', 0, 3, plate), line('outside', 0, 5, { ...plate, x: 900 }), line('stray', 0, 5)],
      ].join(''),
    });
    for (const name of ['anna', 'bert', 'holes', 'none', 'outside']) {
      writeClip(tools?.ffmpeg ?? '', at('in', `${name}.mp4`), frames);
    }
    const ran = await run(...ARGS);
    expect(ran).toMatchObject({ code: 1, stdout: expect.stringContaining('2 of 5 clips anonymized and published') });
    for (const notice of ['1 clip has no entry in --boxes and will not be published', '1 name in --boxes of no clip'])
      expect(ran.stderr).toContain(`Note: ${notice}\n`);
  }, 200_000);

  it('are redacted there and nowhere else, and held back where an entry is missing', async () => {
    const [record, ...rows] = await log('out', '000000000');
    expect(record).toMatchObject({
      models: expect.arrayContaining(['plate:boxes@given']),
      counts: { plate: 1, face: 0 },
    });
    const plate = { class: 'plate', box: [8, 16, 32, 12], origin: 'given' };
    expect(rows).toMatchObject(Array.from({ length: FRAMES }, (_, i) => ({ regions: i < 4 ? [plate] : [] })));
    for (const [key, reason] of [
      ['000000002', 'no-boxes'],
      ['000000003', 'no-boxes'],
      ['000000004', 'box-outside'],
    ] as const) {
      expect(await log('out', key)).toMatchObject([{ status: 'quarantined', stage: 'detect', reason }]);
    }
    expect(await run('verify', 'out')).toMatchObject({ code: 0 });
  });

  it('are replayed to the same bytes, and refuse other boxes for the same output', async () => {
    expect(await run('replay', 'out.private', '--out', 'again')).toMatchObject({ code: 1 });
    expect(await sums('again')).toBe(await sums('out'));
    await write(root, { 'other.jsonl': '{"file":"anna.mp4","from":0,"to":5,"boxes":[]}' });
    expect(await run(...ARGS, '--boxes', 'other.jsonl')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('boxes: '),
    });
    await write(root, { 'stray.jsonl': '{"file":"zoe.mp4","frame":0,"boxes":[]}' });
    expect(await run('in', '--out', 'never', '--boxes', 'stray.jsonl')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected boxes for clips of the input'),
    });
  });

  it('are done again with --retry-failed where they were held back, and only there', async () => {
    const good = await readFile(at('in/bert.mp4'));
    const torn = ['in', '--out', 'torn', ...ARGS.slice(3)];
    await writeFile(at('in/bert.mp4'), good.subarray(0, 900));
    expect(await run(...torn)).toMatchObject({ code: 1, stdout: expect.stringContaining('1 of 5 clips') });
    await writeFile(at('in/bert.mp4'), good);
    const first = await stat(at('torn/000000000.mp4'));
    expect(await run(...torn)).toMatchObject({ code: 1, stdout: expect.stringContaining('Complete already: 1 of 5') });
    const ran = await run(...torn, '--retry-failed');
    expect(ran).toMatchObject({ code: 1, stdout: expect.stringContaining('2 of 5 clips anonymized and published') });
    expect(ran.stdout).toContain('1 clip of them by an earlier run');
    expect(await stat(at('torn/000000000.mp4'))).toMatchObject({ mtimeMs: first.mtimeMs });
    expect(await sums('torn')).toBe(await sums('out'));
    expect(await readFile(at('torn.private/quarantine.jsonl'), 'utf8')).toBe(
      await readFile(at('out.private/quarantine.jsonl'), 'utf8'),
    );
    expect(await run('verify', 'torn')).toMatchObject({ code: 0 });
  });

  it('have source ids that only the private folder can make, which a replay and another attempt keep', async () => {
    const ids = ['in', '--out', 'ids', ...ARGS.slice(3), '--source-ids'];
    expect(await run(...ids)).toMatchObject({ code: 1 });
    const key = Buffer.from((await readFile(at('ids.private/source-ids.key'), 'utf8')).trim(), 'hex');
    expect((await stat(at('ids.private/source-ids.key'))).mode & 0o777).toBe(0o600);
    const hmac = async (name: string): Promise<string> =>
      createHmac('sha256', key)
        .update(await readFile(at('in', name)))
        .digest('hex');
    const [first] = await log('ids', '000000000');
    expect(first.source_id).toBe(await hmac('anna.mp4'));
    expect(await log('ids', '000000002')).toMatchObject([{ status: 'quarantined' }]);
    expect(await run('verify', 'ids')).toMatchObject({ code: 0 });

    expect(await run('replay', 'ids.private', '--out', 'ids-again')).toMatchObject({ code: 1 });
    expect(await sums('ids-again')).toBe(await sums('ids'));
    await rm(at('ids/000000001.mp4'));
    expect(await run(...ids)).toMatchObject({ code: 1 });
    expect((await log('ids', '000000001'))[0].source_id).toBe(await hmac('bert.mp4'));
    expect(await run(...ids.slice(0, -1))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('source-ids: true → false'),
    });
  });

  it('are withdrawn for good, also after a withdrawal that was cut short', async () => {
    for (const end of ['', '.private']) await cp(at(`out${end}`), at(`killed${end}`), { recursive: true });
    const planned = await run('withdraw', 'out', '--source', 'bert.mp4', '--dry-run');
    expect(planned).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Would withdraw 1 clip:\n {2}000000001 {2}published\n/),
    });
    const done = await run('withdraw', 'out', '--source', 'bert.mp4', '--source', '000000003', '--yes', '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ status: 'withdrawn', version: 2, shards: [] });
    expect(await listing(at('out'))).not.toContain('000000001.mp4');
    expect(await log('out', '000000001')).toEqual([{ v: 1, key: '000000001', status: 'withdrawn' }]);
    expect(await listing(at('out.private'))).toEqual([
      'clips/000000000/clip.json',
      'clips/000000000/detections-00000.jsonl',
      'quarantine.jsonl',
      'run.json',
      'sources.jsonl',
      'withdrawn.jsonl',
    ]);
    for (const gone of ['bert', 'none.mp4']) expect(placesOf(await filesIn(at('out.private')), gone)).toEqual([]);
    expect(await json(at('out/_anonymize/run.json'))).toMatchObject({ published: 1, rejected: 2, withdrawn: 2 });
    expect(await run('verify', 'out')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Sound: 1 clip, 2 not published, 2 withdrawn/),
    });

    const out = at('killed');
    const published = { out, privateDir: `${out}.private`, run: {}, total: 5, seal: undefined };
    await beginClips(published, [1, 3], [{ text: 'bert.mp4', where: '--source' }]);
    await rm(at('killed', '000000001.mp4'));
    for (const command of [
      [...ARGS, '--out', 'killed'],
      ['replay', 'killed.private', '--out', 'never'],
      ['forget', 'killed.private', '--yes'],
    ]) {
      expect(await run(...command)).toMatchObject({ code: 2, stderr: expect.stringContaining('cut short') });
    }
    expect(await run('withdraw', 'killed', '--yes')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Ended/),
    });
    expect(await sums('killed')).toBe(await sums('out'));
  });

  it('stay withdrawn: for a run that goes on, for a log that was lost, and for a replay', async () => {
    const before = await filesIn(at('out'));
    expect(await run(...ARGS)).toMatchObject({ code: 1, stdout: expect.stringContaining('2 clips withdrawn\n') });
    expect(await filesIn(at('out'))).toEqual(before);
    await writeFile(at('out/_anonymize/redactions/000000001.jsonl'), '');
    await rm(at('out/000000000.mp4'));
    expect(await run(...ARGS)).toMatchObject({ code: 1 });
    expect(await filesIn(at('out'))).toEqual(before);
    expect(await run('replay', 'out.private', '--out', 'late', '--quiet')).toMatchObject({ code: 1 });
    expect(await log('late', '000000001')).toMatchObject([{ stage: 'read', reason: 'withdrawn' }]);
    expect(await run(...ARGS, '--overwrite')).toMatchObject({ code: 2, stderr: expect.stringContaining('withdrawn') });
  });
});

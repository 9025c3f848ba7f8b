import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize([...args, '--workers', '1'], { cwd: root });
const FACES = ['--preset', 'faces', '--quality', 'fast', '--samples-per-shard', '2'];
const replay = (...args: string[]): Promise<Ran> => run('replay', ...args);

/** All files of an output but those that tell of the run itself. */
async function published(out: string): Promise<Map<string, Buffer>> {
  const files = await filesIn(at(out));
  return new Map([...files].filter(([name]) => !/_stats\.json$|^_anonymize\/run\.json$/.test(name)));
}

const records = (out: string, shard = '00000') => jsonLines(at(out, `_anonymize/redactions/${shard}.jsonl`));

beforeAll(async () => {
  const photos = await Promise.all([1, 2, 3].map((n) => photograph(n, 240)));
  await write(at('in'), { 'a.jpg': photos[0] as Buffer, 'b/b.jpg': photos[1] as Buffer, 'c.jpg': 'no picture' });
  const members = photos.map((body, i) => ({ header: { name: `${i}.jpg`, size: body.length }, body }));
  const labels = photos.map((_, i) => ({ header: { name: `${i}.cls`, size: 1 }, body: Buffer.from(`${i}`) }));
  await writeFile(at('in.tar'), await packTar(members.flatMap((member, i) => [member, labels[i] ?? member])));
  expect(await run('in', '--out', 'first', ...FACES)).toMatchObject({ code: 1 });
});

describe('replay', () => {
  it('with nothing said gives the same bytes, private logs too, and can be replayed itself', async () => {
    expect(await replay('first.private', '--out', 'again')).toMatchObject({ code: 1 });
    expect(await published('again')).toEqual(await published('first'));
    expect(await filesIn(at('again.private'))).toEqual(await filesIn(at('first.private')));
    expect((await stat(at('again.private/run.json'))).mode & 0o777).toBe(0o600);
    expect(await json(at('again/_anonymize/run.json'))).toMatchObject({ detections: 'stored' });
    expect(await anonymize(['verify', 'again'], { cwd: root })).toMatchObject({ code: 0 });
  });

  it('gives what a run of these modes gives: synthetic faces, from a tar with labels', async () => {
    expect(await run('in.tar', '--out', 'tar', ...FACES)).toMatchObject({ code: 0 });
    expect(await run('in.tar', '--out', 'drawn', ...FACES, '--redact', 'synthetic')).toMatchObject({ code: 0 });
    expect(await replay('tar.private', '--out', 'drawn-again', '--redact', 'synthetic')).toMatchObject({ code: 0 });
    expect(await published('drawn-again')).toEqual(await published('drawn'));
  });

  it('takes other modes, growth and thresholds, and says what it has no detections for', async () => {
    const [before] = await records('first');
    expect(
      await replay('first.private', '--out', 'solid', '--redact', 'face=solid', '--threshold', 'face=0.88'),
    ).toMatchObject({ code: 1 });
    const [after] = await records('solid');
    expect(after.regions.map((r: { mode: string }) => r.mode)).toContain('solid');
    expect(after.counts.face).toBeLessThan(before.counts.face);
    expect(after.policy).not.toBe(before.policy);
    for (const [args, message] of [
      [['--threshold', 'face=0.01'], /Expected at least 0\.\d+ for --threshold face, from which score on/],
      [['--classes', 'face,text'], /Expected classes that the earlier run looked for \(face\) but received text/],
      [['--quality', 'max'], /unknown option '--quality'/],
      [['--private-dir', 'first.private'], /--private-dir/],
    ] as const) {
      expect(await replay('first.private', '--out', 'never', ...args)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(message),
      });
    }
    expect(await replay('in', '--out', 'never')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('run.json'),
    });
  });

  it('quarantines what is gone or has changed; a folder of the first versions cannot tell a change', async () => {
    await write(at('moving'), { 'a.jpg': await photograph(1, 200), 'b.jpg': await photograph(2, 200) });
    expect(await run('moving', '--out', 'moved', ...FACES)).toMatchObject({ code: 0 });
    await writeFile(at('moving/a.jpg'), await photograph(1, 220));
    await rm(at('moving/b.jpg'));
    expect(await replay('moved.private', '--out', 'late')).toMatchObject({ code: 1 });
    expect(await records('late')).toMatchObject([{ reason: 'source-changed' }, { reason: 'source-gone' }]);

    const sources = at('moved.private/sources.jsonl');
    const old = (await jsonLines(sources)).map(({ key, source }) => `${JSON.stringify({ key, source })}\n`);
    await writeFile(sources, old.join(''));
    await rm(at('moved.private/run.json'));
    expect(await replay('moved.private', '--out', 'old')).toMatchObject({ code: 1 });
    expect(await records('old')).toMatchObject([{ status: 'verified' }, { reason: 'source-gone' }]);
  });
});

describe('--boxes', () => {
  it('redacts what is given, holds back what has no entry, and names what matches nothing', async () => {
    await write(root, {
      'boxes.jsonl': [
        '{"file":"a.jpg","boxes":[{"class":"plate","x":40,"y":40,"w":64,"h":32}]}',
        '{"file":"b/b.jpg","boxes":[]}',
        '{"file":"z.jpg","boxes":[]}',
      ].join('\n'),
    });
    const ran = await run('in', '--out', 'given', '--boxes', 'boxes.jsonl', '--log-geometry', 'full');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('Note: 1 image has no entry in --boxes and will not be published\n');
    expect(ran.stderr).toContain('Note: 1 image has an empty list in --boxes: published with nothing redacted\n');
    expect(ran.stderr).toContain('Note: --boxes has 1 name of no image\n');
    expect(await records('given')).toMatchObject([
      {
        models: expect.arrayContaining(['plate:boxes@given']),
        regions: [{ class: 'plate', box: [40, 40, 64, 32], origin: 'given' }],
      },
      { status: 'verified', regions: [] },
      { status: 'quarantined', stage: 'detect', reason: 'no-boxes' },
    ]);
    expect(await anonymize(['verify', 'given'], { cwd: root })).toMatchObject({ code: 0 });
    expect(await replay('given.private', '--out', 'given-again')).toMatchObject({ code: 1 });
    expect(await published('given-again')).toEqual(await published('given'));
  });

  it('refuses what makes no sense, and other boxes for the same output', async () => {
    await write(root, {
      'wrong.jsonl': '{"file":"a.jpg","boxes":[{"class":"plate","x":40}]}',
      'other.jsonl': '{"file":"a.jpg","boxes":[]}',
      'outside.jsonl': '{"file":"a.jpg","boxes":[{"class":"face","x":900,"y":0,"w":9,"h":9}]}',
      'none.jsonl': '{"file":"z.jpg","boxes":[]}',
    });
    for (const [args, message] of [
      [['--boxes', 'wrong.jsonl'], /wrong\.jsonl: line 1: boxes\.0: expected x, y, w and h/],
      [['--boxes', 'none.jsonl'], /Expected boxes for images of the input in .* none by their names/],
      [['--boxes', 'missing.jsonl'], /missing\.jsonl/],
      [['--boxes', 'boxes.jsonl', '--threshold', 'face=0.5'], /Expected no --threshold with --boxes/],
    ] as const) {
      expect(await run('in', '--out', 'never', ...args)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(message),
      });
    }
    expect(await run('in', '--out', 'given', '--log-geometry', 'full', '--boxes', 'other.jsonl')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('boxes: '),
    });
    expect(await run('in/a.jpg', '--out', 'outside', '--boxes', 'outside.jsonl')).toMatchObject({ code: 1 });
    expect(await records('outside')).toMatchObject([{ stage: 'detect', reason: 'box-outside' }]);
  });
});

describe('--corrections', () => {
  it('are applied by a run and by a replay alike, in any order; what addresses nothing is told', async () => {
    const [, second] = await jsonLines(at('first.private/detections.jsonl'));
    const { x1, y1, x2, y2 } = second.detections[0].box;
    const lines = [
      '{"file":"a.jpg","action":"add","class":"face","box":[0,0,40,40]}',
      JSON.stringify({ key: second.key, action: 'remove', class: 'face', at: [(x1 + x2) / 2, (y1 + y2) / 2] }),
    ];
    await write(root, {
      'c.jsonl': lines.join('\n'),
      'reversed.jsonl': lines.toReversed().join('\n'),
      'nothing.jsonl': [...lines, '{"file":"a.jpg","action":"remove","class":"face","at":[239,1]}'].join('\n'),
    });
    const ran = await run('in', '--out', 'reviewed', ...FACES, '--corrections', 'c.jsonl');
    expect(ran.stdout).toContain('1 region removed by review, 1 added, 0 changed\n');
    const [first, corrected] = await records('reviewed');
    const [plain, uncorrected] = await records('first');
    expect(first.counts.face).toBe(plain.counts.face + 1);
    expect(first.regions.filter((r: { origin: string }) => r.origin === 'review')).toHaveLength(1);
    expect(corrected.counts.face).toBe(uncorrected.counts.face - 1);
    expect(await anonymize(['verify', 'reviewed'], { cwd: root })).toMatchObject({ code: 0 });

    expect(await replay('first.private', '--out', 'reviewed-again', '--corrections', 'reversed.jsonl')).toMatchObject({
      code: 1,
    });
    expect(await published('reviewed-again')).toEqual(await published('reviewed'));
    expect(await replay('reviewed.private', '--out', 'never')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected --corrections, since the earlier run had some'),
    });
    const stray = await replay('first.private', '--out', 'stray', '--corrections', 'nothing.jsonl');
    expect(stray).toMatchObject({ code: 1, stdout: expect.stringContaining('line 3: found no face to remove there') });
    const bytes = await readFile(at('stray/00000.tar'));
    expect(bytes).toEqual(await readFile(at('reviewed/00000.tar')));
  });
});

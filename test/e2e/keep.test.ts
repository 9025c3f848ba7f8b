import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packTar, unpackTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { placesOf } from '../fixtures/canary-search.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--samples-per-shard', '2'];
const KEEP = ['--keep', 'txt,json.label,seg.npy'];
const CANARY = 'CANARY-7q3x91';

async function members(out: string, shard = '00000'): Promise<[string, string][]> {
  const entries = await unpackTar(await readFile(at(out, `${shard}.tar`)));
  return entries.map(({ header, data }) => [
    header.name,
    /\.(jpg|json)$/.test(header.name) && !header.name.endsWith('labels.json') ? '' : Buffer.from(data ?? []).toString(),
  ]);
}

/** All files of an output but those that tell of the run itself. */
async function published(out: string): Promise<Map<string, Buffer>> {
  const files = await filesIn(at(out));
  return new Map([...files].filter(([name]) => !/_stats\.json$|^_anonymize\/run\.json$/.test(name)));
}

beforeAll(async () => {
  const rows: [string, string | Buffer][] = [
    ['x.jpg', await photograph(1, 200)],
    ['x.txt', 'a dog'],
    ['x.json', JSON.stringify({ label: 3, url: `https://${CANARY}`, [CANARY]: 1 })],
    ['x.seg.npy', 'numbers'],
    ['y.json', JSON.stringify({ label: null })],
    ['y.jpg', await photograph(2, 200)],
    ['y.seg.npy', 'more numbers'],
    ['y.author', CANARY],
    ['z.jpg', await photograph(3, 200)],
    ['z.txt', 'large'],
    ['z.seg.npy', 'n'.repeat(70_000)],
    ['q.jpg', (await photograph(3, 200)).subarray(0, 3000)],
    ['q.seg.npy', 'x'],
    ['q.txt', `${CANARY} of an image that is not published`],
  ];
  const entries = rows.map(([name, body]) => ({ header: { name, size: Buffer.byteLength(body) }, body }));
  await writeFile(at('in.tar'), await packTar(entries));
  await writeFile(at('small.tar'), await packTar(entries.slice(0, 8)));
});

describe('--keep', () => {
  it('passes what it names and says that nobody has looked at it; everything else is dropped and counted', async () => {
    const ran = await run('in.tar', '--out', 'out', ...FAST, ...KEEP);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      'Note: json.label, seg.npy, txt (--keep) will be PUBLISHED AS GIVEN: nothing in it is anonymized\n',
    );
    expect(ran.stdout).toContain('Not taken from the input: 2 json fields, 1 other\n');
    expect(await members('out')).toEqual([
      ['000000000.jpg', ''],
      ['000000000.json', ''],
      ['000000000.labels.json', '{"label":3}'],
      ['000000000.seg.npy', 'numbers'],
      ['000000000.txt', 'a dog'],
      ['000000001.jpg', ''],
      ['000000001.json', ''],
      ['000000001.labels.json', '{"label":null}'],
      ['000000001.seg.npy', 'more numbers'],
      ['000000001.txt', ''],
    ]);
    expect(await json(at('out/_anonymize/run.json'))).toMatchObject({
      keep: ['json.label', 'seg.npy', 'txt'],
      publishedAsGiven: ['labels.json', 'seg.npy', 'txt'],
    });
    const files = await filesIn(at('out'));
    files.set('printed', Buffer.from(ran.stdout + ran.stderr));
    expect(placesOf(files, CANARY)).toEqual([]);
    expect(await run('verify', 'out')).toMatchObject({ code: 0 });
  });

  it('goes on byte for byte, also with samples that are retried, and refuses another policy', async () => {
    await rm(at('out/00001_stats.json'));
    const before = await published('out');
    expect(await run('in.tar', '--out', 'out', ...FAST, ...KEEP)).toMatchObject({ code: 1 });
    expect(await published('out')).toEqual(before);
    expect(await run('in.tar', '--out', 'out', ...FAST, ...KEEP, '--retry-failed')).toMatchObject({ code: 1 });
    expect(await published('out')).toEqual(before);
    expect(await run('in.tar', '--out', 'out', ...FAST, '--keep', 'txt')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('keep'),
    });
  });

  it('a replay has them, too, but for what is too large for the private folder, and says so', async () => {
    expect(await run('small.tar', '--out', 'small', ...FAST, ...KEEP)).toMatchObject({ code: 0 });
    expect(await run('replay', 'small.private', '--out', 'small-again')).toMatchObject({ code: 0 });
    expect(await published('small-again')).toEqual(await published('small'));
    expect(await filesIn(at('small-again.private'))).toEqual(await filesIn(at('small.private')));
    const ran = await run('replay', 'out.private', '--out', 'again');
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('seg.npy (--keep) will NOT be in this replay'),
    });
    expect((await members('again')).map(([name]) => name).filter((name) => name.endsWith('.npy'))).toEqual([]);
    expect(await run('verify', 'again')).toMatchObject({ code: 0 });
  });

  it('puts them beside the images of a folder; verify finds what is foreign, changed or gone', async () => {
    expect(await run('small.tar', '--out', 'tree', '--format', 'folder', ...FAST, ...KEEP)).toMatchObject({ code: 0 });
    const files = ['x', 'y'].flatMap((key) => ['jpg', 'labels.json', 'seg.npy', 'txt'].map((ext) => `${key}.${ext}`));
    expect((await listing(at('tree'))).filter((file) => !file.startsWith('_'))).toEqual(files);
    expect(await run('verify', 'tree')).toMatchObject({ code: 0 });
    await writeFile(at('tree/x.txt'), 'a cat');
    await rm(at('tree/y.seg.npy'));
    await writeFile(at('tree/x.npy'), 'foreign');
    const ran = await run('verify', 'tree');
    expect(ran.code).toBe(1);
    for (const file of ['x.txt', 'y.seg.npy', 'x.npy']) expect(ran.stdout + ran.stderr).toContain(`"${file}"`);
    const tar = await unpackTar(await readFile(at('small/00000.tar')));
    const changed = tar.map(({ header, data }) => ({
      header,
      body: header.name.endsWith('1.txt') ? Buffer.from('?') : Buffer.from(data ?? []),
    }));
    const foreign = { header: { ...(tar[0] as (typeof tar)[0]).header, name: '000000001.xyz', size: 1 }, body: 'x' };
    await writeFile(
      at('small/00000.tar'),
      await packTar(
        [...changed, foreign].map(({ header, body }) => ({ header: { ...header, size: body.length }, body })),
      ),
    );
    const { stdout, stderr } = await run('verify', 'small');
    expect(stdout + stderr).toContain('Expected 000000001.txt as recorded but its SHA-256 differs');
    expect(stdout + stderr).toContain('Expected members of samples but found "000000001.xyz"');
  });

  it('publishes what a list calls its images only when it is named', async () => {
    await writeFile(at('list.jsonl'), '');
    const [line] = await jsonLines(at('small.private/sources.jsonl'));
    expect(line.kept).toEqual({
      'labels.json': Buffer.from('{"label":3}').toString('base64'),
      'seg.npy': Buffer.from('numbers').toString('base64'),
      txt: Buffer.from('a dog').toString('base64'),
    });
    await writeFile(at('a.jpg'), await photograph(1, 200));
    await writeFile(at('list.jsonl'), '{"path":"a.jpg","key":"frame-1"}');
    expect(await run('--from-file', 'list.jsonl', '--out', 'keys', ...FAST, '--keep', 'key')).toMatchObject({
      code: 0,
    });
    expect((await members('keys'))[2]).toEqual(['000000000.labels.json', '{"key":"frame-1"}']);
  });
});

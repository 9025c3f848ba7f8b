import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { packTar, unpackTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { anonymize, jsonLines, listing, photograph, sharedScratch } from './command.ts';

const root = await sharedScratch();
const photos: Buffer[] = [];
const at = (...names: string[]): string => path.join(root, ...names);

beforeAll(async () => {
  for (const n of [1, 2, 3]) photos.push(await photograph(n, 240));
});

async function writeTar(file: string, members: readonly (readonly [name: string, body: string | Buffer])[]) {
  await writeFile(
    at(file),
    await packTar(members.map(([name, body]) => ({ header: { name, size: Buffer.byteLength(body) }, body }))),
  );
}

async function members(out: string, shard = '00000'): Promise<[string, string][]> {
  const entries = await unpackTar(await readFile(path.join(out, `${shard}.tar`)));
  return entries.map(({ header, data }) => [
    header.name,
    header.name.endsWith('.cls') ? Buffer.from(data ?? []).toString() : '',
  ]);
}

describe('WebDataset shards as input', () => {
  it('keep their class indices when every sample has one; other members are dropped and counted', async () => {
    await writeTar('a.tar', [
      ['x.jpg', photos[0] as Buffer],
      ['x.cls', '7'],
      ['x.txt', 'a caption'],
      ['y.jpg', photos[1] as Buffer],
      ['y.cls', '12\n'],
      ['y.json', '{}'],
    ]);
    await writeTar('b.tar', [
      ['x.cls', '0'],
      ['x.jpg', photos[2] as Buffer],
      ['x.segmentation.npy', 'numbers'],
    ]);
    const ran = await anonymize(['run', 'a.tar', 'b.tar', '--out', 'out', '--preset', 'faces'], { cwd: root });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('Not taken from the input: 1 json, 1 npy, 1 txt\n');
    expect(await members(at('out'))).toEqual([
      ['000000000.cls', '7'],
      ['000000000.jpg', ''],
      ['000000000.json', ''],
      ['000000001.cls', '12'],
      ['000000001.jpg', ''],
      ['000000001.json', ''],
      ['000000002.cls', '0'],
      ['000000002.jpg', ''],
      ['000000002.json', ''],
    ]);
    const rows = await parquetReadObjects({ file: new Uint8Array(await readFile(at('out/00000.parquet'))).buffer });
    expect(rows.map((row) => row.cls)).toEqual([7, 12, 0]);
    const sources = await jsonLines(at('out.private/sources.jsonl'));
    expect(sources.map((s) => [s.source, s.member])).toEqual([
      [at('a.tar'), 'x.jpg'],
      [at('a.tar'), 'y.jpg'],
      [at('b.tar'), 'x.jpg'],
    ]);
    expect(await anonymize(['verify', 'out'], { cwd: root })).toMatchObject({ code: 0 });
  });

  it('lose them when one sample has none', async () => {
    await writeTar('c.tar', [
      ['x.jpg', photos[0] as Buffer],
      ['x.cls', '7'],
      ['y.jpg', photos[1] as Buffer],
    ]);
    const ran = await anonymize(['c.tar', '--out', 'out-c', '--preset', 'faces', '--json'], { cwd: root });
    expect(JSON.parse(ran.stdout)).toMatchObject({ published: 2, dropped: { cls: 1 } });
    expect((await members(at('out-c'))).map(([name]) => name)).not.toContain('000000000.cls');
  });

  it('mirror their members as a folder, with the class index beside each image', async () => {
    const options = ['--format', 'folder', '--preset', 'faces', '--quiet'];
    expect(await anonymize(['a.tar', 'b.tar', '--out', 'tree', ...options], { cwd: root })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await listing(at('tree'))).filter((f) => !f.startsWith('_'))).toEqual([
      'a/x.cls',
      'a/x.jpg',
      'a/y.cls',
      'a/y.jpg',
      'b/x.cls',
      'b/x.jpg',
    ]);
    expect(await anonymize(['verify', 'tree'], { cwd: root })).toMatchObject({ code: 0 });
  });

  it('have a member that cannot be read held back, and its class index with it', async () => {
    await writeTar('d.tar', [
      ['x.jpg', (photos[0] as Buffer).subarray(0, 3000)],
      ['x.cls', '1'],
      ['y.jpg', photos[1] as Buffer],
      ['y.cls', '2'],
    ]);
    expect(await anonymize(['d.tar', '--out', 'out-d', '--preset', 'faces'], { cwd: root })).toMatchObject({ code: 1 });
    expect(await members(at('out-d'))).toEqual([
      ['000000001.cls', '2'],
      ['000000001.jpg', ''],
      ['000000001.json', ''],
    ]);
    const [held] = await jsonLines(at('out-d.private/quarantine.jsonl'));
    expect(held).toMatchObject({ key: '000000000', member: 'x.jpg', stage: 'decode', reason: 'truncated' });
  });

  it.each([
    ['..', '../x.jpg', /relative member names .*"\.\." in the name of member 3/],
    ['an absolute name', '/etc/x.jpg', /an absolute path in the name of member 3/],
    ['the same name twice', 'twice.jpg', /each member name once but received member 3/],
  ])('are refused for %s, with nothing written', async (_, name, message) => {
    await writeTar('bad.tar', [
      ['good.jpg', photos[0] as Buffer],
      ['twice.jpg', photos[0] as Buffer],
      [name, photos[0] as Buffer],
    ]);
    const ran = await anonymize(['bad.tar', '--out', 'bad'], { cwd: root });
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(await listing(at('bad'))).toEqual([]);
  });

  it('are refused when they are cut short or no tar at all', async () => {
    const whole = await readFile(at('a.tar'));
    await writeFile(at('cut.tar'), whole.subarray(0, whole.length - 9000));
    await writeFile(at('noise.tar'), photos[0] as Buffer);
    for (const name of ['cut.tar', 'noise.tar']) {
      const ran = await anonymize([name, '--out', 'bad'], { cwd: root });
      expect(ran).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/a whole tar archive but received .*\.tar: /),
      });
    }
    expect(await listing(at('bad'))).toEqual([]);
  });
});

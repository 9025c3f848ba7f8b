import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { unpackTar } from 'modern-tar';
import { beforeAll, expect, it } from 'vitest';
import { anonymize, json, photograph, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1'];

beforeAll(async () => {
  await write(at('in'), { 'dog/a.jpg': await photograph(1, 200), 'cat/b.jpg': await photograph(2, 200) });
});

it('class folders become .cls members, a column and a list of names', async () => {
  expect(await anonymize(['in', '--out', 'out', '--labels', 'folders', ...FAST], { cwd: root })).toMatchObject({
    code: 0,
  });
  const entries = await unpackTar(await readFile(at('out/00000.tar')));
  const labels = entries.filter((e) => e.header.name.endsWith('.cls'));
  expect(labels.map((e) => [e.header.name, Buffer.from(e.data ?? []).toString()])).toEqual([
    ['000000000.cls', '0'],
    ['000000001.cls', '1'],
  ]);
  const { buffer, byteOffset, length } = await readFile(at('out/00000.parquet'));
  const rows = await parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer });
  expect(rows.map((row) => row.cls)).toEqual([0, 1]);
  expect(await json(at('out/_anonymize/run.json'))).toMatchObject({ classNames: ['cat', 'dog'] });
  expect(await anonymize(['verify', 'out'], { cwd: root })).toMatchObject({ code: 0 });
});

it('another meaning of the labels is another run', async () => {
  const again = await anonymize(['in', '--out', 'out', ...FAST], { cwd: root });
  expect(again).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('labels: folders → none') });
});

it('a replay keeps them', async () => {
  expect(await anonymize(['replay', 'out.private', '--out', 'again'], { cwd: root })).toMatchObject({ code: 0 });
  for (const file of ['00000.tar', '00000.parquet']) {
    expect(await readFile(at('again', file))).toEqual(await readFile(at('out', file)));
  }
  expect(await json(at('again/_anonymize/run.json'))).toMatchObject({ labels: 'folders', classNames: ['cat', 'dog'] });
});

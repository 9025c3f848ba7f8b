import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { openSource, type SourceOptions } from '../../../src/io/source.ts';
import { allSamples, plant, scratch } from '../../fixtures/ioHelpers.ts';

async function listed(rows: readonly object[], files: readonly string[] = []): Promise<SourceOptions> {
  const root = await scratch();
  await plant(root, files);
  await mkdir(join(root, 'lists'), { recursive: true });
  const fromFile = join(root, 'lists/list.jsonl');
  await writeFile(fromFile, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return { inputs: [], fromFile, out: join(root, 'clean'), privateDir: join(root, 'clean.private') };
}

describe('a list of images as source', () => {
  it('has its images in its order, with what it calls them', async () => {
    const options = await listed(
      [{ path: 'b.jpg', key: 'second' }, { path: 'x/a.png' }, { path: '../else/Jane/c.jpg' }],
      ['lists/b.jpg', 'lists/x/a.png', 'lists/not-listed.jpg', 'else/Jane/c.jpg'],
    );
    const samples = await allSamples(options);
    expect(samples.map(({ index, relativePath, listedKey }) => [index, relativePath, listedKey])).toEqual([
      [0, 'b.jpg', 'second'],
      [1, 'x/a.png', undefined],
      [2, 'c.jpg', undefined],
    ]);
    expect(samples.map(({ origin, ref }) => [origin.path, ref])).toEqual(
      ['lists/b.jpg', 'lists/x/a.png', 'else/Jane/c.jpg']
        .map((name) => join(options.out, '..', name))
        .map((path) => [path, { kind: 'file', path }]),
    );
  });

  it('hands on what is missing as a sample that fails, unless nothing is there', async () => {
    const rows = [{ path: 'gone.jpg' }, { path: 'here.jpg' }, { path: 'here.jpg/below.jpg' }];
    const samples = await allSamples(await listed(rows, ['lists/here.jpg']));
    expect(samples.map(({ ref }) => (ref.kind === 'refused' ? ref.reason : ref.kind))).toEqual([
      'file-missing',
      'file',
      'file-missing',
    ]);
    await expect(openSource(await listed(rows, []))).rejects.toThrow(/the folder of the list, but found none of 3$/);
  });

  it.each<[what: string, labels: (number | string | undefined)[], cls: (string | undefined)[], names?: string[]]>([
    ['indices', [7, 0], ['7', '0']],
    ['names, sorted and counted', ['dog', 'cat', 'dog'], ['1', '0', '1'], ['cat', 'dog']],
    ['not all there', [7, undefined], [undefined, undefined]],
    ['names that are not all there', ['Jane', undefined], [undefined, undefined]],
  ])('labels: %s', async (_, labels, cls, names) => {
    const files = labels.map((_, i) => `lists/${i}.jpg`);
    const options = await listed(
      labels.map((label, i) => ({ path: `${i}.jpg`, ...(label === undefined ? {} : { label }) })),
      files,
    );
    const source = await openSource(options);
    expect(labels.map((_, index) => source.at(index).cls)).toEqual(cls);
    expect(source.classNames).toEqual(names);
    expect(source.dropped.get('cls')).toBe(cls[0] === undefined ? 1 : undefined);
  });

  it.each([
    ['the list in the output', 'clean', 'else'],
    ['an image in the output', 'else', 'clean'],
    ['an image in the output by a link', 'else', 'link'],
  ])('refuses %s', async (_, listFolder, imageFolder) => {
    const root = await scratch();
    await plant(root, ['clean/a.jpg', 'else/a.jpg']);
    await symlink(join(root, 'clean'), join(root, 'link'));
    const fromFile = join(root, listFolder, 'list.jsonl');
    await writeFile(fromFile, JSON.stringify({ path: join(root, imageFolder, 'a.jpg') }));
    const error = await openSource({
      inputs: [],
      fromFile,
      out: join(root, 'clean'),
      privateDir: join(root, 'private'),
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^Expected --from-file and its images outside --out /);
  });
});

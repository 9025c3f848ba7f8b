import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { openSource, type SourceOptions } from '../../src/io/source.ts';
import { allSamples, plant, scratch, sourceOptions, tarOf } from '../fixtures/ioHelpers.ts';

async function refusal(options: SourceOptions): Promise<string> {
  const error: unknown = await openSource(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  return (error as Error).message;
}

describe('openSource', () => {
  it.each([
    ['missing', 'missing.jpg', /missing\.jpg.*does not exist/],
    ['stdin', '-', /"-".*standard input goes to standard output/],
    ['a video', 'film.MP4', /film\.MP4.*clips need a run of their own/],
    ['a compressed tar', 'shard.tar.gz', /shard\.tar\.gz.*decompress/],
    ['a path below a file', 'a.jpg/b.jpg', /a\.jpg.b\.jpg/],
    ['nothing', '', /empty/],
  ])('refuses %s', async (_, name, message) => {
    const root = await scratch();
    await plant(root, ['film.MP4', 'shard.tar.gz', 'a.jpg']);
    const input = name === '-' || name === '' ? name : join(root, name);
    expect(await refusal(sourceOptions(root, input))).toMatch(message);
  });

  it('refuses to run without inputs', async () => {
    expect(await refusal(sourceOptions(await scratch()))).toMatch(/at least one input/);
  });

  const OVERLAPS: readonly [what: string, input: string, out: string, privateDir: string][] = [
    ['input is the output', 'photos', 'photos', 'p'],
    ['output in the input', 'photos', 'photos/new/clean', 'p'],
    ['input in the output', 'photos/sub', 'photos', 'p'],
    ['private folder in the input', 'photos', 'clean', 'photos/private'],
    ['input in the private folder', 'photos/sub', 'clean', 'photos'],
    ['private folder is the output', 'photos', 'clean', 'clean'],
    ['private folder in the output', 'photos', 'clean', 'clean/private'],
    ['output in the private folder', 'photos', 'p/clean', 'p'],
    ['input file in the output', 'photos/a.jpg', 'photos', 'p'],
    ['output in the input by a link', 'photos', 'link/clean', 'p'],
    ['input in the output by a link', 'link/sub', 'photos', 'p'],
  ];
  it.each(OVERLAPS)('refuses: %s', async (_, input, out, privateDir) => {
    const root = await scratch();
    await plant(root, ['photos/a.jpg', 'photos/sub/b.jpg']);
    await symlink(join(root, 'photos'), join(root, 'link'));
    const at = (path: string): string => join(root, path);
    expect(await refusal({ inputs: [at(input)], out: at(out), privateDir: at(privateDir) })).toMatch(/^Expected /);
  });

  it('accepts neighbours whose names begin alike', async () => {
    const root = await scratch();
    await plant(root, ['photos/a.jpg']);
    const options = {
      inputs: [join(root, 'photos')],
      out: join(root, 'photos.clean'),
      privateDir: join(root, 'photos.clean.private'),
    };
    expect((await openSource(options)).total).toBe(1);
  });

  it('takes a file that is named, whatever its name', async () => {
    const root = await scratch();
    await plant(root, ['scan.dat', '.hidden']);
    const samples = await allSamples(sourceOptions(root, join(root, 'scan.dat'), join(root, '.hidden')));
    expect(samples.map((s) => s.relativePath)).toEqual(['scan.dat', '.hidden']);
  });

  it('puts several inputs one after the other, below their names', async () => {
    const root = await scratch();
    await plant(root, ['b/x.jpg', 'a/x.jpg', 'single.png']);
    await writeFile(join(root, 'part.tar'), await tarOf([['in/x.jpg', 'bytes']]));
    const inputs = ['b', 'part.tar', 'single.png', 'a'].map((name) => join(root, name));
    const samples = await allSamples(sourceOptions(root, ...inputs));
    expect(samples.map((s) => s.relativePath)).toEqual(['b/x.jpg', 'part/in/x.jpg', 'single.png', 'a/x.jpg']);
    expect(samples.map((s) => s.index)).toEqual([0, 1, 2, 3]);
  });

  it('refuses two inputs with a name in common', async () => {
    const root = await scratch();
    await plant(root, ['1/photos/x.jpg', '2/photos/x.jpg']);
    expect(await refusal(sourceOptions(root, join(root, '1/photos'), join(root, '2/photos')))).toMatch(
      /one in both \S+1\/photos and \S+2\/photos$/,
    );
    await mkdir(join(root, '3/photos'), { recursive: true });
    expect((await openSource(sourceOptions(root, join(root, '1/photos'), join(root, '3/photos')))).total).toBe(1);
  });

  it('lists every sample as it will be read, and reads only what is wanted', async () => {
    const root = await scratch();
    await plant(root, ['a/x.jpg', 'a/y.jpg', 'b/only.jpg']);
    await writeFile(
      join(root, 'part.tar'),
      await tarOf([
        ['1.jpg', 'one'],
        ['2.jpg', 'two'],
      ]),
    );
    await writeFile(join(root, 'other.tar'), await tarOf([['3.jpg', 'three']]));
    const inputs = ['a', 'part.tar', 'b', 'other.tar'].map((name) => join(root, name));
    const source = await openSource(sourceOptions(root, ...inputs));
    const all = [];
    for await (const { ref: _, ...listed } of source.samples()) all.push(listed);
    expect(Array.from({ length: source.total }, (_, index) => source.at(index))).toEqual(all);
    expect(() => source.at(source.total)).toThrow(RangeError);
    // An archive of which nothing is wanted is not opened.
    await rm(join(root, 'other.tar'));
    const some = [];
    for await (const { index, ref } of source.samples({ isWanted: (i) => [1, 3, 4].includes(i) })) {
      some.push([index, ref.kind === 'bytes' ? Buffer.from(ref.bytes).toString() : ref.kind]);
    }
    expect(some).toEqual([
      [1, 'file'],
      [3, 'two'],
      [4, 'file'],
    ]);
  });
});

describe('labels from folders', () => {
  const labelled = (root: string, ...inputs: string[]): SourceOptions => ({
    ...sourceOptions(root, ...inputs.map((name) => join(root, name))),
    labels: 'folders',
  });

  it('counts the uppermost folders by name, over all inputs', async () => {
    const root = await scratch();
    await plant(root, ['train/dog/1.jpg', 'train/cat/a/2.jpg', 'val/dog/3.jpg', 'val/emu/4.jpg', 'val/dog/5.txt']);
    const options = labelled(root, 'train', 'val');
    const source = await openSource(options);
    expect(source).toMatchObject({ hasCls: true, classNames: ['cat', 'dog', 'emu'] });
    const samples = await allSamples(options);
    expect(samples.map(({ relativePath, cls }) => [relativePath, cls])).toEqual([
      ['train/cat/a/2.jpg', '0'],
      ['train/dog/1.jpg', '1'],
      ['val/dog/3.jpg', '1'],
      ['val/emu/4.jpg', '2'],
    ]);
    expect(source.at(3)).toMatchObject({ cls: '2' });
  });

  it('are not taken unless asked for', async () => {
    const root = await scratch();
    await plant(root, ['photos/dog/1.jpg']);
    const source = await openSource(sourceOptions(root, join(root, 'photos')));
    expect(source.hasCls).toBe(false);
    expect(source.classNames).toBeUndefined();
  });

  it('need every image in a folder of a folder', async () => {
    const root = await scratch();
    await plant(root, ['photos/dog/1.jpg', 'photos/stray.jpg']);
    expect(await refusal(labelled(root, 'photos'))).toBe(
      'Expected every image in a class folder for --labels folders but 1 of 2 are in none',
    );
    expect(await refusal(labelled(root, 'photos/stray.jpg'))).toMatch(
      /^Expected folders as input for --labels folders but received the file /,
    );
  });
});

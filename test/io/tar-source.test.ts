import { spawnSync } from 'node:child_process';
import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { openSource } from '../../src/io/source.ts';
import { allSamples, hasProgram, plant, scratch, sourceOptions, tarOf } from '../fixtures/ioHelpers.ts';

type Members = Parameters<typeof tarOf>[0];

async function shard(members: Members): Promise<{ root: string; path: string }> {
  const root = await scratch();
  const path = join(root, 'in.tar');
  await writeFile(path, await tarOf(members));
  return { root, path };
}

async function open(members: Members) {
  const { root, path } = await shard(members);
  return openSource(sourceOptions(root, path));
}

function textOf(sample: Awaited<ReturnType<typeof allSamples>>[number]): string {
  if (sample.ref.kind !== 'bytes') throw new Error(`Expected bytes but received ${sample.ref.kind}`);
  return new TextDecoder().decode(sample.ref.bytes);
}

describe('a WebDataset shard as source', () => {
  it('takes the images in order and counts the other members', async () => {
    const { root, path } = await shard([
      ['d/', '', { type: 'directory' }],
      ['./d/000.jpg', 'zero'],
      ['./d/000.json', '{}'],
      ['./d/000.txt', 'a caption'],
      ['001.left.png', 'left'],
      ['001.right.PNG', 'right'],
      ['__meta__', 'x'],
      ['._001.jpg', 'a resource fork'],
      ['002.jpg', '', { type: 'symlink', linkname: '/etc/passwd' }],
      ['003.jpg', '', { type: 'link', linkname: 'd/000.jpg' }],
      ['dev.jpg', '', { type: 'character-device' }],
      ['004.heic', 'apple'],
    ]);
    const source = await openSource(sourceOptions(root, path));
    expect(source.total).toBe(4);
    expect(Object.fromEntries(source.extensions)).toEqual({ jpg: 1, png: 2, heic: 1 });
    expect(Object.fromEntries(source.dropped)).toEqual({
      json: 1,
      txt: 1,
      none: 1,
      hidden: 1,
      symlink: 1,
      link: 1,
      'character-device': 1,
    });
    const samples = await allSamples(sourceOptions(root, path));
    expect(samples.map((s) => [s.index, s.relativePath, textOf(s)])).toEqual([
      [0, 'd/000.jpg', 'zero'],
      [1, '001.left.png', 'left'],
      [2, '001.right.PNG', 'right'],
      [3, '004.heic', 'apple'],
    ]);
    expect(samples[1]?.origin).toEqual({ path, member: '001.left.png' });
  });

  it.each<[what: string, members: Members, expected: (string | undefined)[]]>([
    [
      'before and after the image',
      [
        ['a.cls', '7\n'],
        ['a.jpg', ''],
        ['b.jpg', ''],
        ['b.cls', ' 007 '],
      ],
      ['7', '7'],
    ],
    [
      'for each image of a sample',
      [
        ['a.l.jpg', ''],
        ['a.cls', '3'],
        ['a.r.jpg', ''],
        ['b.jpg', ''],
        ['b.cls', '4'],
      ],
      ['3', '3', '4'],
    ],
    [
      'with members that make no sample',
      [
        ['a.jpg', ''],
        ['a.cls', '1'],
        ['n.txt', ''],
        ['b.jpg', ''],
        ['b.cls', '2'],
      ],
      ['1', '2'],
    ],
    [
      'split by what has no key',
      [
        ['a.jpg', ''],
        ['README', ''],
        ['a.cls', '1'],
      ],
      ['1'],
    ],
    [
      'missing once',
      [
        ['a.jpg', ''],
        ['a.cls', '1'],
        ['b.jpg', ''],
      ],
      [undefined, undefined],
    ],
    [
      'not a number',
      [
        ['a.jpg', ''],
        ['a.cls', 'Jane Doe'],
      ],
      [undefined],
    ],
    [
      'negative',
      [
        ['a.jpg', ''],
        ['a.cls', '-1'],
      ],
      [undefined],
    ],
    [
      'too long to be an index',
      [
        ['a.jpg', ''],
        ['a.cls', '1234567890'],
      ],
      [undefined],
    ],
    [
      'long',
      [
        ['a.jpg', ''],
        ['a.cls', `1${' '.repeat(100)}`],
      ],
      [undefined],
    ],
    [
      'of the next sample only',
      [
        ['a.jpg', ''],
        ['b.cls', '1'],
        ['b.jpg', ''],
      ],
      [undefined, undefined],
    ],
  ])('class index %s', async (_, members, expected) => {
    const { root, path } = await shard(members);
    const source = await openSource(sourceOptions(root, path));
    const labels: (string | undefined)[] = [];
    for await (const sample of source.samples()) labels.push(sample.cls);
    expect(labels).toEqual(expected);
    expect(source.hasCls).toBe(expected[0] !== undefined);
    const members_ = members.filter(([name]) => name.endsWith('.cls')).length;
    expect(source.dropped.get('cls') ?? 0).toBe(source.hasCls ? 0 : members_);
  });

  it('passes class indices only when every input has them', async () => {
    const root = await scratch();
    await writeFile(
      join(root, 'one.tar'),
      await tarOf([
        ['a.jpg', ''],
        ['a.cls', '1'],
      ]),
    );
    await writeFile(
      join(root, 'two.tar'),
      await tarOf([
        ['a.jpg', ''],
        ['a.cls', '2'],
      ]),
    );
    await plant(root, ['plain.jpg']);
    const at = (...names: string[]) => sourceOptions(root, ...names.map((name) => join(root, name)));
    expect((await allSamples(at('one.tar', 'two.tar'))).map((s) => s.cls)).toEqual(['1', '2']);
    const mixed = await openSource(at('one.tar', 'plain.jpg'));
    expect([mixed.hasCls, mixed.dropped.get('cls')]).toEqual([false, 1]);
  });

  it.each<[what: string, members: Members, message: RegExp]>([
    ['an absolute name', [['/etc/a.jpg', 'x']], /an absolute path in the name of member 1 of \S+in\.tar$/],
    ['a drive', [['C:/a.jpg', 'x']], /absolute path/],
    [
      '".."',
      [
        ['ok.jpg', 'x'],
        ['a/../../b.jpg', 'x'],
      ],
      /"\.\." in the name of member 2 of \S+in\.tar$/,
    ],
    ['".." in what is dropped anyway', [['../b.txt', 'x']], /"\.\."/],
    ['".." in a folder', [['../', '', { type: 'directory' }]], /"\.\."/],
    ['a backslash', [['a\\..\\b.jpg', 'x']], /backslash/],
    ['a NUL character', [['a.jpg', 'x', { pax: { path: 'a\0b.jpg' } }]], /NUL/],
    [
      'a name twice',
      [
        ['a.jpg', 'x'],
        ['./a.jpg', 'y'],
      ],
      /each member name once but received member 2 of \S+in\.tar under an earlier one's$/,
    ],
  ])('refuses %s', async (_, members, message) => {
    await expect(open(members)).rejects.toThrow(message);
    await expect(open(members)).rejects.toBeInstanceOf(UsageError);
  });

  it.each<[what: string, length: (whole: number) => number]>([
    ['in the end marker', (whole) => whole - 600],
    ['before the end marker', (whole) => whole - 1024],
    ['in the padding', (whole) => whole - 1024 - 100],
    ['in a body', () => 512 * 3 + 10],
    ['in a header', () => 512 * 2 + 100],
    ['to nothing', () => 0],
  ])('refuses an archive cut short %s', async (_, length) => {
    const { root, path } = await shard([
      ['a.jpg', 'x'.repeat(100)],
      ['b.jpg', 'y'.repeat(100)],
    ]);
    await truncate(path, length(512 * 4 + 1024));
    await expect(openSource(sourceOptions(root, path))).rejects.toThrow(/whole tar archive .*in\.tar.*truncated/i);
  });

  it('refuses what is no tar archive, and what follows its end', async () => {
    const root = await scratch();
    await writeFile(join(root, 'text.tar'), 'This is text. '.repeat(1000));
    await expect(openSource(sourceOptions(root, join(root, 'text.tar')))).rejects.toThrow(/whole tar archive/);
    const { path } = await shard([['a.jpg', 'x']]);
    await appendFile(path, await tarOf([['b.jpg', 'y']]));
    await expect(openSource(sourceOptions(root, path))).rejects.toThrow(/whole tar archive/);
  });

  it('hands on a member above the limit as refused, without its bytes', async () => {
    const { root, path } = await shard([
      ['a.jpg', 'x'.repeat(11)],
      ['b.jpg', 'y'.repeat(10)],
    ]);
    const [large, small] = await allSamples({ ...sourceOptions(root, path), memberLimitBytes: 10 });
    expect(large?.ref).toEqual({
      kind: 'refused',
      reason: 'too-large',
      message: expect.stringMatching(/10 bytes .* 11/),
    });
    expect(small?.ref.kind).toBe('bytes');
  });

  it('reads large images between small members that it skips, at any alignment', async () => {
    const sizes = Array.from({ length: 60 }, (_, i) => 1 + ((i * 7919 * 613) % 700_000));
    const { root, path } = await shard(
      sizes.flatMap((size, i) => [
        [`${i}.jpg`, 'x'.repeat(size)] as const,
        [`${i}.json`, '{}'] as const,
        [`${i}.txt`, 'y'.repeat(size % 3000)] as const,
      ]),
    );
    const samples = await allSamples(sourceOptions(root, path));
    expect(samples.map((s) => (s.ref.kind === 'bytes' ? s.ref.bytes.length : -1))).toEqual(sizes);
  });

  it('notices that the archive changed after it was scanned', async () => {
    const { root, path } = await shard([
      ['a.jpg', 'x'],
      ['b.jpg', 'y'],
    ]);
    const source = await openSource(sourceOptions(root, path));
    await writeFile(
      path,
      await tarOf([
        ['a.jpg', 'x'],
        ['c.jpg', 'y'],
        ['d.jpg', 'z'],
      ]),
    );
    const read = async (): Promise<void> => {
      for await (const _ of source.samples());
    };
    await expect(read()).rejects.toThrow(/changed/);
  });

  it('lets go of the archive when the consumer stops early', async () => {
    const { root, path } = await shard(
      Array.from({ length: 50 }, (_, i) => [`${i}.jpg`, 'x'.repeat(100_000)] as const),
    );
    const source = await openSource(sourceOptions(root, path));
    for await (const sample of source.samples()) if (sample.index === 3) break;
    const again = await allSamples(sourceOptions(root, path));
    expect(again.map((s) => (s.ref.kind === 'bytes' ? s.ref.bytes.length : -1))).toEqual(Array(50).fill(100_000));
  });

  const GNU_TAR = hasProgram('tar', /GNU tar/);
  it.runIf(GNU_TAR).each(['ustar', 'pax', 'gnu', 'v7'])('reads what tar --format=%s writes', async (format) => {
    const root = await scratch();
    const long = `${'n'.repeat(format === 'gnu' || format === 'pax' ? 140 : 80)}.jpg`;
    await plant(join(root, 'tree'), ['a b.jpg', `sub/${long}`, 'ünï.jpg']);
    const path = join(root, 'in.tar');
    expect(
      spawnSync('tar', ['--sort=name', `--format=${format}`, '-cf', path, '-C', join(root, 'tree'), '.']).status,
    ).toBe(0);
    const samples = await allSamples(sourceOptions(root, path));
    expect(samples.map((s) => [s.relativePath, textOf(s)])).toEqual(
      ['a b.jpg', `sub/${long}`, 'ünï.jpg'].map((name) => [name, `content of ${name}`]),
    );
  });
});

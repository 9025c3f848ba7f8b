import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { openSource } from '../../src/io/source.ts';
import { allSamples, plant, scratch, sourceOptions } from '../fixtures/ioHelpers.ts';

const counts = (map: ReadonlyMap<string, number>): Record<string, number> => Object.fromEntries(map);

describe('a folder as source', () => {
  it('takes everything that is named like an image, and counts the rest', async () => {
    const root = await scratch();
    const images = [
      'a.jpg',
      'b.JPEG',
      'c.png',
      'd.webp',
      'e.avif',
      'f.tif',
      'g.gif',
      'h.bmp',
      'i.heic',
      'j.svg',
      'k.pdf',
    ];
    const others = [
      'notes.txt',
      'list.csv',
      'more.csv',
      'film.mp4',
      'shard.tar',
      'README',
      '.hidden.jpg',
      '.git/x.jpg',
      'a.weird name',
    ];
    await plant(join(root, 'in'), [...images, ...others]);
    const source = await openSource(sourceOptions(root, join(root, 'in')));
    expect(source.total).toBe(images.length);
    expect(counts(source.extensions)).toMatchObject({ jpg: 1, jpeg: 1, heic: 1, pdf: 1 });
    expect(counts(source.dropped)).toEqual({ txt: 1, csv: 2, mp4: 1, tar: 1, none: 1, hidden: 2, other: 1 });
    expect(source.hasCls).toBe(false);
  });

  it('orders by relative path in UTF-16 code units, with indices and places that match', async () => {
    const root = await scratch();
    const paths = [
      'b/1.jpg',
      'a/2.jpg',
      'a-b/1.jpg',
      'a.jpg',
      'B.jpg',
      'a/10.jpg',
      'z\u{1F600}.jpg',
      'z\uFF5E.jpg',
      'é x.jpg',
    ];
    await plant(join(root, 'in'), paths);
    const samples = await allSamples(sourceOptions(root, join(root, 'in')));
    expect(samples.map((s) => s.relativePath)).toEqual([...paths].sort());
    expect(samples.map((s) => s.index)).toEqual(paths.map((_, i) => i));
    for (const { ref, origin, relativePath } of samples) {
      expect(ref).toEqual({ kind: 'file', path: join(root, 'in', relativePath) });
      expect(origin).toEqual({ path: join(root, 'in', relativePath) });
    }
  });

  it.skipIf(process.platform === 'win32')('keeps names with blanks, quotes, newlines and backslashes', async () => {
    const root = await scratch();
    const names = ['a b.jpg', 'it\'s "x".jpg', 'new\nline.jpg', 'back\\slash.jpg', '漢字.jpg'];
    await plant(join(root, 'in'), names);
    const samples = await allSamples(sourceOptions(root, join(root, 'in')));
    expect(samples.map((s) => s.relativePath).sort()).toEqual([...names].sort());
  });

  it('follows links, walks every folder once, and lists broken links', async () => {
    const root = await scratch();
    const input = join(root, 'in');
    await plant(input, ['z/real.jpg', 'z/deep/inner.jpg']);
    await plant(join(root, 'elsewhere'), ['far.jpg', 'sub/farther.jpg']);
    await symlink('..', join(input, 'z', 'loop'));
    await symlink(join(input, 'z'), join(input, 'a-first-in-order'));
    await symlink(join(root, 'elsewhere'), join(input, 'linked'));
    await symlink(join(root, 'elsewhere', 'sub'), join(input, 'linked-again'));
    await symlink(join(root, 'elsewhere', 'far.jpg'), join(input, 'file-link.jpg'));
    await symlink(join(root, 'nowhere'), join(input, 'broken.jpg'));
    await symlink('self.jpg', join(input, 'self.jpg'));
    await symlink(join(root, 'nowhere'), join(input, 'broken.txt'));
    const source = await openSource(sourceOptions(root, input));
    const paths: string[] = [];
    for await (const sample of source.samples()) paths.push(sample.relativePath);
    expect(paths).toEqual([
      'broken.jpg',
      'file-link.jpg',
      'linked-again/farther.jpg',
      'linked/far.jpg',
      'self.jpg',
      'z/deep/inner.jpg',
      'z/real.jpg',
    ]);
    expect(counts(source.dropped)).toEqual({ 'repeated folder': 3, txt: 1 });
  });

  it('ends a walk through folders that all link to each other', async () => {
    const root = await scratch();
    const folders = Array.from({ length: 12 }, (_, i) => `f${i}`);
    await plant(
      join(root, 'in'),
      folders.map((folder) => `${folder}/x.jpg`),
    );
    for (const from of folders) {
      for (const to of folders) await symlink(join(root, 'in', to), join(root, 'in', from, `to-${to}`));
    }
    expect(await allSamples(sourceOptions(root, join(root, 'in')))).toHaveLength(folders.length);
  });

  it.each(['folder', 'file'])('refuses a %s link that leads into the output', async (kind) => {
    const root = await scratch();
    await plant(root, ['in/a.jpg', 'clean/old.jpg']);
    await symlink(
      kind === 'folder' ? root : join(root, 'clean', 'old.jpg'),
      join(root, 'in', kind === 'folder' ? 'up' : 'x.jpg'),
    );
    await expect(openSource(sourceOptions(root, join(root, 'in')))).rejects.toThrow(/outside .*clean/);
    await expect(openSource(sourceOptions(root, join(root, 'in')))).rejects.toBeInstanceOf(UsageError);
  });

  it('gives nothing for an empty folder', async () => {
    const root = await scratch();
    await mkdir(join(root, 'in'));
    const source = await openSource(sourceOptions(root, join(root, 'in')));
    expect([source.total, source.extensions.size, source.dropped.size]).toEqual([0, 0, 0]);
  });

  it('stops without an error when the signal is aborted', async () => {
    const root = await scratch();
    await plant(join(root, 'in'), ['a.jpg', 'b.jpg', 'c.jpg']);
    const source = await openSource(sourceOptions(root, join(root, 'in')));
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const { index } of source.samples({ signal: stop.signal })) {
      seen.push(index);
      if (index === 1) stop.abort();
    }
    expect(seen).toEqual([0, 1]);
  });
});

import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { listClips } from '../../src/clips/list.ts';
import { fillConfig } from '../../src/config.ts';
import { plant, scratch } from '../fixtures/ioHelpers.ts';

async function list(root: string, ...names: string[]) {
  const inputs = names.map((name) => (name === '-' ? name : join(root, name)));
  return listClips(fillConfig({ inputs, out: join(root, 'clean') }));
}

async function gif(frames: number): Promise<Buffer> {
  const frame = (level: number) => ({
    create: { width: 8, height: 8, channels: 3 as const, background: { r: level, g: 9, b: 9 } },
  });
  const images = await Promise.all(
    Array.from({ length: frames }, (_, i) =>
      sharp(frame(i * 50))
        .png()
        .toBuffer(),
    ),
  );
  const clip = frames === 1 ? sharp(images[0]) : sharp(images, { join: { animated: true } });
  return clip.gif().toBuffer();
}

describe('the clips of a run', () => {
  it('are the videos of folders, in order, and those that are named', async () => {
    const root = await scratch();
    await plant(root, ['a/2.MOV', 'a/b/1.mkv', 'a/notes.txt', 'a/.hidden.mp4', 'c.webm']);
    await symlink(join(root, 'c.webm'), join(root, 'a', 'link.webm'));
    const listed = await list(root, 'a', 'c.webm');
    expect(listed?.clips.map(({ index, key, relativePath }) => [index, key, relativePath])).toEqual([
      [0, '000000000', 'a/2.MOV'],
      [1, '000000001', 'a/b/1.mkv'],
      [2, '000000002', 'c.webm'],
    ]);
    expect(listed?.clips.map(({ path }) => path)).toEqual(['a/2.MOV', 'a/b/1.mkv', 'c.webm'].map((p) => join(root, p)));
    expect(Object.fromEntries(listed?.dropped ?? [])).toEqual({ hidden: 1, symlink: 1, txt: 1 });
    expect((await list(root, 'a'))?.clips.map(({ relativePath }) => relativePath)).toEqual(['2.MOV', 'b/1.mkv']);
  });

  it('may be animated GIFs that are named; others are images', async () => {
    const root = await scratch();
    await writeFile(join(root, 'moves.gif'), await gif(3));
    await writeFile(join(root, 'still.gif'), await gif(1));
    await plant(root, ['broken.gif']);
    expect((await list(root, 'moves.gif'))?.clips).toHaveLength(1);
    expect(await list(root, 'still.gif')).toBeUndefined();
    expect(await list(root, 'broken.gif')).toBeUndefined();
  });

  it('are none where a folder holds images, too, or what is named does not exist', async () => {
    const root = await scratch();
    await plant(root, ['photos/a.jpg', 'both/a.jpg', 'both/b.mp4', 'empty/readme.md']);
    for (const inputs of [['photos'], ['both'], ['empty'], ['none.mp4'], ['-']]) {
      expect(await list(root, ...inputs), inputs.join()).toBeUndefined();
    }
  });

  it.each([
    ['an image', ['film.mp4', 'photos/a.jpg']],
    ['a folder of images', ['film.mp4', 'photos']],
    ['a folder of both', ['films', 'both']],
  ])('are not mixed with %s', async (_, inputs) => {
    const root = await scratch();
    await plant(root, ['photos/a.jpg', 'both/a.jpg', 'both/b.mp4', 'films/c.mp4', 'film.mp4']);
    await expect(list(root, ...inputs)).rejects.toThrow('either images or clips');
  });

  it('are told apart from what does not exist', async () => {
    const root = await scratch();
    await plant(root, ['film.mp4']);
    await expect(list(root, 'film.mp4', 'nothing.mp4')).rejects.toThrow(/nothing\.mp4, which does not exist/);
  });

  it('lie outside of where the run writes', async () => {
    const root = await scratch();
    await plant(root, ['clean/a.mp4']);
    await expect(list(root, 'clean')).rejects.toThrow('outside --out');
  });
});

import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { openSink } from '../../src/io/open-sink.ts';
import { filesIn, plant, rejected, scratch, sink, sinkOptions, verified } from '../fixtures/ioHelpers.ts';

const ONE = [{ path: 'a.jpg', outcome: verified('new') }];
const MANY = Array.from({ length: 6 }, (_, i) => ({ path: `${i}.jpg`, outcome: verified(`old ${i}`) }));

describe('an output folder that is in use', () => {
  it.each(['clean', 'clean.private'])('is refused without --overwrite: %s', async (name) => {
    const root = await scratch();
    await plant(root, [`${name}/something`]);
    const before = await filesIn(root);
    await expect(openSink(sinkOptions(root, 1))).rejects.toThrow(new RegExp(`${name} has content; --overwrite`));
    await expect(openSink(sinkOptions(root, 1))).rejects.toBeInstanceOf(UsageError);
    expect(await filesIn(root)).toEqual(before);
    expect((await readdir(root)).sort()).toEqual([name]);
  });

  it.each<[what: string, files: readonly string[], runJson: string | undefined]>([
    ['no run.json', ['clean/holiday.jpg'], undefined],
    ["someone else's run.json", ['clean/holiday.jpg'], '{"tool":"other"}'],
    ['a run.json that is no object', ['clean/holiday.jpg'], 'null'],
    ['a run.json that is no JSON', ['clean/holiday.jpg'], '{"tool":"anonymize"'],
    [
      'a private folder with other files',
      ['clean.private/diary.txt', 'clean.private/sources.jsonl'],
      '{"tool":"anonymize"}',
    ],
  ])('is refused with --overwrite when it has %s', async (_, files, runJson) => {
    const root = await scratch();
    await plant(root, files);
    if (runJson !== undefined) {
      await plant(root, ['clean/_anonymize/run.json']);
      await writeFile(join(root, 'clean/_anonymize/run.json'), runJson);
    }
    const before = await filesIn(root);
    await expect(openSink(sinkOptions(root, 1, { overwrite: true }))).rejects.toThrow(/nothing was removed/);
    expect(await filesIn(root)).toEqual(before);
  });

  it.each(['webdataset', 'folder'] as const)('is replaced whole with --overwrite: %s', async (format) => {
    const root = await scratch();
    await sink(sinkOptions(root, MANY.length, { format }), MANY);
    await plant(root, ['clean/00001.tar.tmp', 'clean/.staging-00001/x.jpg', 'clean.private/sources.jsonl.tmp']);
    await sink(sinkOptions(root, 1, { format, overwrite: true }), ONE);
    const again = await filesIn(root);
    const fresh = await scratch();
    await sink(sinkOptions(fresh, 1, { format }), ONE);
    expect([...again.keys()]).toEqual([...(await filesIn(fresh)).keys()]);
    for (const [path, bytes] of again) expect(/old \d/.test(String(bytes)), path).toBe(false);
  });

  it('is replaced after a run that was interrupted', async () => {
    const root = await scratch();
    const open = await openSink(sinkOptions(root, 5));
    await open.write({ sample: { index: 0, origin: { path: 'x' }, relativePath: 'x' }, outcome: rejected('empty') });
    await open.abort('interrupted');
    await sink(sinkOptions(root, 1, { overwrite: true }), ONE);
    expect(JSON.parse(await readFile(join(root, 'clean/_anonymize/run.json'), 'utf8'))).toMatchObject({
      status: 'finished',
    });
  });

  it('does not follow links out of the folder when it removes', async () => {
    const root = await scratch();
    await plant(root, ['elsewhere/precious.jpg']);
    await sink(sinkOptions(root, 1), ONE);
    await symlink(join(root, 'elsewhere'), join(root, 'clean', 'link'));
    await sink(sinkOptions(root, 1, { overwrite: true }), ONE);
    expect(await readdir(join(root, 'elsewhere'))).toEqual(['precious.jpg']);
    expect(await readdir(join(root, 'clean'))).not.toContain('link');
  });

  it('may exist and be empty; an open private folder is closed', async () => {
    const root = await scratch();
    await mkdir(join(root, 'clean'));
    await mkdir(join(root, 'clean.private'));
    await chmod(join(root, 'clean.private'), 0o755);
    await sink(sinkOptions(root, 1), ONE);
    expect((await stat(join(root, 'clean.private'))).mode & 0o777).toBe(0o700);
  });

  it.each(['clean', 'clean.private'])('is refused when %s is a file', async (name) => {
    const root = await scratch();
    await plant(root, [name]);
    await expect(openSink(sinkOptions(root, 1, { overwrite: true }))).rejects.toThrow(/which is not a folder/);
    expect(await readdir(root)).toEqual([name]);
  });

  it('leaves nothing that would stand in the way of the next run when it cannot begin', async () => {
    const root = await scratch();
    await plant(root, ['blocked']);
    const options = sinkOptions(root, 1, { out: join(root, 'blocked', 'clean') });
    await expect(openSink(options)).rejects.toThrow(/blocked/);
    await sink(sinkOptions(root, 1), ONE);
  });
});

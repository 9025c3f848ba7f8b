import path from 'node:path';
import { expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });

it('deletes the private folder of a run when it is told to, and nothing of the output', async () => {
  await write(at('in'), { 'a.jpg': await photograph(1, 200) });
  const fast = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--quiet'];
  expect(await run('in', '--out', 'out', ...fast)).toMatchObject({ code: 0 });
  const published = await filesIn(at('out'));
  const before = await filesIn(at('out.private'));
  expect(await run('forget', 'out.private')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Expected --yes'),
  });
  expect(await filesIn(at('out.private'))).toEqual(before);
  const done = await run('forget', 'out.private', '--yes');
  expect(done).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('Deleted out.private with 4 files.'),
  });
  expect(await listing(root)).not.toContainEqual(expect.stringContaining('out.private'));
  expect(await filesIn(at('out'))).toEqual(published);
  expect(await run('verify', 'out')).toMatchObject({ code: 0 });
});

it.each([
  [
    'a folder of something else',
    { 'mine/thesis.txt': 'x' },
    'mine',
    /which also has 1 other files; nothing was deleted/,
  ],
  ['a private folder with something else in it', { 'p/sources.jsonl': '', 'p/key.txt': 'x' }, 'p', /1 other files/],
  ['an empty folder', { 'q/sub/x': '' }, 'q', /nothing was deleted/],
  ['nothing', {}, 'missing', /missing, which cannot be read \(ENOENT\)/],
])('leaves %s alone', async (_, files, folder, message) => {
  await write(root, files);
  const before = await listing(root);
  expect(await run('forget', folder, '--yes')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(message),
  });
  expect(await listing(root)).toEqual(before);
});

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unpackTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const run = (...args: string[]): Promise<Ran> => anonymize([...args, '--workers', '1'], { cwd: root });
const FACES = ['--preset', 'faces', '--quality', 'fast'];
const records = (out: string) => jsonLines(at(out, '_anonymize/redactions/00000.jsonl'));

async function list(name: string, rows: readonly object[]): Promise<void> {
  await writeFile(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

beforeAll(async () => {
  await write(at('photos'), { 'Jane/a.jpg': await photograph(1, 200), 'b.jpg': await photograph(2, 200) });
});

describe('--from-file', () => {
  it('takes the images of a list in its order; keys stay numbers, and what the list calls them is private', async () => {
    await list('list.jsonl', [
      { path: 'photos/b.jpg', key: 'frame-2', label: 'dog' },
      { path: 'photos/gone.jpg', key: 'frame-3', label: 'cat' },
      { path: 'photos/Jane/a.jpg', key: 'frame-1', label: 'cat' },
    ]);
    const ran = await run('--from-file', 'list.jsonl', '--out', 'out', ...FACES);
    expect(ran).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('3 images, 1 worker on cpu, looking for face'),
    });
    expect(ran.stdout).toMatch(/2 of 3 images.*1 not published:\n +1 +file-missing +read/s);
    const entries = await unpackTar(await readFile(at('out/00000.tar')));
    const text = entries
      .filter(({ header }) => header.name.endsWith('.cls'))
      .map(({ data }) => String(Buffer.from(data ?? [])));
    expect(text).toEqual(['1', '0']);
    expect(await json(at('out/_anonymize/run.json'))).toMatchObject({ classNames: ['cat', 'dog'], published: 2 });
    expect((await jsonLines(at('out.private/sources.jsonl'))).map((line) => [line.key, line.listed_key])).toEqual([
      ['000000000', 'frame-2'],
      ['000000001', 'frame-3'],
      ['000000002', 'frame-1'],
    ]);
    const shown = Buffer.concat([...(await filesIn(at('out'))).values(), Buffer.from(ran.stdout + ran.stderr)]);
    for (const secret of ['frame-', 'Jane', 'photos/']) expect(shown.includes(secret), secret).toBe(false);
    expect(await anonymize(['verify', 'out'], { cwd: root })).toMatchObject({ code: 0 });
    expect(await run('replay', 'out.private', '--out', 'again')).toMatchObject({ code: 1 });
    for (const file of ['00000.tar', '00000.parquet']) {
      expect(await readFile(at('again', file))).toEqual(await readFile(at('out', file)));
    }
    expect(await filesIn(at('again.private'))).toEqual(await filesIn(at('out.private')));
  });

  it('goes on with a run of the same list only', async () => {
    expect(await run('--from-file', 'list.jsonl', '--out', 'out', ...FACES)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Complete already'),
    });
    await list('other.jsonl', [{ path: 'photos/Jane/a.jpg' }, { path: 'photos/b.jpg' }, { path: 'photos/gone.jpg' }]);
    expect(await run('--from-file', 'other.jsonl', '--out', 'out', ...FACES)).toMatchObject({ code: 2 });
  });

  it('redacts the boxes of a list and looks for nothing', async () => {
    const boxes = [{ class: 'face', x: 10, y: 20, w: 30, h: 40 }];
    await list('boxes.jsonl', [{ path: 'photos/b.jpg', boxes }, { path: 'photos/Jane/a.jpg' }]);
    const ran = await run('--from-file', 'boxes.jsonl', '--out', 'given', '--log-geometry', 'full');
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining(' given: face') });
    expect(ran.stderr).toContain('Note: 1 image has no boxes in --from-file and will not be published\n');
    expect(await records('given')).toMatchObject([
      { regions: [{ class: 'face', origin: 'given' }], models: expect.arrayContaining(['face:boxes@given']) },
      { status: 'quarantined', reason: 'no-boxes' },
    ]);
    expect(await run('--from-file', 'boxes.jsonl', '--out', 'never', '--threshold', 'face=0.5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected no --threshold with boxes in --from-file'),
    });
  });

  it('mirrors the paths of a list as a folder', async () => {
    expect(await run('--from-file', 'other.jsonl', '--out', 'tree', '--format', 'folder', ...FACES)).toMatchObject({
      code: 1,
    });
    expect((await records('tree')).map(({ file }) => file)).toEqual(['photos/Jane/a.jpg', 'photos/b.jpg', undefined]);
  });

  it.each([
    ['inputs, too', ['photos', '--from-file', 'list.jsonl'], /Expected no inputs with --from-file/],
    ['--boxes, too', ['--from-file', 'list.jsonl', '--boxes', 'b.jsonl'], /Expected no --boxes with --from-file/],
    ['--labels, too', ['--from-file', 'list.jsonl', '--labels', 'folders'], /Expected no --labels with --from-file/],
    ['a list that is gone', ['--from-file', 'gone.jsonl'], /readable/],
  ])('refuses %s', async (_, args, message) => {
    expect(await run(...args, '--out', 'never')).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});

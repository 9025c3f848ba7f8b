import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FAST = ['--preset', 'faces', '--quality', 'fast', '--samples-per-shard', '2'];
const run = (...args: string[]): Promise<Ran> => anonymize([...args, '--workers', '1'], { cwd: root });
const verify = (out: string): Promise<Ran> => anonymize(['verify', out], { cwd: root });

/** All files of an output but those that tell of the run itself. */
async function published(out: string): Promise<Map<string, Buffer>> {
  const files = await filesIn(at(out));
  return new Map([...files].filter(([name]) => !/_stats\.json$|^_anonymize\/run\.json$/.test(name)));
}

beforeAll(async () => {
  const photos = await Promise.all([1, 2, 3].map((n) => photograph(n, 160)));
  const files = Object.fromEntries(photos.map((photo, i) => [`cat/${i}.jpg`, photo]));
  await write(at('in'), { ...files, 'dog/broken.jpg': 'no picture' });
  await write(at('flat'), { 'a.jpg': photos[0] as Buffer, 'b/c.jpg': photos[1] as Buffer });
});

describe('--dali-index', () => {
  const options = ['in', '--out', 'tars', ...FAST, '--dali-index'];

  it('leaves an index beside each shard, also when the run goes on, and a replay does, too', async () => {
    expect(await run(...options)).toMatchObject({ code: 1 });
    const whole = await published('tars');
    expect([...whole.keys()].filter((name) => name.endsWith('.idx'))).toEqual(['00000.idx', '00001.idx']);
    expect(await verify('tars')).toMatchObject({ code: 0 });
    await rm(at('tars/00001_stats.json'));
    expect(await run(...options)).toMatchObject({ code: 1 });
    expect(await published('tars')).toEqual(whole);
    await writeFile(at('tars/00000.idx'), 'v1.2 0\n');
    expect((await run(...options, '--retry-failed')).stderr).toMatch(/Shard 00000 is done again: its index/);
    expect(await published('tars')).toEqual(whole);
    expect(await run('replay', 'tars.private', '--out', 'again')).toMatchObject({ code: 1 });
    expect(await published('again')).toEqual(whole);
    expect(await run('in', '--out', 'tars', ...FAST)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('dali-index: true → false'),
    });
  });

  it('is checked against its shard by verify, whatever the checksums say', async () => {
    const { createHash } = await import('node:crypto');
    const file = at('again/00000.idx');
    const before = await readFile(file, 'utf8');
    const after = before.replace(/ (\d+) (\d+) (000000000\.json)/, ' 512 $2 $3');
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    await writeFile(file, after);
    const sums = at('again/_anonymize/SHA256SUMS');
    await writeFile(sums, (await readFile(sums, 'utf8')).replace(digest(before), digest(after)));
    expect(await verify('again')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Expected 00000\.idx to be the index of 00000\.tar\n1 problem/),
    });
    await rm(file);
    expect((await verify('again')).stdout).toContain('00000.tar with a readable 00000.idx');
  });
});

describe('--hf-metadata', () => {
  it('leaves a table, and says what it does to labels from folders only where there may be some', async () => {
    const labelled = await run('in', '--out', 'tree', ...FAST, '--format', 'folder', '--hf-metadata');
    expect(labelled).toMatchObject({ code: 1, stderr: expect.stringContaining('drop_labels=False') });
    const rows = (await readFile(at('tree/metadata.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
    expect(rows.map((row) => JSON.parse(row).file_name)).toEqual(['cat/0.jpg', 'cat/1.jpg', 'cat/2.jpg']);
    expect(await verify('tree')).toMatchObject({ code: 0 });
    const flat = await run('flat', '--out', 'flat-out', ...FAST, '--format', 'folder', '--hf-metadata');
    expect(flat.code).toBe(0);
    expect(flat.stderr).not.toContain('drop_labels');
  });

  it('is written again by a run that tries failed samples again, and checked by verify', async () => {
    await write(at('in'), { 'dog/broken.jpg': await photograph(4, 160) });
    const retry = ['in', '--out', 'tree', ...FAST, '--format', 'folder', '--hf-metadata', '--retry-failed'];
    expect(await run(...retry)).toMatchObject({ code: 0 });
    expect(await readFile(at('tree/metadata.jsonl'), 'utf8')).toContain('dog/broken.jpg');
    expect(await verify('tree')).toMatchObject({ code: 0 });
    await appendFile(at('tree/metadata.jsonl'), '{}\n');
    expect((await verify('tree')).stdout).toContain('Expected metadata.jsonl to agree with the redaction log');
  });
});

it.each([
  [['--dali-index', '--format', 'folder'], /--format webdataset with --dali-index but received folder/],
  [['--hf-metadata'], /--format folder with --hf-metadata but received webdataset/],
])('%j is refused', async (options, message) => {
  const ran = await run('in', '--out', 'never', ...options);
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});

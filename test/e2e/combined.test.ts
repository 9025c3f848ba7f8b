import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { packTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { placesOf } from '../fixtures/canary-search.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--samples-per-shard', '2'];
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root });
/** A key, since a passphrase takes seconds to try, which others test. */
const SECRET = ['--private-key-file', 'key.txt'];
const part = (index: number): string[] => ['--shard-index', `${index}`, '--shard-count', '2'];

/** All files of an output; the times in the summaries are not told. */
async function published(out: string): Promise<Map<string, string>> {
  const files = [...(await filesIn(at(out)))];
  return new Map(
    files.map(([file, bytes]) => [file, bytes.toString('latin1').replace(/"(start_time|end_time|duration)": .*/g, '')]),
  );
}

beforeAll(async () => {
  const photos = await Promise.all([1, 2, 3, 4].map((n) => photograph(n, 160)));
  const members = photos.flatMap((photo, i): [string, string | Buffer][] => [
    [`n${i}.jpg`, photo],
    [`n${i}.txt`, `caption ${i}`],
    [`n${i}.json`, JSON.stringify({ label: i })],
  ]);
  const entries = members.map(([name, body]) => ({ header: { name, size: Buffer.byteLength(body) }, body }));
  await writeFile(at('in.tar'), await packTar(entries));
  await writeFile(at('key.txt'), `${await generateX25519Identity()}\n`);
  const images = photos.map((photo, i): [string, Buffer | string][] => [
    [`in/${i}/${i}.jpg`, photo],
    [`in/${i}/${i}.txt`, '0 0.5 0.5 0.9 0.9\n'],
  ]);
  await write(root, { ...Object.fromEntries(images.flat()), 'in/classes.txt': 'person\n' });
});

const CASES: [name: string, args: string[], asked: string, gone: string][] = [
  ['shards', ['in.tar', '--keep', 'txt,json.label', '--dali-index'], 'n3.jpg', 'caption 3'],
  [
    'folder',
    ['in', '--format', 'folder', '--labels', 'yolo', '--keep', 'labels', '--hf-metadata', '--label-loss', '0'],
    '3/3.jpg',
    '3/3.txt',
  ],
];

describe.each(CASES)('what passes, in parts and an encrypted private folder: %s', (name, args, asked, gone) => {
  it('is that of one process, and goes with its image when that is withdrawn', async () => {
    const [whole, out] = [`${name}-whole`, `${name}-parts`];
    expect(await run(...args, '--out', whole, ...FAST)).toMatchObject({ code: 0 });
    for (const index of [1, 0]) {
      expect(await run(...args, '--out', out, ...FAST, ...SECRET, ...part(index))).toMatchObject({ code: 0 });
    }
    expect(await run('finalize', out)).toMatchObject({ code: 2, stderr: expect.stringMatching(/is encrypted, but/) });
    expect(await run('finalize', out, ...SECRET)).toMatchObject({ code: 0 });
    expect(await published(out)).toEqual(await published(whole));
    expect((await listing(at(`${out}.private`))).every((file) => file.endsWith('.age'))).toBe(true);

    const withdrawn = await run('withdraw', out, '--source', asked, '--yes', ...SECRET);
    expect(withdrawn).toMatchObject({ code: 0, stderr: '' });
    expect(await run('verify', out)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Sound: 3 images, 0 not published, 1 withdrawn/),
    });
    const left = await filesIn(at(out));
    expect(placesOf(left, gone)).toEqual([]);
    expect([...left.keys()]).not.toContain(gone);
    if (name === 'shards') {
      const index = (await readFile(at(out, '00001.idx'), 'utf8')).split('\n');
      expect(index).toEqual(['v1.2 1', expect.stringMatching(/000000002\.jpg .* labels\.json .* txt \d+ 9 /), '']);
    } else {
      expect((await json(at(out, '_anonymize/run.json'))).labelLoss).toEqual({
        over: 0,
        categories: [{ category: 'person', objects: 3, lost: expect.any(Number) }],
      });
      expect((await readFile(at(out, 'metadata.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(3);
    }
  });
});

it('a filter says that it cannot let anything pass', async () => {
  expect(await run('-', '--out', '-', '--keep', 'txt')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Expected no --keep from standard input to standard output'),
  });
});

import { createHmac } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { privateLines, readPrivateFile } from '../../src/io/private-lines.ts';
import { openSeal, type Seal } from '../../src/io/seal.ts';
import { readSecret } from '../../src/io/secret.ts';
import { digestPlaces, placesOf } from '../fixtures/canary-search.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, jsonLines, listing, photograph, type Ran, sharedScratch, watched, write } from './command.ts';

const NAME = 'CANARY-e81c5d';
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--samples-per-shard', '2'];
const SECRET = ['--private-passphrase-file', 'passphrase.txt'];

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const env = { TMPDIR: at('tmp'), TEMP: at('tmp') };
const run = (...args: string[]): Promise<Ran> => anonymize(args, { cwd: root, env });

const sources: Record<string, Buffer> = {};

/** All files of an output but those that tell of the run itself. */
async function published(out: string): Promise<Map<string, Buffer>> {
  const files = await filesIn(at(out));
  return new Map([...files].filter(([name]) => !/_stats\.json$|^_anonymize\/run\.json$/.test(name)));
}

/** Tried once for each folder: it takes seconds. */
const seals = new Map<string, Promise<Seal | undefined>>();

async function sealOf(folder: string): Promise<Seal | undefined> {
  return openSeal(at(folder), await readSecret({ privatePassphraseFile: at('passphrase.txt') }));
}

async function opened(folder: string) {
  const known = seals.get(folder) ?? sealOf(folder);
  seals.set(folder, known);
  const seal = await known;
  const lines = async (name: string) => {
    // biome-ignore lint/suspicious/noExplicitAny: tests read what they know to be there
    const rows: any[] = [];
    for await (const line of privateLines(at(folder), name, seal)) rows.push(JSON.parse(line));
    return rows;
  };
  return { lines, sourceIdKey: (await readPrivateFile(at(folder), 'source-ids.key', seal))?.trim() };
}

let seen: Map<string, Buffer>;

beforeAll(async () => {
  await mkdir(at('tmp'));
  await writeFile(at('passphrase.txt'), 'correct horse battery\n');
  await writeFile(at('wrong.txt'), 'correct horse');
  const photos = await Promise.all([1, 2].map((n) => photograph(n, 200)));
  Object.assign(sources, {
    [`${NAME}/anna.jpg`]: photos[0],
    [`${NAME}/broken.jpg`]: (photos[0] as Buffer).subarray(0, 3000),
    [`${NAME}/copy.jpg`]: photos[0],
    [`${NAME}/other.jpg`]: photos[1],
  });
  await write(at('in'), sources);
  const first = watched(at(), run('in', '--out', 'out', ...FAST, ...SECRET, '--source-ids'));
  ({ seen } = await first);
  expect((await first).result).toMatchObject({ code: 1 });
});

describe('an encrypted private folder', () => {
  it('never holds a readable byte, nor does any other folder', async () => {
    expect(await listing(at('out.private'))).toEqual([
      'detections.jsonl.age',
      'key.age',
      'quarantine.jsonl.age',
      'run.json.age',
      'source-ids.key.age',
      'sources.jsonl.age',
    ]);
    expect([...seen.keys()].filter((name) => name.startsWith('out.private/')).length).toBeGreaterThan(5);
    const written = new Map([...seen].filter(([name]) => !/^(in|passphrase|wrong)/.test(name)));
    for (const text of [NAME, 'anna', 'correct horse', '"key":"00', '"policy":', 'AGE-SECRET-KEY']) {
      const places = placesOf(written, text).filter((place) => text === NAME || !place.startsWith('out/'));
      expect(places, text).toEqual([]);
    }
    expect(await listing(at('tmp'))).toEqual([]);
  });

  it('tells its owner what a plain one tells', async () => {
    const { lines } = await opened('out.private');
    expect((await lines('sources.jsonl')).map(({ key, source }) => [key, path.relative(at('in'), source)])).toEqual(
      Object.keys(sources).map((name, i) => [`00000000${i}`, name]),
    );
    expect(await lines('quarantine.jsonl')).toMatchObject([{ key: '000000001', reason: 'truncated' }]);
    expect((await lines('detections.jsonl')).map(({ key }) => key)).toEqual(['000000000', '000000002', '000000003']);
  });

  it.each([
    [['--private-passphrase-file', 'wrong.txt'], /Expected the passphrase of .*wrong.txt to open .*out.private/],
    [[], /Expected --private-passphrase-file, .* is encrypted, but received none/],
    [['--private-key-file', 'passphrase.txt'], /Expected one key \(AGE-SECRET-KEY-1/],
    [[...SECRET, '--private-key-file', 'x'], /either --private-passphrase-file or --private-key-file/],
  ])('is not opened with %j, and nothing changes', async (secret, message) => {
    const before = await filesIn(at('out.private'));
    for (const command of [
      ['in', '--out', 'out', ...FAST, '--source-ids'],
      ['replay', 'out.private', '--out', 'never'],
    ]) {
      const ran = await run(...command, ...secret);
      expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
      expect(ran.stderr).not.toContain('correct horse');
    }
    expect(await filesIn(at('out.private'))).toEqual(before);
    expect(await listing(at('never'))).toEqual([]);
  });

  it('goes on, tries again and is replayed with the passphrase, from a file or the environment', async () => {
    const before = await published('out');
    const { sourceIdKey } = await opened('out.private');
    await rm(at('out/00001_stats.json'));
    expect(await run('in', '--out', 'out', ...FAST, ...SECRET, '--source-ids')).toMatchObject({ code: 1 });
    expect(await published('out')).toEqual(before);
    await writeFile(at(`in/${NAME}/broken.jpg`), sources[`${NAME}/other.jpg`] as Buffer);
    const retry = ['in', '--out', 'out', ...FAST, '--source-ids', '--retry-failed'];
    const passphrase = { ANONYMIZE_PRIVATE_PASSPHRASE: 'correct horse battery' };
    const variable = { cwd: root, env: { ...env, ...passphrase } };
    expect(await anonymize(retry, variable)).toMatchObject({ code: 0 });
    expect(await anonymize(['verify', 'out'], { cwd: root })).toMatchObject({ code: 0 });
    expect((await opened('out.private')).sourceIdKey).toBe(sourceIdKey);
    expect(placesOf(await filesIn(at('out.private')), NAME)).toEqual([]);
    expect(await anonymize(['replay', 'out.private', '--out', 'again'], variable)).toMatchObject({ code: 0 });
    expect(await published('again')).toEqual(await published('out'));
    expect((await opened('again.private')).sourceIdKey).toBe(sourceIdKey);
    expect(placesOf(await filesIn(at('again.private')), NAME)).toEqual([]);
  });

  it('has source ids that only the holder of its key can match with files', async () => {
    const { sourceIdKey, lines } = await opened('out.private');
    const records = [
      ...(await jsonLines(at('out/_anonymize/redactions/00000.jsonl'))),
      ...(await jsonLines(at('out/_anonymize/redactions/00001.jsonl'))),
    ];
    const ids = new Map<string, string>(records.map(({ key, source_id }) => [key, source_id]));
    for (const { key, source } of await lines('sources.jsonl')) {
      const hmac = createHmac('sha256', Buffer.from(sourceIdKey as string, 'hex')).update(await readFile(source));
      expect(ids.get(key)).toBe(hmac.digest('hex'));
    }
    expect(ids.get('000000002')).toBe(ids.get('000000000'));
    expect(new Set(ids.values()).size).toBe(2);
    const table = new Uint8Array(await readFile(at('out/00000.parquet'))).buffer;
    expect((await parquetReadObjects({ file: table })).map((row) => row.source_id)).toEqual([
      ids.get('000000000'),
      ids.get('000000001'),
    ]);
    expect(digestPlaces(await filesIn(at('out')), new Map(Object.entries(sources)))).toEqual([]);
  });

  it('is forgotten without its passphrase, keys first', async () => {
    const done = await run('forget', 'again.private', '--yes');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('Deleted again.private with 6 files.') });
    expect(done.stdout).toContain('source ids in the output can no longer be matched');
    expect(await listing(at('again.private'))).toEqual([]);
    expect(await run('verify', 'again')).toMatchObject({ code: 0 });
  });
});

it('a folder is encrypted to a key of age, too; a plain one is not encrypted later', async () => {
  await writeFile(at('key.txt'), `# made for a test\n${await generateX25519Identity()}\n`);
  await write(at('one'), { 'a.jpg': sources[`${NAME}/other.jpg`] as Buffer });
  const toKey = ['one', '--out', 'keyed', ...FAST, '--private-key-file', 'key.txt'];
  expect(await run(...toKey)).toMatchObject({ code: 0 });
  expect(await run(...toKey)).toMatchObject({ code: 0, stdout: expect.stringContaining('Complete already') });
  expect(await listing(at('keyed.private'))).toContain('key.age');
  expect(await run('one', '--out', 'plain', ...FAST, '--source-ids')).toMatchObject({ code: 0 });
  expect(await listing(at('plain.private'))).toContain('source-ids.key');
  expect(await run('one', '--out', 'plain', ...FAST, '--source-ids', ...SECRET)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/plain.private of the earlier run is not encrypted/),
  });
  expect(await run('one', '--out', 'plain', ...FAST)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('source-ids: true → false'),
  });
  await rm(at('plain.private/source-ids.key'));
  expect(await run('one', '--out', 'plain', ...FAST, '--source-ids')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/key of the earlier run's source ids .* missing or damaged/),
  });
  expect(await run('one', '--out', 'plain', ...FAST, ...SECRET, '--overwrite')).toMatchObject({ code: 0 });
  expect((await listing(at('plain.private'))).every((name) => name.endsWith('.age'))).toBe(true);
});

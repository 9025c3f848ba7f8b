import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packTar, unpackTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { placesOf } from '../fixtures/canary-search.ts';
import { plantCanaries } from '../fixtures/images.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, jsonLines, listing, type Piped, photograph, pipeThrough, sharedScratch } from './command.ts';

const COMMAND = fileURLToPath(new URL('../../bin/anonymize.cjs', import.meta.url));
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1'];
const MARK = 'CANARY-e81c5d';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
let tar: Buffer;

beforeAll(async () => {
  const photos = await Promise.all([1, 2, 3, 4].map((n) => photograph(n, 240)));
  const broken = (photos[2] as Buffer).subarray(0, 3000);
  const canary = plantCanaries(photos[1] as Buffer).bytes;
  tar = await tarOf([
    [`${MARK}-anna.cls`, '7'],
    [`${MARK}-anna.jpg`, photos[0] as Buffer],
    [`${MARK}-anna.txt`, MARK],
    ['b.jpg', canary],
    ['b.cls', '2'],
    ['c.jpg', broken],
    ['c.cls', '1'],
    ['d.jpg', photos[3] as Buffer],
    ['d.cls', '0'],
  ]);
  await writeFile(at('in.tar'), tar);
});

async function tarOf(members: readonly (readonly [name: string, body: string | Uint8Array])[]): Promise<Buffer> {
  const entries = members.map(([name, body]) => ({ header: { name, size: Buffer.byteLength(body) }, body }));
  return Buffer.from(await packTar(entries));
}

/** Runs the filter between two pipes; what it reads is written by `feed`. */
function filter(args: readonly string[], feed: Parameters<typeof pipeThrough>[1]): Promise<Piped> {
  return pipeThrough(['-', '--out', '-', ...FAST, ...args], feed, { cwd: root, env: { TMPDIR: at() } });
}

const namesIn = (archive: Buffer): Promise<string[]> =>
  unpackTar(archive, { strict: true }).then((entries) => entries.map(({ header }) => header.name));

describe('a filter from tar to tar', () => {
  it('gives the bytes of the shard that a run would write, and says everything else on standard error', async () => {
    const before = await listing(root);
    const filtered = await filter([], tar);
    expect(await listing(root)).toEqual(before);
    expect(filtered.code).toBe(1);
    expect(filtered.stderr).toContain('3 of 4 images anonymized and written');
    expect(filtered.stderr).toContain('1  truncated  decode');
    expect(filtered.stderr).toContain('Not taken from the input: 1 txt');
    expect(filtered.stderr).toContain('--private-dir keeps them');
    expect(await anonymize(['in.tar', '--out', 'run', ...FAST, '--quiet'], { cwd: root })).toMatchObject({ code: 1 });
    expect(filtered.stdout.equals(await readFile(at('run/00000.tar')))).toBe(true);
    expect(await namesIn(filtered.stdout)).toHaveLength(9);
    const said = new Map([
      ['stdout', filtered.stdout],
      ['stderr', Buffer.from(filtered.stderr)],
    ]);
    expect(placesOf(said, 'CANARY')).toEqual([]);
  });

  it('keeps a private log when it is told where, and only there', async () => {
    const filtered = await filter(['--private-dir', 'log', '--json'], tar);
    expect(JSON.parse(filtered.stderr.slice(filtered.stderr.indexOf('{')))).toMatchObject({
      total: 4,
      published: 3,
      reasons: { 'decode/truncated': 1 },
      privateDir: at('log'),
    });
    expect(await listing(at('log'))).toEqual(['detections.jsonl', 'quarantine.jsonl', 'sources.jsonl']);
    expect((await jsonLines(at('log/sources.jsonl'))).map(({ key, member }) => [key, member])).toEqual([
      ['000000000', `${MARK}-anna.jpg`],
      ['000000001', 'b.jpg'],
      ['000000002', 'c.jpg'],
      ['000000003', 'd.jpg'],
    ]);
    expect(await filter(['--private-dir', 'log'], tar)).toMatchObject({
      code: 2,
      stdout: Buffer.alloc(0),
      stderr: expect.stringMatching(/new or empty folder for --private-dir/),
    });
  });

  it('encrypts its private log, and puts source ids into records, when it is told to', async () => {
    await writeFile(at('passphrase.txt'), 'correct horse\n');
    const secret = ['--private-passphrase-file', 'passphrase.txt'];
    const { code, stdout } = await filter(['--private-dir', 'sealed', ...secret, '--source-ids', '--quiet'], tar);
    expect(code).toBe(1);
    const record = (await unpackTar(stdout)).find(({ header }) => header.name === '000000000.json');
    expect(JSON.parse(String(Buffer.from(record?.data ?? [])))).toHaveProperty('source_id');
    expect(await listing(at('sealed'))).toEqual([
      'detections.jsonl.age',
      'key.age',
      'quarantine.jsonl.age',
      'source-ids.key.age',
      'sources.jsonl.age',
    ]);
    expect(placesOf(await filesIn(at('sealed')), MARK)).toEqual([]);
    expect(await filter(['--source-ids'], tar)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Expected --private-dir with --source-ids'),
    });
  });

  it('ends with an archive that is cut off where the input is', async () => {
    const { code, stdout, stderr } = await filter([], tar.subarray(0, tar.length - 2000));
    expect(code).toBe(2);
    expect(stderr).toMatch(/whole tar archive on standard input .* written and the output is cut off, too\n$/);
    expect(stderr).not.toContain(MARK);
    await expect(namesIn(stdout)).rejects.toThrow(/truncated/);
    expect(stdout.toString('latin1', 0, 13)).toBe('000000000.cls');
  });

  it('writes nothing for an input that is no archive, and an empty archive for an empty one', async () => {
    for (const input of [Buffer.alloc(0), Buffer.from('no archive'), Buffer.alloc(3000, 0x41)]) {
      expect(await filter([], input)).toMatchObject({ code: 2, stdout: Buffer.alloc(0) });
    }
    const empty = await filter([], await tarOf([['notes.txt', 'x']]));
    expect(empty).toMatchObject({ code: 0, stdout: Buffer.alloc(1024) });
    expect(empty.stderr).toContain('No images on standard input');
  });

  it('stops when its reader has gone, although more is to come', async () => {
    const { code, stderr } = await filter([], (child) => {
      child.stdout?.destroy();
      child.stdin?.write(tar.subarray(0, tar.length - 1024));
    });
    expect(code).toBe(2);
    expect(stderr).toContain('Expected to write standard output but its reader has gone away (EPIPE)');
  });

  it('hands on what is done without waiting for more, and ends at a signal', async () => {
    const { code, stdout, stderr } = await filter([], (child) => {
      child.stdin?.write(tar.subarray(0, tar.length - 1024));
      child.stdout?.once('data', () => child.kill('SIGTERM'));
    });
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted: the output is cut off.');
    await expect(namesIn(stdout)).rejects.toThrow(/truncated/);
  });

  it.skipIf(process.platform !== 'linux')('tells of a full disk', async () => {
    const shell = `"${process.execPath}" "${COMMAND}" - --out - ${FAST.join(' ')} < in.tar > /dev/full`;
    const child = spawn('sh', ['-c', shell], { cwd: root });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(2);
    expect(stderr).toContain('no space left on the device (ENOSPC)');
  });

  it.each([
    [['-', '--out', 'x'], /Expected "-" as the only input and --out - .* but received - and --out x/],
    [['in.tar', '--out', '-'], /received in.tar and --out -/],
    [['-', 'in.tar', '--out', '-'], /received - in.tar and --out -/],
    [['-'], /received - and no --out/],
    [['-', '--out', '-', '--overwrite'], /Expected no --overwrite/],
    [['replay', 'log', '--out', '-'], /a folder for --out of a replay but received standard output/],
  ])('refuses %j, with nothing written', async (args, message) => {
    const before = await listing(root);
    const ran = await anonymize(args, { cwd: root });
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(await listing(root)).toEqual(before);
  });
});

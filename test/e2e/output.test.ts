import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { unpackTar } from 'modern-tar';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
/** One model is enough where what is found does not matter. */
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1'];

beforeAll(async () => {
  await write(at('in'), { 'a.jpg': await photograph(1, 320), 'b.jpg': await photograph(2, 320) });
});

const run = (...args: string[]): Promise<Ran> => anonymize([...args, ...FAST], { cwd: root });

describe('an output that exists', () => {
  it('is refused, then replaced with --overwrite, stale files and all', async () => {
    expect(await run('in', '--out', 'old', '--samples-per-shard', '1')).toMatchObject({ code: 0 });
    const before = await filesIn(at('old'));
    const again = await run('in', '--out', 'old');
    expect(again).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--overwrite replaces') });
    expect(await filesIn(at('old'))).toEqual(before);
    expect(await run('in/a.jpg', '--out', 'old', '--overwrite', '--quiet')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await listing(at('old'))).filter((file) => !file.startsWith('_'))).toEqual([
      '00000.parquet',
      '00000.tar',
      '00000_stats.json',
    ]);
    expect(await jsonLines(at('old.private/sources.jsonl'))).toHaveLength(1);
  });

  it('is never replaced when it is not ours', async () => {
    await write(at('mine'), { 'thesis.txt': 'years of work' });
    const ran = await run('in', '--out', 'mine', '--overwrite');
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was removed') });
    expect(await listing(at('mine'))).toEqual(['thesis.txt']);
    await write(at('secrets'), { 'key.txt': 'x' });
    const other = await run('in', '--out', 'new', '--private-dir', 'secrets', '--overwrite');
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('"key.txt"; nothing was removed') });
    expect(await listing(at('secrets'))).toEqual(['key.txt']);
  });
});

describe('options that shape the output', () => {
  it('--private-dir moves the private folder', async () => {
    expect(await run('in', '--out', 'moved', '--private-dir', 'vault/p')).toMatchObject({ code: 0 });
    expect(await listing(at('vault/p'))).toEqual(['detections.jsonl', 'quarantine.jsonl', 'run.json', 'sources.jsonl']);
    expect(await listing(at('moved.private'))).toEqual([]);
  });

  it('--log-geometry decides what the public log tells of boxes', async () => {
    const regions: Record<string, { box?: [number, number, number, number] }[]> = {};
    for (const level of ['full', 'coarse', 'none']) {
      expect(await run('in/a.jpg', '--out', `log-${level}`, '--log-geometry', level)).toMatchObject({ code: 0 });
      regions[level] = (await jsonLines(at(`log-${level}/_anonymize/redactions/00000.jsonl`)))[0].regions;
    }
    const { full = [], coarse = [], none = [] } = regions;
    expect(full.length).toBeGreaterThan(0);
    expect(none.map((r) => Object.keys(r))).toEqual(full.map((r) => Object.keys(r).filter((k) => k !== 'box')));
    for (const [i, { box }] of coarse.entries()) {
      const [x, y, w, h] = box as [number, number, number, number];
      const [fx, fy, fw, fh] = full.at(i)?.box ?? [0, 0, 1e9, 1e9];
      expect([x % 16, y % 16]).toEqual([0, 0]);
      expect(x <= fx && y <= fy && x + w >= fx + fw && y + h >= fy + fh).toBe(true);
    }
    expect(coarse).not.toEqual(full);
  });

  it('--redact none warns, and leaves the image alone', async () => {
    const ran = await run('in/a.jpg', '--out', 'bare', '--redact', 'face=none');
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('Note: face will NOT be redacted (mode none)\n');
    expect(ran.stdout).toMatch(/face +0 +0 +NOT redacted \(mode none\)/);
  });

  it('--redact and --fill decide what a region looks like', async () => {
    const options = [
      '--redact',
      'face=blur',
      '--redact',
      'face=solid',
      '--fill',
      '#00f',
      '--format',
      'folder',
      '--log-geometry',
      'full',
    ];
    expect(await run('in/a.jpg', '--out', 'solid', ...options, '--encode', 'png')).toMatchObject({ code: 0 });
    const [record] = await jsonLines(at('solid/_anonymize/redactions/00000.jsonl'));
    const { data, info } = await sharp(await readFile(at('solid/a.png')))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(record.regions.length).toBeGreaterThan(0);
    for (const { mode, box } of record.regions) {
      expect(mode).toBe('solid');
      const [x, y, w, h] = box as [number, number, number, number];
      const centre = ((y + (h >> 1)) * info.width + x + (w >> 1)) * info.channels;
      expect([...data.subarray(centre, centre + 3)]).toEqual([0, 0, 255]);
    }
  });
});

describe('an output that cannot be written', () => {
  it('is refused where there is no permission', async ({ skip }) => {
    if (process.platform === 'win32') skip();
    await mkdir(at('readonly'));
    await chmod(at('readonly'), 0o555);
    // Root writes anywhere, so there it takes a user who is not.
    const through = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups'] : [];
    await chmod(root, 0o755);
    await mkdir(at('cache'));
    await chmod(at('cache'), 0o777);
    const starts = await anonymize(['--version'], { through }).catch(() => undefined);
    if (starts?.code !== 0) skip('needs a user other than root who may run the command');
    const env = { ANONYMIZE_CACHE: at('cache') };
    const ran = await anonymize(['in', '--out', 'readonly/out', ...FAST], {
      cwd: root,
      through,
      env,
    });
    expect(ran.stderr).toMatch(/Expected to write .*readonly.*permission denied \(EACCES\)/);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(await listing(at('readonly'))).toEqual([]);
  });

  it('ends the run without half a shard when a file may not grow', async ({ skip }) => {
    if (process.platform === 'win32') skip();
    await write(
      at('many'),
      Object.fromEntries(
        await Promise.all([1, 2, 3, 4, 5, 6].map(async (n) => [`${n}.jpg`, await photograph(n, 640)])),
      ),
    );
    // The limit is in blocks of 512 or 1024 bytes: too little for the six images, enough for everything else.
    const through = ['sh', '-c', 'ulimit -f 300; exec "$@"', 'sh'];
    const ran = await anonymize(['many', '--out', 'full', ...FAST], { cwd: root, through });
    expect(ran.stderr).toMatch(
      /Expected to write .*00000\.tar.* but the file would be larger than the system allows \(EFBIG\)/,
    );
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(await listing(at('full'))).toEqual(['_anonymize/run.json']);
    expect(await json(at('full/_anonymize/run.json'))).toMatchObject({ status: 'failed' });
    for (const file of (await listing(at('full.private'))).filter((name) => name.endsWith('.jsonl')))
      expect(await readFile(at('full.private', file), 'utf8')).toBe('');
  });

  it('ends the run without half a shard when the disk is full', async ({ skip }) => {
    await mkdir(at('disk'));
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', at('disk')]);
    if (mount.status !== 0) skip('needs permission to mount a small file system');
    try {
      const ran = await anonymize(
        ['many', '--out', 'disk/full', '--private-dir', 'p', '--samples-per-shard', '2', ...FAST],
        { cwd: root },
      );
      expect(ran.stderr).toMatch(/Expected to write .* but no space left on the device \(ENOSPC\)/);
      expect(ran).toMatchObject({ code: 2, stdout: '' });
      await expectOnlyWholeShards(at('disk/full'));
    } finally {
      execFileSync('umount', [at('disk')]);
    }
  });
});

/** Every shard has all its files, none is temporary, and each can be read to its end. */
async function expectOnlyWholeShards(out: string): Promise<number> {
  const files = await listing(out);
  const shards = files.filter((file) => /^\d+\.tar$/.test(file)).map((file) => file.slice(0, 5));
  expect(files.filter((file) => !file.startsWith('_')).sort()).toEqual(
    shards.flatMap((shard) => [`${shard}.parquet`, `${shard}.tar`, `${shard}_stats.json`]),
  );
  for (const shard of shards) {
    const members = await unpackTar(await readFile(path.join(out, `${shard}.tar`)));
    const records = await jsonLines(path.join(out, `_anonymize/redactions/${shard}.jsonl`));
    expect(members).toHaveLength(records.length * 2);
  }
  expect(files.filter((file) => file.includes('redactions/'))).toHaveLength(shards.length);
  return shards.length;
}

describe('Ctrl-C', () => {
  const shardIsThere = async (out: string, shard: string, child: ChildProcess): Promise<void> => {
    while (child.exitCode === null && !(await listing(at(out))).includes(`${shard}_stats.json`)) await pause(20);
  };

  it('finishes what is in work, keeps whole shards, says so and exits with 130', async ({ skip }) => {
    if (process.platform === 'win32') skip();
    await mkdir(at('copies'));
    for (let i = 0; i < 300; i++) await symlink('../in/a.jpg', at(`copies/${i}.jpg`));
    const ran = await anonymize(['copies', '--out', 'cut', '--samples-per-shard', '3', ...FAST], {
      cwd: root,
      started: async (child) => {
        await shardIsThere('cut', '00001', child);
        child.kill('SIGINT');
      },
    });
    expect(ran.code).toBe(130);
    expect(ran.stderr).toContain('Interrupted: finishing what is in work (once more to stop at once)\n');
    expect(ran.stdout).toMatch(/^Interrupted after \d+ of 300 images .* Complete shards are kept/);
    const shards = await expectOnlyWholeShards(at('cut'));
    expect(shards).toBeGreaterThanOrEqual(2);
    expect(shards).toBeLessThan(100);
    expect(await json(at('cut/_anonymize/run.json'))).toMatchObject({ status: 'interrupted' });
    expect(await jsonLines(at('cut.private/sources.jsonl'))).toHaveLength(shards * 3);
    // What is there is sound; what is missing is what an interrupted run has not written.
    const { code, stdout } = await anonymize(['verify', 'cut', '--json'], { cwd: root });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      images: shards * 3,
      problems: [
        'Expected a finished run but its status is interrupted',
        'Expected _anonymize/SHA256SUMS but it is missing',
      ],
    });
  });

  it('twice stops at once; the next run can replace what is left', async ({ skip }) => {
    if (process.platform === 'win32') skip();
    const ran = await anonymize(['copies', '--out', 'dead', '--samples-per-shard', '3', ...FAST], {
      cwd: root,
      started: async (child) => {
        await shardIsThere('dead', '00000', child);
        child.kill('SIGINT');
        await pause(30);
        child.kill('SIGINT');
      },
    });
    expect(ran.code).toBe(130);
    expect(ran.stderr.replace(/^\d+ images, .*\n/, '')).toMatch(/^Interrupted: finishing what is in work[^\n]*\n$/);
    expect(await run('in', '--out', 'dead', '--overwrite')).toMatchObject({ code: 0 });
    expect(await anonymize(['verify', 'dead'], { cwd: root })).toMatchObject({ code: 0 });
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { cacheDir, cachedPath, readCached, sha256Hex, writeCached } from '../../src/models/cache.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'cache-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const bytes = new TextEncoder().encode('a model');
const hash = sha256Hex(bytes);

it('hashes', () => {
  expect(sha256Hex(new TextEncoder().encode('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});

describe('cacheDir', () => {
  it.each([
    ['linux', { ANONYMIZE_CACHE: '/c', XDG_CACHE_HOME: '/x' }, /^\/c$/],
    ['linux', { ANONYMIZE_CACHE: '', XDG_CACHE_HOME: '/x' }, /^\/x\/anonymize$/],
    ['linux', { XDG_CACHE_HOME: '' }, /\/\.cache\/anonymize$/],
    ['linux', {}, /\/\.cache\/anonymize$/],
    ['darwin', { XDG_CACHE_HOME: '/x' }, /\/Library\/Caches\/anonymize$/],
    ['win32', { LOCALAPPDATA: '/local' }, /^\/local\/anonymize$/],
  ] as const)('on %s with %o', (platform, env, expected) => {
    expect(cacheDir(env, platform)).toMatch(expected);
  });
});

describe('cache', () => {
  it('gives back what was put in, under its hash', async () => {
    const dir = path.join(root, 'deep', 'er');
    expect(await readCached(dir, hash)).toBeUndefined();
    expect(await writeCached(dir, hash, bytes)).toBe(cachedPath(dir, hash));
    expect(await readdir(dir)).toEqual([`${hash}.onnx`]);
    expect(await readCached(dir, hash)).toEqual(Buffer.from(bytes));
  });

  it.each([
    ['truncated', bytes.subarray(0, 3)],
    ['empty', new Uint8Array(0)],
    ['changed', new TextEncoder().encode('b model')],
  ])('does not use a file that is %s, and replaces it', async (_, damaged) => {
    await writeFile(cachedPath(root, hash), damaged);
    expect(await readCached(root, hash)).toBeUndefined();
    await writeCached(root, hash, bytes);
    expect(await readCached(root, hash)).toEqual(Buffer.from(bytes));
  });

  it('stands several writers of the same content', async () => {
    const large = new Uint8Array(3_000_000).map((_, i) => i * 31);
    const largeHash = sha256Hex(large);
    const reads: (Uint8Array | undefined)[] = [];
    await Promise.all([
      ...Array.from({ length: 8 }, () => writeCached(root, largeHash, large)),
      ...Array.from({ length: 8 }, async () => reads.push(await readCached(root, largeHash))),
    ]);
    expect(await readdir(root)).toEqual([`${largeHash}.onnx`]);
    expect(sha256Hex(await readFile(cachedPath(root, largeHash)))).toBe(largeHash);
    for (const read of reads) expect(read === undefined || read.length === large.length).toBe(true);
  });

  it('names the setting when the folder cannot be used', async () => {
    const file = path.join(root, 'file');
    await writeFile(file, 'not a folder');
    const dir = path.join(file, 'cache');
    for (const attempt of [() => writeCached(dir, hash, bytes), () => readCached(dir, hash)]) {
      await expect(attempt()).rejects.toThrow(ModelError);
      await expect(attempt()).rejects.toThrow(
        `Expected a writable model cache at ${dir} (set ANONYMIZE_CACHE to move it) but received: ENOTDIR`,
      );
    }
  });

  it('leaves no temporary file when it cannot put the content in place', async () => {
    // A folder of the file's name: the rename fails after everything has been written.
    await mkdir(path.join(cachedPath(root, hash), 'occupied'), { recursive: true });
    await expect(writeCached(root, hash, bytes)).rejects.toThrow(ModelError);
    expect(await readdir(root)).toEqual([`${hash}.onnx`]);
  });
});

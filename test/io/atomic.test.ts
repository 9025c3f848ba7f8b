import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputError, UsageError } from '../../src/errors.ts';
import { sha256, writeTextAtomic } from '../../src/io/atomic.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'anonymize-io-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* pieces(all: readonly string[], end?: Error): AsyncGenerator<string> {
  yield* all;
  if (end) throw end;
}

describe('a text that comes piece by piece', () => {
  it.each([
    ['nothing', []],
    ['short pieces, one of them empty', ['one\n', '', 'zwölf\n']],
    ['more than is written at once', Array.from({ length: 9000 }, (_, i) => `${'ä'.repeat(60)}${i}\n`)],
  ])('of %s is in the file as a whole, and its hash is told', async (_, all) => {
    const path = join(folder, 'text');
    const told = await writeTextAtomic(path, pieces(all));
    expect(await readFile(path, 'utf8')).toBe(all.join(''));
    expect(told).toBe(sha256(all.join('')));
    expect(await readdir(folder)).toEqual(['text']);
  });

  it.each([
    ['an error of the pieces is one of the output', new Error('gone'), OutputError],
    ['what the user has done stays what it is', new UsageError('damaged'), UsageError],
  ])('leaves what was there when it breaks off: %s', async (_, error, kind) => {
    const path = join(folder, 'text');
    await writeFile(path, 'earlier');
    await expect(writeTextAtomic(path, pieces(['begun\n'], error))).rejects.toThrow(kind);
    expect(await readFile(path, 'utf8')).toBe('earlier');
    expect(await readdir(folder)).toEqual(['text']);
  });
});

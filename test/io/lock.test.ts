import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutputError, UsageError } from '../../src/errors.ts';
import { describeWriter, OutputLock } from '../../src/io/lock.ts';
import { filesIn, scratch } from '../fixtures/ioHelpers.ts';

const LOCK = '_anonymize/lock';

async function lockOf(owner: object, ageSeconds = 0): Promise<string> {
  const out = await scratch();
  const mine = await OutputLock.acquire(out);
  const text = await readFile(join(out, LOCK), 'utf8');
  await mine.release();
  await writeFile(join(out, LOCK), JSON.stringify({ ...JSON.parse(text), id: 'other', ...owner }));
  const then = Date.now() / 1000 - ageSeconds;
  await utimes(join(out, LOCK), then, then);
  return out;
}

/** The id of a process that has ended. */
const gone = (): number => spawnSync(process.execPath, ['--version']).pid;

describe('the lock of an output', () => {
  it('keeps a second run out, names the owner and how long ago it was heard of, and goes with its run', async () => {
    const out = await scratch();
    const lock = await OutputLock.acquire(out);
    const refused = OutputLock.acquire(out);
    await expect(refused).rejects.toBeInstanceOf(UsageError);
    await expect(refused).rejects.toThrow(
      new RegExp(`no other run in .* but process ${process.pid} .*for \\d+ s, with a sign of life \\d+ s ago`),
    );
    await lock.assertHeld();
    await lock.release();
    expect([...(await filesIn(out)).keys()]).toEqual([]);
    await (await OutputLock.acquire(out)).release();
  });

  it('tells neither the machine nor the user', async () => {
    const out = await scratch();
    const lock = await OutputLock.acquire(out);
    const text = await readFile(join(out, LOCK), 'utf8');
    await lock.release();
    expect(Object.keys(JSON.parse(text))).toEqual(['id', 'pid', 'host', 'since']);
    expect(text).not.toContain(hostname());
    expect(text).not.toContain(userInfo().username);
  });

  it.each<[what: string, owner: () => object, age: number]>([
    ['its process is gone', () => ({ pid: gone() }), 0],
    [
      'it has the pid of this process, which never took it, as after the restart of a container',
      () => ({ pid: process.pid }),
      0,
    ],
    ['another machine has not touched it for a minute', () => ({ host: 'elsewhere' }), 61],
    ['a process that may be another by now has not touched it for a minute', () => ({ pid: process.ppid }), 61],
  ])('is left over when %s', async (_, owner, age) => {
    const out = await lockOf(owner(), age);
    expect(await describeWriter(out)).toBeUndefined();
    const lock = await OutputLock.acquire(out);
    await lock.assertHeld();
    expect([...(await filesIn(out)).keys()]).toEqual([LOCK]);
    await lock.release();
  });

  it.each<[what: string, owner: () => object, age: number, told: RegExp]>([
    ['its process lives', () => ({ pid: process.ppid }), 30, /process \d+ has been .* sign of life 30 s ago/],
    ['another machine has touched it', () => ({ host: 'elsewhere', pid: gone() }), 30, /on another machine/],
  ])('holds while %s', async (_, owner, age, told) => {
    const out = await lockOf(owner(), age);
    expect(await describeWriter(out)).toMatch(told);
    await expect(OutputLock.acquire(out)).rejects.toThrow(told);
  });

  it('holds while its owner is still writing it, for a minute', async () => {
    const out = await scratch();
    await mkdir(join(out, '_anonymize'));
    await writeFile(join(out, LOCK), '');
    await expect(OutputLock.acquire(out)).rejects.toThrow(/a process has been writing there/);
    await utimes(join(out, LOCK), 0, 0);
    await (await OutputLock.acquire(out)).release();
  });

  it.each<[what: string, change: (path: string) => Promise<void>]>([
    ['taken over', (path) => writeFile(path, JSON.stringify({ id: 'other', pid: 1, host: '', since: '' }))],
    ['removed', (path) => rm(path)],
  ])('stops a run whose lock was %s meanwhile, and is left to the other', async (_, change) => {
    const out = await scratch();
    const lock = await OutputLock.acquire(out);
    await change(join(out, LOCK));
    const before = await filesIn(out);
    await expect(lock.assertHeld()).rejects.toBeInstanceOf(OutputError);
    expect(lock.lost).toBe(true);
    await lock.release();
    expect(await filesIn(out)).toEqual(before);
  });

  it('goes to one of many that want a lock that is left over', async () => {
    const out = await lockOf({ pid: gone() });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => OutputLock.acquire(out)));
    const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const held = await Promise.all(
      locks.map((lock) =>
        lock.assertHeld().then(
          () => true,
          () => false,
        ),
      ),
    );
    expect(held.filter(Boolean)).toHaveLength(1);
    for (const lock of locks) await lock.release();
  });
});

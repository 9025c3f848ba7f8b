import type { ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packTar } from 'modern-tar';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyOutput } from '../../src/outputs/verify.ts';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, listing, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--samples-per-shard', '2'];
const run = (...args: string[]): Promise<Ran> => anonymize([...args, ...FAST], { cwd: root });
const IMAGES = 12;

beforeAll(async () => {
  const photos = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => photograph(n, 200)));
  await mkdir(at('in/copies'), { recursive: true });
  const members: { header: { name: string; size: number }; body: Buffer }[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const body = photos[i % 6] as Buffer;
    if (i < 6) await writeFile(at(`in/${i}.jpg`), body);
    else await symlink(`../${i % 6}.jpg`, at(`in/copies/${i}.jpg`));
    members.push({ header: { name: `${i}.jpg`, size: body.length }, body });
  }
  await writeFile(at('in.tar'), await packTar(members));
});

/** Waits until the process has begun to write below `out`. */
async function begun(out: string, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const lock = await readFile(at(out, '_anonymize/lock'), 'utf8').catch(() => '');
    if (lock.includes(`"pid":${child.pid},`)) return true;
    await pause(2);
  }
  return false;
}

/** Both folders; the times in the summaries are not told. */
async function results(out: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const folder of [out, `${out}.private`]) {
    for (const [file, bytes] of await filesIn(at(folder))) {
      const text = bytes.toString('latin1');
      const isSummary = file.endsWith('_stats.json');
      const told = isSummary ? text.replace(/"(start_time|end_time|duration)": [\d.e-]+/g, '') : text;
      all.set(folder === out ? file : `private/${file}`, told);
    }
  }
  return all;
}

describe.skipIf(process.platform === 'win32')('a run that is killed', () => {
  it.each([
    ['in', 'webdataset'],
    ['in', 'folder'],
    ['in.tar', 'webdataset'],
  ])('four times at random ends with the same bytes: %s as %s', async (input, format) => {
    const [whole, killed] = [`${input}-${format}`, `${input}-${format}-killed`];
    const args = [input, '--format', format];
    let started = 0;
    const undisturbed = await anonymize([...args, '--out', whole, ...FAST], {
      cwd: root,
      started: async (child) => {
        if (await begun(whole, child)) started = performance.now();
      },
    });
    const duration = performance.now() - started;
    expect(undisturbed).toMatchObject({ code: 0 });
    const delays: number[] = [];
    for (let kill = 0; kill < 4; kill++) {
      const delay = Math.random() * duration * 0.5;
      delays.push(Math.round(delay));
      await anonymize([...args, '--out', killed, ...FAST], {
        cwd: root,
        started: async (child) => {
          if (!(await begun(killed, child))) return;
          await pause(delay);
          child.kill('SIGKILL');
        },
      });
    }
    expect(await run(...args, '--out', killed)).toMatchObject({ code: 0 });
    const expected = await results(whole);
    expect(await results(killed), `killed after ${delays.join(', ')} ms`).toEqual(expected);
    expect((await readdir(at(killed))).filter((name) => name.startsWith('.'))).toEqual([]);
    expect((await verifyOutput(at(killed))).problems).toEqual([]);
  });
});

describe('the same command again', () => {
  beforeAll(async () => {
    await write(at('small'), {
      'a.jpg': await photograph(1, 160),
      'b.jpg': 'no photograph',
      'c.jpg': await photograph(2, 160),
    });
    expect(await run('small', '--out', 'done')).toMatchObject({ code: 1 });
  });

  it('finds the output complete, changes nothing, and exits as before', async () => {
    const before = await filesIn(at('done'));
    const again = await run('small', '--out', 'done');
    expect(again).toMatchObject({ code: 1, stderr: '' });
    expect(again.stdout).toMatch(
      /^Complete already: 2 of 3 images anonymized and published by an earlier run\. Nothing was changed\.\n/,
    );
    expect(again.stdout).toMatch(/1 not published:/);
    const asJson = JSON.parse((await run('small', '--out', 'done', '--json')).stdout);
    expect(asJson).toMatchObject({ status: 'finished', done: 3, kept: 3, published: 2, rejected: 1 });
    expect(await filesIn(at('done'))).toEqual(before);
  });

  it('with other settings is refused, and told which', async () => {
    const before = await filesIn(at('done'));
    const other = await run('small', '--out', 'done', '--redact', 'face=solid');
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain('(earlier → now): redact.face: blur → solid;');
    expect((await run('small', '--out', 'done', '--seed', '1')).stderr).toContain('does not tell, such as --seed;');
    expect((await run('small', '--out', 'done', '--jpeg-quality', '80')).stderr).toContain('jpeg-quality: 92 → 80;');
    expect((await run('in', '--out', 'done')).stderr).toMatch(/sample 0 was ".*small\/a\.jpg" .* found ".*in\/0\.jpg"/);
    expect((await run('small', '--out', 'done', '--no-resume')).stderr).toContain('has content; --overwrite');
    expect(await filesIn(at('done'))).toEqual(before);
  });

  it('with --retry-failed tries only what failed', async () => {
    await write(at('small'), { 'b.jpg': await photograph(3, 160) });
    const retried = await run('small', '--out', 'done', '--retry-failed', '--json');
    expect(retried.code).toBe(0);
    expect(JSON.parse(retried.stdout)).toMatchObject({ done: 3, kept: 2, published: 3, rejected: 0 });
    expect(await run('small', '--out', 'fresh')).toMatchObject({ code: 0 });
    const [after, fresh] = [await results('done'), await results('fresh')];
    expect(after).toEqual(fresh);
    expect(await jsonLines(at('done.private/quarantine.jsonl'))).toEqual([]);
    expect((await run('small', '--out', 'done', '--retry-failed')).stdout).toMatch(/^Complete already: 3 of 3/);
  });

  it.skipIf(process.platform === 'win32')('while the first is at work is refused', async () => {
    let second: Ran | undefined;
    let problems: string[] = [];
    const first = await anonymize(['in', '--out', 'shared', ...FAST], {
      cwd: root,
      started: async (child) => {
        while (child.exitCode === null && !(await listing(at('shared'))).includes('00000.tar')) {
          await pause(5);
        }
        // Stopped, so that it is surely there when the second one looks.
        child.kill('SIGSTOP');
        try {
          second = await run('in', '--out', 'shared', '--overwrite');
          problems = JSON.parse((await anonymize(['verify', 'shared', '--json'], { cwd: root })).stdout).problems;
        } finally {
          child.kill('SIGCONT');
        }
      },
    });
    expect(second).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/no other run in .*shared but process \d+/),
    });
    expect(problems[1]).toMatch(/^Expected no run at work but process \d+ has been writing there/);
    expect(first).toMatchObject({ code: 0 });
    expect(await json(at('shared/_anonymize/run.json'))).toMatchObject({ status: 'finished', published: IMAGES });
  });
});

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesIn } from '../fixtures/ioHelpers.ts';
import { anonymize, json, jsonLines, photograph, type Ran, sharedScratch, write } from './command.ts';

const root = await sharedScratch();
const at = (...names: string[]): string => path.join(root, ...names);
const FAST = ['--preset', 'faces', '--quality', 'fast', '--workers', '1', '--samples-per-shard', '2'];
const command = (args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  anonymize(args, { cwd: root, env });
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  command([...args, ...FAST], env);
/** In the environment of the tests, no part of anything. */
const part = (index: number, count = 3): string[] => ['--shard-index', `${index}`, '--shard-count', `${count}`];

beforeAll(async () => {
  const photos = await Promise.all([1, 2, 3].map((n) => photograph(n, 160)));
  const files = Object.fromEntries([0, 1, 2, 4, 5, 6, 7].map((i) => [`in/${i % 2}/${i}.jpg`, photos[i % 3] as Buffer]));
  await write(root, { ...files, 'in/0/3.jpg': 'no photograph' });
});

/** Both folders; the times in the summaries are not told. */
async function results(out: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const folder of [out, `${out}.private`]) {
    for (const [file, bytes] of await filesIn(at(folder))) {
      const told = bytes.toString('latin1').replace(/"(start_time|end_time|duration)": [\d.e-]+/g, '');
      all.set(folder === out ? file : `private/${file}`, told);
    }
  }
  return all;
}

const CASES: [name: string, args: string[]][] = [
  ['shards', ['in', '--labels', 'folders', '--redact', 'face=synthetic', '--pseudonyms', 'stable']],
  ['folder', ['in', '--format', 'folder']],
];

describe.each(CASES)('a run in three parts: %s', (name, args) => {
  it('ends with the bytes of one process', async () => {
    const [whole, out] = [`${name}-whole`, `${name}-parts`];
    expect(await run([...args, '--out', whole])).toMatchObject({ code: 1 });
    expect(await run([...args, '--out', out, ...part(2)])).toMatchObject({ code: 0 });
    const [first, second] = await Promise.all([
      run([...args, '--out', out, ...part(0)]),
      run([...args, '--out', out, '--shard-index', 'auto'], {
        SLURM_ARRAY_TASK_ID: '11',
        SLURM_ARRAY_TASK_MIN: '10',
        SLURM_ARRAY_TASK_MAX: '12',
        SLURM_ARRAY_TASK_COUNT: '3',
        SLURM_ARRAY_TASK_STEP: '1',
      }),
    ]);
    expect([first.code, second.code].sort()).toEqual([0, 1]);
    expect(first.stdout).toMatch(/^Part 0 of 3 \(shard 0\): 2 of 2 images anonymized/);
    expect(second.stdout).toMatch(/^Part 1 of 3 \(shard 1\): 1 of 2 images anonymized/);
    expect(second.stdout).toContain(`\nWhen all 3 parts are done: anonymize finalize ${out}\n`);
    const done = await command(['finalize', out]);
    expect(done).toMatchObject({ code: 1, stderr: '' });
    expect(done.stdout).toMatch(
      /^Finalized .*: 3 parts, 4 shards read again, 7 of 8 images published\.\n\n1 not published:\n/,
    );
    expect(await results(out)).toEqual(await results(whole));
    expect(await command(['verify', out])).toMatchObject({ code: 0 });
  });
});

it('is complete after that, for the whole and for each part', async () => {
  const args = [...(CASES[1]?.[1] ?? []), '--out', 'folder-parts'];
  expect(await command(['report', 'folder-parts'])).toMatchObject({ code: 0 });
  expect((await run(args)).stdout).toMatch(/^Complete already: 7 of 8/);
  expect((await run([...args, ...part(1)])).stdout).toMatch(/^Complete already: Part 1 of 3 .*: 1 of 2/);
});

it.each([
  ['verify', 'begun'],
  ['report', 'begun'],
  ['withdraw', 'begun', '--source', '5.jpg', '--yes'],
  ['replay', 'begun.private', '--out', 'never'],
  ['forget', 'begun.private', '--yes'],
])('is not finalized before that, says %s', async (...before) => {
  expect(await run(['in', '--out', 'begun', ...part(2)])).toMatchObject({ code: 0 });
  expect(await command(before)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/not finalized/) });
});

it('a part is killed, goes on, tries again what failed; finalize says what is missing', async () => {
  const args = ['in', '--out', 'killed'];
  const missing = await command(['finalize', 'killed']);
  expect(missing).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('Expected parts of a run in killed'),
  });
  if (process.platform !== 'win32') {
    const killed = await anonymize([...args, ...part(1, 2), ...FAST], {
      cwd: root,
      started: async (child) => {
        const lock = at('killed/_anonymize/parts/1-of-2/lock');
        while (!(await readFile(lock, 'utf8').catch(() => '')).includes(`"pid":${child.pid},`)) await pause(2);
        child.kill('SIGKILL');
      },
    });
    expect(killed.code).toBe(137);
  }
  const unfinished = await command(['finalize', 'killed']);
  expect(unfinished).toMatchObject({ code: 2, stdout: '' });
  expect(unfinished.stderr).toMatch(/^anonymize: Expected 2 finished parts in .* but part 0 is missing, part 1 is/);
  expect(await run([...args, ...part(1, 2)])).toMatchObject({ code: 0 });
  expect((await run([...args, ...part(0, 2), '--jpeg-quality', '80'])).stderr).toMatch(
    /settings of part 1 in .* differ \(there → here\): jpeg-quality: 92 → 80/,
  );
  const summary = JSON.parse((await run([...args, ...part(0, 2), '--json'])).stdout);
  expect(summary).toMatchObject({
    status: 'finished',
    part: { index: 0, count: 2, firstShard: 0, shards: 2, ofTotal: 8 },
    total: 4,
    done: 4,
    published: 3,
    rejected: 1,
  });
  await write(root, { 'in/0/3.jpg': await photograph(4, 160) });
  expect(await run([...args, ...part(0, 2), '--retry-failed'])).toMatchObject({ code: 0 });
  const finalized = JSON.parse((await command(['finalize', 'killed', '--json'])).stdout);
  expect(finalized).toMatchObject({ status: 'finalized', parts: 2, shards: 4, total: 8, published: 8, rejected: 0 });
  expect(await run(['in', '--out', 'fresh'])).toMatchObject({ code: 0 });
  expect(await results('killed')).toEqual(await results('fresh'));
});

it('can be replayed and forgotten after that', async () => {
  expect(await command(['replay', 'killed.private', '--out', 'again', '--workers', '1'])).toMatchObject({ code: 0 });
  expect((await filesIn(at('again'))).get('00003.tar')).toEqual((await filesIn(at('fresh'))).get('00003.tar'));
  expect(await command(['forget', 'killed.private', '--yes'])).toMatchObject({ code: 0 });
});

it('adds up what became of corrections', async () => {
  const detections = await jsonLines(at('fresh.private/detections.jsonl'));
  const lines = [0, 7].map((i) => {
    const { x1, y1, x2, y2 } = detections[i].detections[0].box;
    const point = [(x1 + x2) / 2, (y1 + y2) / 2];
    return JSON.stringify({ key: detections[i].key, action: 'remove', class: 'face', at: point });
  });
  await write(root, { 'c.jsonl': lines.join('\n') });
  const args = ['in', '--corrections', 'c.jsonl'];
  expect(await run([...args, '--out', 'reviewed-whole'])).toMatchObject({ code: 0 });
  for (const index of [0, 1]) {
    const ran = await run([...args, '--out', 'reviewed', ...part(index, 2)]);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('1 region removed by review') });
  }
  expect(await command(['finalize', 'reviewed'])).toMatchObject({ code: 0 });
  expect(await results('reviewed')).toEqual(await results('reviewed-whole'));
  expect(await json(at('reviewed/_anonymize/run.json'))).toMatchObject({ review: { removed: 2 } });
});

it.each<[string, string[], RegExp]>([
  ['an index without a count', ['--shard-index', '0'], /Expected --shard-count with --shard-index/],
  ['an index that is none', ['--shard-index', 'x', '--shard-count', '2'], /a number or auto but received "x"/],
  ['an environment of nothing', ['--shard-index', 'auto', '--shard-count', '2'], /found none/],
])('is refused before anything is written: %s', async (_, args, message) => {
  const env = { SLURM_ARRAY_TASK_ID: '', SLURM_PROCID: '', JOB_COMPLETION_INDEX: '' };
  expect(await run(['in', '--out', 'refused', ...args], env)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(message),
  });
  expect((await filesIn(at('refused')).catch(() => new Map())).size).toBe(0);
});

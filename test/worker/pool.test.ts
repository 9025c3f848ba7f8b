import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Outcome } from '../../src/core/outcome.ts';
import { ModelError } from '../../src/errors.ts';
import type { Job } from '../../src/worker/job.ts';
import { type PoolOptions, WorkerPool } from '../../src/worker/pool.ts';

/**
 * A worker that does as the sample's bytes say, and answers with the most samples that it ever held.
 * The pool is real: threads, messages, deaths.
 */
const WORKER = `
import { appendFileSync } from 'node:fs';
let held = 0;
let most = 0;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default async function (task) {
  if (task.kind === 'check') return { kind: 'ready', providers: ['cpu'] };
  const [order, log] = Buffer.from(task.ref.bytes).toString().split(' ');
  most = Math.max(most, ++held);
  if (log) appendFileSync(log, 'x');
  await pause(5);
  if (order === 'exit') process.exit(1);
  if (order === 'throw') throw new TypeError('no such thing');
  if (order === 'hang') for (;;);
  if (order === 'slow') await pause(1300);
  if (order === 'fatal') return { kind: 'fatal', message: 'NaN' };
  held--;
  return { kind: 'outcome', outcome: { status: 'quarantined', stage: 'decode', reason: order, message: String(most) } };
}`;

let folder: string;
let filename: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'anonymize-pool-'));
  filename = path.join(folder, 'worker.mjs');
  await writeFile(filename, WORKER);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function open(options: Omit<PoolOptions, 'filename'>): WorkerPool {
  const pool = new WorkerPool({ timeLimit: 10 } as Job, { filename, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

function order(text: string): Parameters<WorkerPool['process']>[0] {
  return { kind: 'bytes', bytes: new TextEncoder().encode(text) };
}

const reasonOf = (outcome: Outcome): string => (outcome.status === 'verified' ? 'verified' : outcome.reason);

it('holds at most two samples per worker, whatever is asked of it at once', async () => {
  const pool = open({ workers: 2 });
  expect(await pool.ready()).toEqual(['cpu']);
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => pool.process(order('fine'))));
  expect(outcomes.map(reasonOf)).toEqual(Array(40).fill('fine'));
  const held = outcomes.map((outcome) => ('message' in outcome ? Number(outcome.message) : Infinity));
  expect(Math.max(...held)).toBe(2);
  expect(pool.capacity).toBe(4);
  expect(pool.peakInFlight).toBe(4);
});

it('loses only the sample that kills its worker, after three attempts', async () => {
  const pool = open({ workers: 2 });
  const log = path.join(folder, 'deaths');
  const orders = Array.from({ length: 24 }, (_, i) => (i === 5 ? `exit ${log}` : 'fine'));
  const outcomes = await Promise.all(orders.map((text) => pool.process(order(text))));
  expect(outcomes.map(reasonOf)).toEqual(orders.map((text) => (text === 'fine' ? 'fine' : 'worker-died')));
  expect(outcomes[5]).toMatchObject({ status: 'failed_to_anonymize', stage: 'worker' });
  expect((await stat(log)).size).toBe(3);
});

it('takes an error that a worker throws for a failure of that sample alone', async () => {
  const pool = open({ workers: 1 });
  const outcomes = await Promise.all(['fine', 'throw', 'fine'].map((text) => pool.process(order(text))));
  expect(outcomes.map(reasonOf)).toEqual(['fine', 'worker-died', 'fine']);
  expect(outcomes[1]).toMatchObject({ message: 'no such thing' });
});

it('gives a worker that hangs up and goes on with the others', async () => {
  const pool = open({ workers: 2, giveUpAfter: 1 });
  await pool.ready();
  const outcomes = await Promise.all(
    ['hang', ...Array<string>(12).fill('fine')].map((text) => pool.process(order(text))),
  );
  const reasons = outcomes.map(reasonOf);
  expect(outcomes[0]).toMatchObject({ status: 'failed_to_anonymize', stage: 'worker', reason: 'time-limit' });
  // What else was handed to the blocked thread is lost with it: never more than it holds.
  expect(reasons.filter((reason) => reason === 'time-limit').length).toBeLessThanOrEqual(2);
  expect(reasons.filter((reason) => reason === 'fine').length).toBeGreaterThanOrEqual(11);
});

it('says so when no worker answers any more, also to those in line', async () => {
  const pool = open({ workers: 1, giveUpAfter: 0.3 });
  await pool.ready();
  const results = await Promise.allSettled(['hang', 'fine', 'fine', 'fine'].map((text) => pool.process(order(text))));
  expect(results[0]).toMatchObject({ status: 'fulfilled', value: { reason: 'time-limit' } });
  for (const result of results.slice(1)) {
    expect(result).toMatchObject({ status: 'rejected', reason: expect.any(ModelError) });
  }
  await expect(pool.process(order('fine'))).rejects.toThrow('Expected 1 working threads but every one of them');
});

it('does not count the time spent in line, and takes a late worker back', async () => {
  const pool = open({ workers: 1, giveUpAfter: 1 });
  await pool.ready();
  expect(reasonOf(await pool.process(order('slow')))).toBe('time-limit');
  // Together they take longer than the limit of one; the late answer frees its slot among them.
  const outcomes = await Promise.all(Array.from({ length: 500 }, () => pool.process(order('fine'))));
  expect(new Set(outcomes.map(reasonOf))).toEqual(new Set(['fine']));
  const held = outcomes.map((outcome) => ('message' in outcome ? Number(outcome.message) : Infinity));
  expect(Math.max(...held)).toBe(2);
});

it('rejects when a worker cannot be trusted', async () => {
  const pool = open({ workers: 1 });
  await expect(pool.process(order('fatal'))).rejects.toThrow(new ModelError('NaN'));
});

it('finishes what is running or in line before it closes, and takes nothing after', async () => {
  const pool = open({ workers: 1 });
  const running = Array.from({ length: 9 }, () => pool.process(order('fine')));
  await pool.close();
  expect((await Promise.all(running)).map(reasonOf)).toEqual(Array(9).fill('fine'));
  await expect(pool.process(order('fine'))).rejects.toThrow('it has been closed');
});

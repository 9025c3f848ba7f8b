import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import type { Job } from '../../src/worker/job.ts';
import { WorkerPool } from '../../src/worker/pool.ts';

/** Answers with what the sample's bytes say, whatever the task; the pool is real. */
const WORKER = `
const detected = { status: 'detected', width: 3, height: 2, detections: [], timings: { decode: 1 } };
const rejected = { status: 'quarantined', stage: 'decode', reason: 'truncated', message: 'cut' };
export default async function (task) {
  if (task.kind === 'check') return { kind: 'ready', providers: ['cpu'] };
  const order = Buffer.from(task.ref.bytes).toString();
  if (order === 'exit') process.exit(1);
  if (order === 'fatal') return { kind: 'fatal', message: 'NaN' };
  if (order === 'damaged') return { kind: 'detected', outcome: rejected };
  return order === task.kind ? { kind: 'detected', outcome: detected } : { kind: 'outcome', outcome: rejected };
}`;

let folder: string;
let pool: WorkerPool;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'anonymize-detect-'));
  await writeFile(path.join(folder, 'worker.mjs'), WORKER);
  pool = new WorkerPool({ timeLimit: 10 } as Job, { workers: 1, filename: path.join(folder, 'worker.mjs') });
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

const order = (text: string): Parameters<WorkerPool['detect']>[0] => ({
  kind: 'bytes',
  bytes: new TextEncoder().encode(text),
});

it('hands back what was detected, or why nothing could be', async () => {
  expect(await pool.detect(order('detect'))).toMatchObject({ status: 'detected', width: 3, height: 2 });
  expect(await pool.detect(order('damaged'))).toMatchObject({ status: 'quarantined', reason: 'truncated' });
});

it('loses only the sample that kills its worker', async () => {
  const outcomes = await Promise.all(['detect', 'exit', 'detect'].map((text) => pool.detect(order(text))));
  expect(outcomes).toMatchObject([{ status: 'detected' }, { reason: 'worker-died' }, { status: 'detected' }]);
});

it('refuses an answer to another question', async () => {
  await expect(pool.detect(order('other'))).rejects.toThrow(new ModelError('Expected detections from a worker'));
});

it('rejects when a worker cannot be trusted', async () => {
  await expect(pool.detect(order('fatal'))).rejects.toThrow(new ModelError('NaN'));
});

import { readFile, stat } from 'node:fs/promises';
import { workerData } from 'piscina';
import type { SampleRef } from '../core/sample.ts';
import { ModelError, SampleError } from '../errors.ts';
import { detectSegment, redactSegment } from './clip.ts';
import { poseSegment } from './clip-poses.ts';
import { redactFrames } from './frames.ts';
import type { Job, Reply, SegmentOutcome, SegmentTask, Task } from './job.ts';
import { Networks } from './networks.ts';
import { detectSample, processSample, rejection } from './process.ts';
import { selfCheck } from './self-check.ts';
import { singlePass } from './single-pass.ts';

const job = workerData as Job;

/** Far more than any photograph within the pixel limit needs; what is larger would only fill the memory. */
const MAX_FILE_BYTES = 512 * 2 ** 20;

async function open(): Promise<Networks> {
  const networks = await Networks.open(job);
  await selfCheck(job, networks.detect);
  return networks;
}

// Opened once per worker. A failure is kept and told to whoever asks, since an error thrown while a
// worker loads would only look like a worker that died.
const opening = open().then(
  (networks) => ({ networks }),
  (error: unknown) => ({ error }),
);

export default async function work(task: Task): Promise<Reply> {
  const opened = await opening;
  if ('error' in opened) return fatal(opened.error);
  const { networks } = opened;
  if (task.kind === 'check') return { kind: 'ready', providers: networks.detect.providers };
  if ('segment' in task) {
    try {
      return { kind: 'segment', outcome: await workOnSegment(task, networks) };
    } catch (error) {
      return fatal(error);
    }
  }
  if (task.kind === 'single-pass') {
    try {
      return { kind: 'passed', outcome: await singlePass(task.pass, job, networks) };
    } catch (error) {
      return fatal(error);
    }
  }
  let bytes: Uint8Array;
  try {
    bytes = await read(task.ref);
  } catch (error) {
    if (task.kind === 'detect') return { kind: 'detected', outcome: rejection(error, 'read') };
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    const isGone = task.known.detections !== undefined && cause?.code === 'ENOENT';
    const gone = new SampleError('read', 'source-gone', 'Expected the image of the earlier run but it is gone');
    return { kind: 'outcome', outcome: rejection(isGone ? gone : error, 'read') };
  }
  try {
    if (task.kind === 'detect') return { kind: 'detected', outcome: await detectSample(bytes, job, networks.detect) };
    return { kind: 'outcome', outcome: await processSample(bytes, job, networks, task.group, task.known) };
  } catch (error) {
    return fatal(error);
  }
}

function workOnSegment(task: SegmentTask, networks: Networks): Promise<SegmentOutcome> {
  switch (task.kind) {
    case 'detect-segment':
      return detectSegment(task.segment, job, networks);
    case 'pose-segment':
      return poseSegment(task.segment, job, networks);
    case 'redact-segment':
      return redactSegment(task.segment, job, networks);
    case 'frame-segment':
      return redactFrames(task.segment, job, networks);
  }
}

async function read(ref: SampleRef): Promise<Uint8Array> {
  switch (ref.kind) {
    case 'bytes':
      return ref.bytes;
    case 'refused':
      throw new SampleError('read', ref.reason, ref.message);
    case 'file':
      return readImage(ref.path);
  }
}

async function readImage(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_FILE_BYTES) return await readFile(path);
    const message = `Expected a file of at most ${MAX_FILE_BYTES} bytes but received ${size}`;
    throw new SampleError('read', 'too-large', message);
  } catch (error) {
    if (error instanceof SampleError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new SampleError('read', 'unreadable', `Expected a readable file but received ${code}`, { cause: error });
  }
}

function fatal(error: unknown): Reply {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'fatal', message: error instanceof ModelError ? message : `Worker could not start: ${message}` };
}

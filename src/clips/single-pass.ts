import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Config } from '../config.ts';
import { SampleError } from '../errors.ts';
import { makeFolder, sha256OfFile } from '../io/atomic.ts';
import type { FfmpegTools, PublishedContainer } from '../video/types.ts';
import { verifyClip } from '../video/verify.ts';
import type { ClipRegion } from '../worker/clip.ts';
import type { Job } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { rejection } from '../worker/process.ts';
import type { PassedClip } from '../worker/single-pass.ts';
import type { ListedClip } from './list.ts';
import type { ClipOutput } from './output.ts';
import { type ClipRecord, type FrameRecord, publicClipRegion, type VerifiedClip } from './record.ts';
import { policyOf, strippedOf } from './settings.ts';

export interface SinglePassWork {
  readonly config: Config;
  readonly tools: FfmpegTools;
  readonly job: Job;
  /** Reports weak candidates, too. */
  readonly pool: Pick<WorkerPool, 'pass'>;
  readonly output: Pick<ClipOutput, 'fileOf' | 'publish' | 'reject' | 'stage' | 'workOf'>;
  readonly container: PublishedContainer;
  readonly limitFrames: number;
  /** Two counters: half frames written, and whether to stop (1). */
  readonly counters: SharedArrayBuffer;
}

/**
 * One clip from its file to its published record in a single pass. Undefined when it was stopped: the next run begins
 * with it anew.
 * @throws ModelError, UsageError, OutputError: the run cannot go on.
 */
export async function publishInOnePass(listed: ListedClip, work: SinglePassWork): Promise<ClipRecord | undefined> {
  const { config, container, counters, job, limitFrames, output, pool } = work;
  const out = await output.stage(listed);
  const folder = output.workOf(listed);
  await makeFolder(folder, 0o700);
  try {
    const regions = join(folder, 'regions.jsonl');
    const outcome = await pool.pass({
      files: { source: listed.path, out, regions, glances: join(folder, 'glances'), limitFrames },
      container,
      every: config.detectEvery,
      lookAhead: config.lookAhead ?? 0,
      thresholds: job.detect.thresholds,
      group: listed.index,
      counters,
    });
    if (outcome.status === 'stopped') return undefined;
    if (outcome.status !== 'passed') return await output.reject(listed, outcome);
    const record = await recordOf(listed, outcome, out, work);
    if (!('file' in record)) return await output.reject(listed, record);
    await output.publish(listed, out, record, frameRecords(regions));
    return record;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function recordOf(
  listed: ListedClip,
  { clip, counts, times = { pts: [], duration: 0 } }: PassedClip,
  out: string,
  { config, container, job, output, tools }: SinglePassWork,
) {
  try {
    await verifyClip(tools, out, { ...clip, path: out, ...times, keyframes: [0] }, { container, audio: 'drop' });
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    throw error;
  }
  const record: VerifiedClip = {
    v: 1,
    key: listed.key,
    kind: 'clip',
    file: output.fileOf(listed),
    status: 'verified',
    width: clip.width,
    height: clip.height,
    frames: times.pts.length,
    policy: policyOf(config, job),
    models: job.models,
    counts,
    audio: 'drop',
    stripped: strippedOf(clip, config),
    out_sha256: await sha256OfFile(out),
  };
  return record;
}

async function* frameRecords(file: string): AsyncGenerator<FrameRecord> {
  let frame = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    yield { frame: frame++, regions: (JSON.parse(line) as ClipRegion[]).map(publicClipRegion) };
  }
}

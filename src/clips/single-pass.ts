import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SampleError } from '../errors.ts';
import { makeFolder, sha256OfFile } from '../io/atomic.ts';
import { verifyClip } from '../video/verify.ts';
import type { ClipRegion } from '../worker/clip.ts';
import { rejection } from '../worker/process.ts';
import type { PassedClip } from '../worker/single-pass.ts';
import type { ListedClip } from './list.ts';
import { LIMIT_FRAMES } from './open-clip.ts';
import type { ClipRunParts } from './publish-clip.ts';
import { type ClipRecord, type FrameRecord, publicClipRegion, type VerifiedClip } from './record.ts';
import { policyOf, strippedOf, trackingThresholds } from './settings.ts';

/**
 * One clip from its file to its published record in a single pass. Undefined when it was stopped: the next run begins
 * with it anew.
 * @throws ModelError, UsageError, OutputError: the run cannot go on.
 */
export async function publishInOnePass(listed: ListedClip, parts: ClipRunParts): Promise<ClipRecord | undefined> {
  const { config, containerFor, job, output, pool, frames: run } = parts;
  const progress = run.begin(2, (step) => parts.onStep(step, listed));
  // Nobody knows how many frames it has.
  run.pass(parts.bytesOf(listed));
  const folder = output.workOf(listed);
  try {
    const out = await output.stage(listed);
    await makeFolder(folder, 0o700);
    progress.enter('redact');
    // What the public log tells, and no more: it may lie there as it is.
    const regions = join(folder, 'regions.jsonl');
    const outcome = await pool.pass({
      files: { source: listed.path, out, regions, glances: join(folder, 'glances'), limitFrames: LIMIT_FRAMES },
      container: containerFor(listed),
      every: config.detectEvery,
      lookAhead: config.lookAhead ?? 0,
      thresholds: trackingThresholds(job),
      group: listed.index,
      counters: progress.counters,
    });
    if (outcome.status === 'stopped') return undefined;
    if (outcome.status !== 'passed') return await output.reject(listed, outcome);
    progress.enter('verify');
    const record = await recordOf(listed, outcome, out, parts);
    if (!('file' in record)) return await output.reject(listed, record);
    progress.enter('publish');
    await output.publish(listed, out, record, frameRecords(regions));
    return record;
  } finally {
    run.end(progress);
    await rm(folder, { recursive: true, force: true });
  }
}

async function recordOf(
  listed: ListedClip,
  { clip, counts, times = { pts: [], duration: 0 } }: PassedClip,
  out: string,
  { config, containerFor, job, output, tools }: ClipRunParts,
) {
  const container = containerFor(listed);
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

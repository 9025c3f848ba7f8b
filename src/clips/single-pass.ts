import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RejectedOutcome } from '../core/outcome.ts';
import { SampleError } from '../errors.ts';
import { makeFolder } from '../io/atomic.ts';
import { wholeLines } from '../io/lines.ts';
import type { PublishedContainer } from '../video/types.ts';
import { verifyClip } from '../video/verify.ts';
import type { ClipRegion } from '../worker/clip.ts';
import { rejection } from '../worker/process.ts';
import type { PassedClip } from '../worker/single-pass.ts';
import type { ListedClip } from './list.ts';
import { LIMIT_FRAMES } from './open-clip.ts';
import { type ClipRunParts, recordOf } from './publish-clip.ts';
import { type ClipRecord, type FrameRecord, publicClipRegion } from './record.ts';
import { trackingThresholds } from './settings.ts';
import { digestsOf } from './source-digests.ts';

/**
 * One clip from its file to its published record in a single pass. Undefined when it was stopped: the next run begins
 * with it anew.
 * @param lookAhead frames that must have arrived after one before it is redacted.
 * @throws ModelError, UsageError, OutputError: the run cannot go on.
 */
export async function publishInOnePass(
  listed: ListedClip,
  lookAhead: number,
  parts: ClipRunParts,
): Promise<ClipRecord | undefined> {
  const { config, containerFor, job, output, pool, frames: run } = parts;
  const progress = run.begin(2, (step) => parts.onStep(step, listed));
  // Nobody knows how many frames it has.
  run.pass(parts.bytesOf(listed));
  const folder = output.workOf(listed);
  const container = containerFor(listed);
  try {
    const out = await output.stage(listed);
    await makeFolder(folder, 0o700);
    progress.enter('redact');
    // What the public log tells, and no more: it may lie there as it is.
    const regions = join(folder, 'regions.jsonl');
    const outcome = await pool.pass({
      files: { source: listed.path, out, regions, glances: join(folder, 'glances'), limitFrames: LIMIT_FRAMES },
      container,
      every: config.detectEvery,
      lookAhead,
      thresholds: trackingThresholds(job),
      group: listed.index,
      counters: progress.counters,
    });
    if (outcome.status === 'stopped') return undefined;
    if (outcome.status !== 'passed') return await output.reject(listed, outcome);
    progress.enter('verify');
    const unlike = await unlikeSource(outcome, out, container, parts);
    if (unlike !== undefined) return await output.reject(listed, unlike);
    progress.enter('publish');
    const { clip, counts, times } = outcome;
    const written = { clip, frames: times?.pts.length ?? 0, counts, path: out };
    const { sourceIdKey } = parts;
    const { sourceId } = sourceIdKey === undefined ? {} : await digestsOf(listed.path, sourceIdKey);
    const record = await recordOf(listed, { ...written, sourceId }, parts);
    await output.publish(listed, out, record, frameRecords(regions));
    return record;
  } finally {
    run.end(progress);
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns why it must not be published, if so. */
async function unlikeSource(
  { clip, times = { pts: [], duration: 0 } }: PassedClip,
  out: string,
  container: PublishedContainer,
  { tools }: ClipRunParts,
): Promise<RejectedOutcome | undefined> {
  try {
    await verifyClip(tools, out, { ...clip, path: out, ...times, keyframes: [0] }, { container, audio: 'drop' });
    return undefined;
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    throw error;
  }
}

async function* frameRecords(file: string): AsyncGenerator<FrameRecord> {
  let frame = 0;
  for await (const line of wholeLines(file)) {
    yield { frame: frame++, regions: (JSON.parse(line) as ClipRegion[]).map(publicClipRegion) };
  }
}

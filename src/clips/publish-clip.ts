import type { Config } from '../config.ts';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import { probeClip } from '../video/probe.ts';
import type { Track } from '../video/tracks/index.ts';
import type { ClipInfo, FfmpegTools, PublishedContainer } from '../video/types.ts';
import type { Job } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { rejection } from '../worker/process.ts';
import { type AnonymizedClip, anonymizeClip, type ClipSettings } from './anonymize-clip.ts';
import type { ListedClip } from './list.ts';
import type { ClipOutput } from './output.ts';
import type { ClipRunFrames } from './progress.ts';
import { type ClipRecord, type FrameRecord, publicClipRegion, type VerifiedClip } from './record.ts';
import { policyOf, strippedOf } from './settings.ts';
import { ClipWorkspace } from './workspace.ts';

/** Longest clip, frames: nine hours at 60 a second. */
const LIMIT_FRAMES = 2_000_000;

/** What all clips of a run share. */
export interface ClipRunParts {
  readonly config: Config;
  readonly tools: FfmpegTools;
  readonly job: Job;
  readonly pool: WorkerPool;
  readonly output: ClipOutput;
  readonly frames: ClipRunFrames;
  readonly containerFor: (clip: ListedClip) => PublishedContainer;
  /** Seconds that one step of a clip, such as opening it, may take. */
  readonly timeoutSeconds: number;
}

/**
 * One clip from its file to its published record: publication, or the reason why not. Undefined when it was stopped.
 * @throws ModelError, UsageError, OutputError: the run cannot go on.
 */
export async function publishClip(listed: ListedClip, parts: ClipRunParts): Promise<ClipRecord | undefined> {
  const { config, job, output, pool, tools, frames: run } = parts;
  const progress = run.begin();
  let ended = 0;
  try {
    const opened = await openClip(listed, parts);
    if ('status' in opened) return await output.reject(listed, opened);
    const { clip, workspace } = opened;
    const frames = clip.pts.length;
    run.expect(frames);
    const path = await output.stage(listed);
    const { thresholds } = job.detect;
    const container = parts.containerFor(listed);
    const settings: ClipSettings = { detectEvery: config.detectEvery, audio: config.audio, container, thresholds };
    const group = listed.index;
    const outcome = await anonymizeClip({ tools, clip, workspace, pool, settings, group, path, progress });
    if (outcome === 'stopped') return undefined;
    ended = frames;
    if (outcome.status !== 'anonymized') {
      await workspace.remove();
      return await output.reject(listed, outcome);
    }
    const record = await recordOf(listed, clip, outcome, path, parts);
    await output.publish(listed, path, record, frameRecords(workspace, outcome.segments));
    await workspace.removeSegments(outcome.segments);
    return record;
  } finally {
    run.end(progress, ended);
  }
}

/** What the clip is, and the folder of the work on it. */
async function openClip(
  listed: ListedClip,
  { config, job, output, timeoutSeconds, tools }: ClipRunParts,
): Promise<{ clip: ClipInfo; workspace: ClipWorkspace } | RejectedOutcome> {
  try {
    const fingerprint = { sha256: await sha256OfFile(listed.path), policy: policyOf(config, job), seed: config.seed };
    const { workspace, clip: earlier } = await ClipWorkspace.open(output.workOf(listed), fingerprint, output.seal);
    if (earlier !== undefined) return { workspace, clip: { ...earlier, path: listed.path } };
    const limits = { limitPixels: config.limitPixels, limitFrames: LIMIT_FRAMES, timeoutSeconds };
    const clip = await probeClip(tools, listed.path, limits);
    await workspace.begin(fingerprint, clip);
    return { workspace, clip };
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || (error as Error).name === 'OutputError') throw error;
    return rejection(new SampleError('read', 'unreadable', `Expected a readable file but received ${code}`), 'read');
  }
}

async function recordOf(
  listed: ListedClip,
  clip: ClipInfo,
  { tracks }: AnonymizedClip,
  path: string,
  { config, job, output }: ClipRunParts,
): Promise<VerifiedClip> {
  return {
    v: 1,
    key: listed.key,
    kind: 'clip',
    file: output.fileOf(listed),
    status: 'verified',
    width: clip.width,
    height: clip.height,
    frames: clip.pts.length,
    policy: policyOf(config, job),
    models: job.models,
    counts: countTracks(tracks),
    audio: config.audio,
    stripped: strippedOf(clip, config),
    out_sha256: await sha256OfFile(path),
  };
}

/** Things that were seen: not the other ways that one may have gone. */
function countTracks(tracks: readonly Track[]): Record<ClassName, number> {
  const counts: Record<ClassName, number> = { face: 0, body: 0, plate: 0, text: 0 };
  for (const { class: cls, seen } of tracks) if (seen.includes(true)) counts[cls]++;
  return counts;
}

async function* frameRecords(workspace: ClipWorkspace, segments: number): AsyncGenerator<FrameRecord> {
  let frame = 0;
  for (let segment = 0; segment < segments; segment++) {
    for await (const regions of workspace.regions(segment))
      yield { frame: frame++, regions: regions.map(publicClipRegion) };
  }
}

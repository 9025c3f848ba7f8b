import type { Config } from '../config.ts';
import type { ClassName } from '../core/types.ts';
import { sha256OfFile } from '../io/atomic.ts';
import type { DescribedClip, FfmpegTools, PublishedContainer } from '../video/types.ts';
import { posedClasses } from '../worker/clip-poses.ts';
import type { Job } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { anonymizeClip, type ClipSettings } from './anonymize-clip.ts';
import { followStored } from './first-pass.ts';
import type { KnownFramesOf } from './known-frames.ts';
import type { ListedClip } from './list.ts';
import { type ClipToOpen, openClip } from './open-clip.ts';
import type { ClipOutput } from './output.ts';
import type { ClipRunFrames, ClipStep } from './progress.ts';
import { type ClipRecord, type FrameRecord, publicClipRegion, type VerifiedClip } from './record.ts';
import type { ClipReview } from './review.ts';
import { policyOf, strippedOf, trackingThresholds } from './settings.ts';
import { ClipWorkspace } from './workspace.ts';

/** A clip that is written, and not yet published. */
export interface WrittenClip {
  readonly clip: DescribedClip;
  readonly frames: number;
  /** Things that were seen. */
  readonly counts: Readonly<Record<ClassName, number>>;
  readonly path: string;
  /** HMAC of its source, where that is asked for. */
  readonly sourceId: string | undefined;
}

/** What all clips of a run share. */
export interface ClipRunParts {
  readonly config: Config;
  readonly tools: FfmpegTools;
  readonly job: Job;
  readonly pool: WorkerPool;
  readonly output: ClipOutput;
  readonly frames: ClipRunFrames;
  readonly containerFor: (clip: ListedClip) => PublishedContainer;
  /** What takes the place of detectors; absent where there are some. */
  readonly knownFrames: KnownFramesOf | undefined;
  /** What source ids are made with; undefined where nobody has asked for them. */
  readonly sourceIdKey: string | undefined;
  /** What a person says about what was found. */
  readonly review: ClipReview | undefined;
  readonly bytesOf: (clip: ListedClip) => number;
  readonly onStep: (step: ClipStep, clip: ListedClip) => void;
  /** Seconds that one step of a clip, such as opening it, may take. */
  readonly timeoutSeconds: number;
}

/**
 * One clip from its file to its published record: publication, or the reason why not. Undefined when it was stopped.
 * @throws ModelError, UsageError, OutputError: the run cannot go on.
 */
export async function publishClip(listed: ListedClip, parts: ClipRunParts): Promise<ClipRecord | undefined> {
  const { job, output, pool, tools, frames: run } = parts;
  const posed = posedClasses(job);
  const progress = run.begin(posed.length > 0 ? 3 : 2, (step) => parts.onStep(step, listed));
  try {
    progress.enter('open');
    const opened = await openClip(clipToOpen(listed, parts));
    const bytes = parts.bytesOf(listed);
    if ('status' in opened) {
      run.pass(bytes);
      return await output.reject(listed, opened);
    }
    const { clip, workspace, sourceId } = opened;
    run.expect(progress, clip.pts.length, bytes);
    const path = await output.stage(listed);
    const settings = clipSettings(listed, parts);
    const corrections = parts.review?.of(listed) ?? [];
    const group = listed.index;
    const work = { tools, clip, workspace, pool, settings, corrections, group, posedClasses: posed, path, progress };
    const outcome = await anonymizeClip(work);
    if (outcome === 'stopped') return undefined;
    if (outcome.status !== 'anonymized') {
      await workspace.remove();
      return await output.reject(listed, outcome);
    }
    progress.enter('publish');
    const { counts } = outcome;
    const record = await recordOf(listed, { clip, frames: clip.pts.length, counts, path, sourceId }, parts);
    await output.publish(listed, path, record, frameRecords(workspace, outcome.segments));
    await workspace.removeSegments(outcome.segments);
    return record;
  } finally {
    run.end(progress);
  }
}

function clipSettings(listed: ListedClip, { config, job, containerFor }: ClipRunParts): ClipSettings {
  const { detectEvery, audio } = config;
  return { detectEvery, audio, container: containerFor(listed), thresholds: trackingThresholds(job) };
}

/** What was followed in a published clip, before a person's corrections; undefined for one that was not published. */
export function followedIn(listed: ListedClip, parts: ClipRunParts): ReturnType<typeof followStored> {
  const { output } = parts;
  return followStored(ClipWorkspace.over(output.workOf(listed), output.seal), clipSettings(listed, parts));
}

function clipToOpen(
  listed: ListedClip,
  { config, job, output, knownFrames, sourceIdKey, timeoutSeconds, tools }: ClipRunParts,
): ClipToOpen {
  const { seed, limitPixels } = config;
  const place = { folder: output.workOf(listed), seal: output.seal, sourceIdKey, policy: policyOf(config, job) };
  return { tools, listed, ...place, seed, limitPixels, timeoutSeconds, knownFrames };
}

/** The public record of a clip that has been written to `path` and verified. */
export async function recordOf(
  listed: ListedClip,
  { clip, frames, counts, path, sourceId }: WrittenClip,
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
    frames,
    policy: policyOf(config, job),
    models: job.models,
    counts,
    audio: config.audio,
    stripped: strippedOf(clip, config),
    out_sha256: await sha256OfFile(path),
    ...(sourceId === undefined ? {} : { source_id: sourceId }),
  };
}

async function* frameRecords(workspace: ClipWorkspace, segments: number): AsyncGenerator<FrameRecord> {
  let frame = 0;
  for (let segment = 0; segment < segments; segment++) {
    for await (const regions of workspace.regions(segment))
      yield { frame: frame++, regions: regions.map(publicClipRegion) };
  }
}

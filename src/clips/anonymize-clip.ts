import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import type { ClipCorrection } from '../known/clip-corrections.ts';
import { codecFor, joinSegments } from '../video/join.ts';
import { stretchOf } from '../video/stretch.ts';
import type { AudioMode, ClipInfo, FfmpegTools, PublishedContainer } from '../video/types.ts';
import { verifyJoined } from '../video/verify.ts';
import { firstRemembered, type RedactSegment } from '../worker/clip.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { rejection } from '../worker/process.ts';
import { Covers } from './covers.ts';
import { findCovers } from './first-pass.ts';
import type { ClipProgress } from './progress.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';
import type { ClipWorkspace } from './workspace.ts';

export interface ClipSettings {
  readonly detectEvery: number;
  readonly audio: AudioMode;
  readonly container: PublishedContainer;
  /** Least scores at which a track begins. */
  readonly thresholds: Readonly<Record<ClassName, number>>;
}

export interface ClipWork {
  readonly tools: FfmpegTools;
  readonly clip: ClipInfo;
  readonly workspace: ClipWorkspace;
  /** Reports weak candidates, too. */
  readonly pool: WorkerPool;
  readonly settings: ClipSettings;
  /** What a person says about what was detected. */
  readonly corrections: readonly ClipCorrection[];
  /** Number of the clip in the run: decides replacements. */
  readonly group: number;
  /** Classes of which others are drawn in a pose: it is read over the whole clip before anything is redacted. */
  readonly posedClasses: readonly ClassName[];
  /** File that the anonymized clip is written to. */
  readonly path: string;
  readonly progress: ClipProgress;
}

export interface AnonymizedClip {
  readonly status: 'anonymized';
  /** Things that were seen, by class. */
  readonly counts: Readonly<Record<ClassName, number>>;
  readonly segments: number;
}

/**
 * One clip in two passes: detections of all frames, tracks over the whole clip, then redaction; where faces or mannequins are
 * drawn, their poses are read over the whole clip in between. What the workspace has of an earlier run is not computed again.
 * Nothing is written to `path` before every segment is whole, and the clip there has been opened again. One frame that
 * fails is the whole clip's end.
 *
 * What is detected is kept on disk; only while tracks are built, all of it is in memory. Poses are kept in memory only.
 *
 * @throws ModelError when a worker cannot be trusted; OutputError when files cannot be written.
 */
export async function anonymizeClip(work: ClipWork): Promise<AnonymizedClip | RejectedOutcome | 'stopped'> {
  const { clip, progress } = work;
  const segments = segmentsIn(clip);
  try {
    const needsPoses = work.posedClasses.length > 0 && !(await isRedacted(work));
    if (work.posedClasses.length > 0 && !needsPoses) progress.keep(clip.pts.length);
    const covers = await findCovers({ ...work, posedClasses: needsPoses ? work.posedClasses : [] });
    if (!(covers instanceof Covers)) return covers;
    progress.enter('redact');
    const redacted = await eachSegment(work, segments, (segment) => redact(work, covers, segment));
    if (redacted !== 'done') return redacted;
    if (progress.isStopped) return 'stopped';
    await join(work, segments);
    return { status: 'anonymized', counts: covers.counts, segments };
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    throw error;
  }
}

/** Whether an earlier run has redacted every segment: no pose is needed any more. */
async function isRedacted({ clip, workspace }: ClipWork): Promise<boolean> {
  for (let segment = 0; segment < segmentsIn(clip); segment++) {
    if (!(await workspace.hasRedacted(segment))) return false;
  }
  return true;
}

async function join({ tools, clip, workspace, settings, path, progress }: ClipWork, segments: number): Promise<void> {
  const { audio, container } = settings;
  progress.enter('join');
  // They were decoded and looked at when they were made: it must be these that are published.
  for (let segment = 0; segment < segments; segment++) {
    if (await workspace.hasRedacted(segment)) continue;
    throw new SampleError('verify', 'clip-differs', 'Expected a segment as it was checked but it has changed');
  }
  const paths = Array.from({ length: segments }, (_, segment) => workspace.redacted(segment));
  const packets = await joinSegments(tools, paths, clip, path, { audio, container });
  progress.enter('verify');
  await verifyJoined(tools, path, clip, packets, { audio, container });
}

async function redact(work: ClipWork, covers: Covers, segment: number): Promise<'done' | RejectedOutcome | 'stopped'> {
  const { clip, workspace, pool, progress, settings, group } = work;
  const { from, to } = rangeOf(clip, segment);
  if (progress.isStopped) return 'stopped';
  if (await workspace.hasRedacted(segment)) {
    progress.keep(to - from);
    return 'done';
  }
  const coversFrom = firstRemembered(from);
  const task: RedactSegment = {
    clip: stretchOf(clip, { from: coversFrom, to }),
    from,
    to,
    counters: progress.counters,
    coversFrom,
    covers: covers.between(coversFrom, to),
    path: workspace.unfinished(segment),
    codec: codecFor(settings.container),
    group,
  };
  const outcome = await settle(pool.segment({ kind: 'redact-segment', segment: task }), progress);
  if (outcome.status !== 'redacted') return outcome.status === 'stopped' ? 'stopped' : asRejected(outcome);
  await workspace.keepRedacted(segment, outcome.frames);
  return 'done';
}

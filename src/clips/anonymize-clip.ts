import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { OutputError, SampleError } from '../errors.ts';
import type { ClipCorrection } from '../known/clip-corrections.ts';
import { sceneCuts } from '../video/cuts.ts';
import { codecFor, joinSegments } from '../video/join.ts';
import { buildTracks, type Timeline, type Track } from '../video/tracks/index.ts';
import type { AudioMode, ClipInfo, FfmpegTools, PublishedContainer } from '../video/types.ts';
import { verifyJoined } from '../video/verify.ts';
import { type DetectedFrame, type DetectSegment, firstRemembered, type RedactSegment } from '../worker/clip.ts';
import type { SegmentOutcome } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { rejection } from '../worker/process.ts';
import { correctTracks } from './correct-tracks.ts';
import { Covers } from './covers.ts';
import { givenTracks, isGiven } from './given-tracks.ts';
import type { ClipProgress } from './progress.ts';
import type { ClipWorkspace } from './workspace.ts';

/** Frames of a segment: what is lost at most when a run is killed, and what one worker does in a row. */
export const SEGMENT_FRAMES = 120;

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
 * One clip in two passes: detections of all frames, tracks over the whole clip, then redaction. What the workspace has of
 * an earlier run is not computed again. Nothing is written to `path` before every segment is whole, and the clip there
 * has been opened again. One frame that fails is the whole clip's end.
 *
 * What is detected is kept on disk; only while tracks are built, all of it is in memory.
 *
 * @throws ModelError when a worker cannot be trusted; OutputError when files cannot be written.
 */
export async function anonymizeClip(work: ClipWork): Promise<AnonymizedClip | RejectedOutcome | 'stopped'> {
  const { clip, progress } = work;
  const segments = Math.ceil(clip.pts.length / SEGMENT_FRAMES);
  try {
    progress.enter('detect');
    const detected = await eachSegment(work, segments, (segment) => detect(work, segment));
    if (detected !== 'done') return detected;
    progress.enter('track');
    const covers = await coversOf(work, segments);
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

/** What looking at a clip and following things through it needs. */
export type FirstPass = Pick<ClipWork, 'clip' | 'corrections' | 'pool' | 'progress' | 'workspace'> & {
  readonly settings: Pick<ClipSettings, 'detectEvery' | 'thresholds'>;
};

/** What to cover, from the stored detections. @throws SampleError for detections that no sound model makes. */
export async function coversOf(
  { clip, settings, corrections, workspace }: FirstPass,
  segments: number,
): Promise<Covers> {
  const frames: DetectedFrame[] = [];
  for (let segment = 0; segment < segments; segment++) {
    const kept = await workspace.detected(segment);
    if (kept === undefined) throw new OutputError('Expected the detections of a moment ago but they are gone');
    for (const frame of kept) frames.push(frame);
  }
  return new Covers(correctTracks(tracksOf(frames, clip, settings), corrections, clip).tracks);
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

/**
 * Works on all segments, as many at once as the workers take, or says why not: the first failure by order.
 * @param work 'done', or why not.
 */
export async function eachSegment(
  { pool }: Pick<ClipWork, 'pool'>,
  segments: number,
  work: (segment: number) => Promise<'done' | RejectedOutcome | 'stopped'>,
): Promise<'done' | RejectedOutcome | 'stopped'> {
  const waiting = Array.from({ length: segments }, (_, segment) => segment).values();
  const ends: (RejectedOutcome | undefined)[] = [];
  let isStopped = false;
  const lanes = Array.from({ length: Math.min(pool.capacity, segments) }, async () => {
    for (const segment of waiting) {
      const end = await work(segment);
      if (end === 'stopped') isStopped = true;
      else if (end !== 'done') ends[segment] = end;
    }
  });
  for (const lane of await Promise.allSettled(lanes)) if (lane.status === 'rejected') throw lane.reason;
  return ends.find((end) => end !== undefined) ?? (isStopped ? 'stopped' : 'done');
}

function isRejected(value: unknown): value is RejectedOutcome {
  return typeof value === 'object' && value !== null && 'reason' in value && 'stage' in value;
}

export function rangeOf(clip: ClipInfo, segment: number): { from: number; to: number } {
  const from = segment * SEGMENT_FRAMES;
  return { from, to: Math.min(clip.pts.length, from + SEGMENT_FRAMES) };
}

/** Looks at a segment, unless an earlier run has. */
export async function detect(work: FirstPass, segment: number): Promise<'done' | RejectedOutcome | 'stopped'> {
  const { clip, workspace, pool, progress, settings } = work;
  const { from, to } = rangeOf(clip, segment);
  if (progress.isStopped) return 'stopped';
  if ((await workspace.detected(segment)) !== undefined) {
    progress.keep(to - from);
    return 'done';
  }
  const task: DetectSegment = { clip, from, to, every: settings.detectEvery, counters: progress.counters };
  const outcome = await settle(pool.segment({ kind: 'detect-segment', segment: task }), progress);
  if (outcome.status !== 'detected') return outcome.status === 'stopped' ? 'stopped' : asRejected(outcome);
  await workspace.keepDetected(segment, outcome.frames);
  return 'done';
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
    clip,
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

/** A failure ends the work on the other segments of the clip: it will not be published. */
export async function settle(outcome: Promise<SegmentOutcome>, progress: ClipProgress): Promise<SegmentOutcome> {
  try {
    const settled = await outcome;
    if (isRejected(settled)) progress.stop();
    return settled;
  } catch (error) {
    progress.stop();
    throw error;
  }
}

export function asRejected(outcome: SegmentOutcome): RejectedOutcome {
  if (isRejected(outcome)) return outcome;
  throw new Error(`Expected a rejection but received ${outcome.status}`);
}

/** Tracks over the whole clip. @throws SampleError for detections that no sound model makes. */
export function tracksOf(frames: readonly DetectedFrame[], clip: ClipInfo, settings: FirstPass['settings']): Track[] {
  const { detectEvery, thresholds } = settings;
  if (isGiven(frames)) return givenTracks(frames, (cls) => thresholds[cls] < Infinity);
  const { width, height } = clip;
  const timeline: Timeline = { width, height, times: stepsOf(clip.pts), cuts: sceneCuts(frames) };
  const seen = frames.flatMap(({ frame, detections }) => (detections === undefined ? [] : [{ frame, detections }]));
  return buildTracks(seen, timeline, { thresholds, detectEvery });
}

/** Times in steps of the usual distance between two frames: the median. */
function stepsOf(pts: readonly number[]): number[] {
  const distances = pts.slice(1).map((at, i) => at - (pts[i] as number));
  const usual = distances.toSorted((a, b) => a - b)[distances.length >> 1] ?? 1;
  return pts.map((at) => (at - (pts[0] as number)) / usual);
}

import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName, Detection } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { sceneCuts } from '../video/cuts.ts';
import { codecFor, joinSegments } from '../video/join.ts';
import { buildTracks, type Timeline, type Track } from '../video/tracks/index.ts';
import type { AudioMode, ClipInfo, FfmpegTools, PublishedContainer } from '../video/types.ts';
import { verifyClip } from '../video/verify.ts';
import {
  type DetectedFrame,
  type DetectSegment,
  type FrameCover,
  firstRemembered,
  type RedactSegment,
} from '../worker/clip.ts';
import type { PoseSegment } from '../worker/clip-poses.ts';
import type { SegmentOutcome } from '../worker/job.ts';
import type { WorkerPool } from '../worker/pool.ts';
import { rejection } from '../worker/process.ts';
import { type FaceLook, looksOf } from './followed-faces.ts';
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
  /** Number of the clip in the run: decides replacements. */
  readonly group: number;
  /** Whether faces are replaced by drawn ones: their poses are read before anything is redacted. */
  readonly drawsFaces: boolean;
  /** File that the anonymized clip is written to. */
  readonly path: string;
  readonly progress: ClipProgress;
}

/** How far a clip is; `stop` may be set at any time. */
export class ClipProgress {
  /** Frames done, and whether to stop: shared with workers. */
  readonly counters = new SharedArrayBuffer(8);
  /** How often every frame is done. */
  readonly passes: number;
  readonly #state = new Int32Array(this.counters);

  constructor(passes = 2) {
    this.passes = passes;
  }

  /** Frames done in all passes together. */
  get done(): number {
    return Atomics.load(this.#state, 0);
  }

  add(frames: number): void {
    Atomics.add(this.#state, 0, frames);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#state, 1) === 1;
  }

  stop(): void {
    Atomics.store(this.#state, 1, 1);
  }
}

export interface AnonymizedClip {
  readonly status: 'anonymized';
  readonly tracks: readonly Track[];
  readonly segments: number;
}

/**
 * One clip in two passes: detections of all frames, tracks over the whole clip, then redaction; where faces are drawn,
 * their poses are read over the whole clip in between, and never written. What the workspace has of an earlier run is not
 * computed again. Nothing is written to `path` before every segment is whole, and the clip there has been opened again.
 * One frame that fails is the whole clip's end.
 *
 * @throws ModelError when a worker cannot be trusted; OutputError when files cannot be written.
 */
export async function anonymizeClip(work: ClipWork): Promise<AnonymizedClip | RejectedOutcome | 'stopped'> {
  const { clip, workspace, settings, path, tools } = work;
  const starts = Array.from({ length: Math.ceil(clip.pts.length / SEGMENT_FRAMES) }, (_, i) => i * SEGMENT_FRAMES);
  const detected = await eachSegment(starts, (segment) => detect(work, segment));
  if (!Array.isArray(detected)) return detected;
  try {
    const tracks = tracksOf(detected.flat(), clip, settings);
    const looks = work.drawsFaces ? await readLooks(work, tracks, starts) : new Map();
    if (!(looks instanceof Map)) return looks;
    const covers = new CoverIndex(tracks, looks);
    const redacted = await eachSegment(starts, (segment) => redact(work, covers, segment));
    if (!Array.isArray(redacted)) return redacted;
    if (work.progress.isStopped) return 'stopped';
    const { audio, container } = settings;
    const segments = starts.map((_, segment) => workspace.redacted(segment));
    await joinSegments(tools, segments, clip, path, { audio, container });
    await verifyClip(tools, path, clip, { audio, container });
    return { status: 'anonymized', tracks, segments: starts.length };
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    throw error;
  }
}

/** The results of all segments in order, or why there is none: the first failure by order. */
async function eachSegment<T>(
  starts: readonly number[],
  work: (segment: number) => Promise<T | RejectedOutcome | 'stopped'>,
): Promise<T[] | RejectedOutcome | 'stopped'> {
  const results = await Promise.allSettled(starts.map((_, segment) => work(segment)));
  const done: T[] = [];
  let isStopped = false;
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
    const { value } = result;
    if (value === 'stopped') isStopped = true;
    else if (isRejected(value)) return value;
    else done.push(value);
  }
  return isStopped ? 'stopped' : done;
}

function isRejected(value: unknown): value is RejectedOutcome {
  return typeof value === 'object' && value !== null && 'reason' in value && 'stage' in value;
}

function rangeOf(clip: ClipInfo, segment: number): { from: number; to: number } {
  const from = segment * SEGMENT_FRAMES;
  return { from, to: Math.min(clip.pts.length, from + SEGMENT_FRAMES) };
}

async function detect(work: ClipWork, segment: number): Promise<DetectedFrame[] | RejectedOutcome | 'stopped'> {
  const { clip, workspace, pool, progress, settings } = work;
  const { from, to } = rangeOf(clip, segment);
  const kept = await workspace.detected(segment);
  if (kept !== undefined) {
    progress.add(to - from);
    return kept;
  }
  if (progress.isStopped) return 'stopped';
  const task: DetectSegment = { clip, from, to, every: settings.detectEvery, counters: progress.counters };
  const outcome = await settle(pool.segment({ kind: 'detect-segment', segment: task }), progress);
  if (outcome.status !== 'detected') return outcome.status === 'stopped' ? 'stopped' : asRejected(outcome);
  await workspace.keepDetected(segment, outcome.frames);
  return [...outcome.frames];
}

/** How faces look in every frame, by track; nothing is read when every segment is redacted already. */
async function readLooks(
  work: ClipWork,
  tracks: readonly Track[],
  starts: readonly number[],
): Promise<Map<number, readonly FaceLook[]> | RejectedOutcome | 'stopped'> {
  const { clip, workspace, pool, progress } = work;
  const areRedacted = await Promise.all(starts.map((_, segment) => workspace.hasRedacted(segment)));
  if (areRedacted.every(Boolean)) return new Map();
  const covers = new CoverIndex(tracks);
  const read = await eachSegment(starts, async (segment) => {
    if (progress.isStopped) return 'stopped';
    const { from, to } = rangeOf(clip, segment);
    const task: PoseSegment = { clip, from, to, counters: progress.counters, covers: covers.between(from, to) };
    const outcome = await settle(pool.segment({ kind: 'pose-segment', segment: task }), progress);
    if (outcome.status === 'posed') return outcome.frames;
    return outcome.status === 'stopped' ? 'stopped' : asRejected(outcome);
  });
  return Array.isArray(read) ? looksOf(tracks, read.flat()) : read;
}

async function redact(
  work: ClipWork,
  covers: CoverIndex,
  segment: number,
): Promise<true | RejectedOutcome | 'stopped'> {
  const { clip, workspace, pool, progress, settings, group } = work;
  const { from, to } = rangeOf(clip, segment);
  if (await workspace.hasRedacted(segment)) {
    progress.add(to - from);
    return true;
  }
  if (progress.isStopped) return 'stopped';
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
  return true;
}

/** A failure ends the work on the other segments of the clip: it will not be published. */
async function settle(outcome: Promise<SegmentOutcome>, progress: ClipProgress): Promise<SegmentOutcome> {
  try {
    const settled = await outcome;
    if (isRejected(settled)) progress.stop();
    return settled;
  } catch (error) {
    progress.stop();
    throw error;
  }
}

function asRejected(outcome: SegmentOutcome): RejectedOutcome {
  if (isRejected(outcome)) return outcome;
  throw new Error(`Expected a rejection but received ${outcome.status}`);
}

/** Tracks over the whole clip. @throws SampleError for detections that no sound model makes. */
export function tracksOf(frames: readonly DetectedFrame[], clip: ClipInfo, settings: ClipSettings): Track[] {
  const { detectEvery, thresholds } = settings;
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

/** What to cover, by frame. */
class CoverIndex {
  readonly #tracks: readonly Track[];
  readonly #looks: ReadonlyMap<number, readonly FaceLook[]>;

  constructor(tracks: readonly Track[], looks: ReadonlyMap<number, readonly FaceLook[]> = new Map()) {
    this.#looks = looks;
    this.#tracks = tracks.toSorted((a, b) => a.from - b.from || a.id - b.id);
  }

  /** Of the frames `from <= frame < to`, frame by frame. */
  between(from: number, to: number): FrameCover[][] {
    const frames: FrameCover[][] = Array.from({ length: to - from }, () => []);
    for (const track of this.#tracks) {
      if (track.from >= to) break;
      const last = Math.min(to, track.from + track.boxes.length);
      for (let frame = Math.max(from, track.from); frame < last; frame++) {
        frames[frame - from]?.push(coverOf(track, frame - track.from, this.#looks.get(track.id)));
      }
    }
    return frames;
  }
}

function coverOf({ id, class: label, boxes, seen }: Track, i: number, looks?: readonly FaceLook[]): FrameCover {
  const box = boxes[i] as Detection['box'];
  const look = looks?.[i];
  const detection = { label, box, score: 1, model: 'track', track: id };
  return { detection, seen: seen[i] as boolean, ...(look ? { look } : {}) };
}

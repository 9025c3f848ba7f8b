import type { RecordRegion, RejectedOutcome } from '../core/outcome.ts';
import type { Detection, Origin, Region } from '../core/types.ts';
import { ModelError, SampleError, type Stage, UsageError } from '../errors.ts';
import { redactInPlace } from '../redact/apply.ts';
import { CellMemory, REMEMBERED } from '../redact/cell-memory.ts';
import { planRegions } from '../redact/plan.ts';
import { checkSegment } from '../video/check-segment.ts';
import { changeSince, type FrameChange, type Glance, glanceAt, LOOK_BACK, mayBeCut } from '../video/cuts.ts';
import { decodeFrames } from '../video/decode.ts';
import { openEncoder } from '../video/encode.ts';
import type { Look } from '../video/looks/types.ts';
import type { ClipStretch } from '../video/stretch.ts';
import { findFfmpeg } from '../video/tools.ts';
import type { ClipCodec } from '../video/types.ts';
import type { Job } from './job.ts';
import type { Networks } from './networks.ts';
import { recordRegion, rejection } from './process.ts';
import { StageClock } from './stage-clock.ts';

/** Part of a clip that one worker decodes for itself: pixels never cross threads. */
export interface Segment {
  /** All frames that are decoded, some before `from` included. */
  readonly clip: ClipStretch;
  /** Frames `from <= frame < to`. */
  readonly from: number;
  readonly to: number;
  /** Two counters that the other side reads and writes meanwhile: frames done, and whether to stop (1). */
  readonly counters: SharedArrayBuffer;
}

export interface DetectSegment extends Segment {
  /** Every how many frames of the clip somebody looks; possible cuts in any case. */
  readonly every: number;
}

/** One frame of a clip as the networks saw it. */
export interface DetectedFrame extends FrameChange {
  /** Absent when nobody looked. */
  readonly detections?: readonly Detection[];
}

/** A box to redact in a frame. */
export interface FrameCover {
  readonly detection: Detection & { readonly track: number };
  /** Whether it was detected in this frame. */
  readonly seen: boolean;
  /** How a face or body is to be replaced; where nobody has decided that before, its pose is read in the frame. */
  readonly look?: Look;
}

export interface RedactSegment extends Segment {
  /** What to redact from frame `coversFrom` on, frame by frame; those before `from` are there for steady colours. */
  readonly coversFrom: number;
  readonly covers: readonly (readonly FrameCover[])[];
  /** File that gets the encoded segment. */
  readonly path: string;
  readonly codec: ClipCodec;
  /** Decides replacements, with the job's seed and the track. */
  readonly group: number;
}

/** A region of a frame as the public log shows it. */
export interface ClipRegion extends Omit<RecordRegion, 'origin'> {
  readonly track: number;
  /** `interpolated`: inferred from frames before and after. */
  readonly origin: Origin | 'interpolated';
}

export type DetectedSegment = { readonly status: 'detected'; readonly frames: readonly DetectedFrame[] };
export type RedactedSegment = {
  readonly status: 'redacted';
  /** Of every frame, in order. */
  readonly frames: readonly (readonly ClipRegion[])[];
};
/** Somebody has asked to stop. */
export type StoppedSegment = { readonly status: 'stopped' };

/** First frame that frames from `from` on are compared with. */
export function firstCompared(from: number): number {
  return Math.max(0, from - LOOK_BACK);
}

/** First frame that a segment's redaction must know to show the colours of an undisturbed clip. */
export function firstRemembered(from: number): number {
  return Math.max(0, from - REMEMBERED + 1);
}

/**
 * What the networks see in a part of a clip, and how much every frame differs from those before.
 * @throws ModelError when a network cannot be trusted any more; UsageError without ffmpeg.
 */
export async function detectSegment(
  { clip, from, to, every, counters }: DetectSegment,
  job: Job,
  { detect }: Pick<Networks, 'detect'>,
): Promise<DetectedSegment | StoppedSegment | RejectedOutcome> {
  return attempt('decode', async () => {
    if (job.detect.networks.length === 0) {
      throw new SampleError('detect', 'no-detections', 'Expected what was detected before but found it missing');
    }
    const tools = await findFfmpeg();
    const state = new Int32Array(counters);
    const frames: DetectedFrame[] = [];
    let before: Glance[] = [];
    const range = { from: firstCompared(from), to, quick: true };
    for await (const { index, rgb } of decodeFrames(tools, clip, range)) {
      if (Atomics.load(state, 1) === 1) return { status: 'stopped' };
      const glance = glanceAt(rgb);
      const change = changeSince(index, glance, before);
      before = [glance, ...before].slice(0, LOOK_BACK);
      if (index < from) continue;
      const isLookedAt = index % every === 0 || index === clip.frames - 1 || mayBeCut(change);
      const clock = new StageClock(job.timeLimit);
      clock.enter('detect');
      const found = isLookedAt ? await detect.detect(rgb, () => clock.check()) : undefined;
      frames.push(found === undefined ? change : { ...change, detections: found.detections });
      Atomics.add(state, 0, 1);
    }
    return { status: 'detected', frames };
  });
}

/**
 * Redacts a part of a clip and encodes it into a file, which is removed again when anything fails.
 * @throws ModelError when a network cannot be trusted any more; UsageError without ffmpeg.
 */
export async function redactSegment(
  { clip, from, to, counters, covers, coversFrom, path, codec, group }: RedactSegment,
  job: Job,
  { guides, faces }: Pick<Networks, 'guides'> & Partial<Pick<Networks, 'faces'>>,
): Promise<RedactedSegment | StoppedSegment | RejectedOutcome> {
  return attempt('redact', async () => {
    const tools = await findFfmpeg();
    const state = new Int32Array(counters);
    const { width, height } = clip;
    const memory = new CellMemory();
    const { fill, bodyFill, textFill, seed } = job;
    const options = { fill, bodyFill, textFill, ...(faces ? { faces } : {}), seed: [seed, group], memory };
    const encoder = await openEncoder(tools, path, clip, { from, to, codec });
    const frames: ClipRegion[][] = [];
    const glances: Glance[] = [];
    try {
      for await (const { index, rgb } of decodeFrames(tools, clip, { from: coversFrom, to })) {
        if (Atomics.load(state, 1) === 1) {
          await encoder.abort();
          return { status: 'stopped' };
        }
        const clock = new StageClock(job.timeLimit);
        clock.enter('redact');
        const covered = covers[index - coversFrom] ?? [];
        const planned = planRegions(
          covered.map(({ detection }) => detection),
          job.policy,
          width,
          height,
        );
        memory.next();
        const guided = await guides.addTo(withLooks(planned, covered), rgb, () => clock.check());
        const regions = redactInPlace({ rgb }, guided, options);
        clock.check();
        if (index < from) continue;
        const seen = new Set(covered.filter((c) => c.seen).map(({ detection }) => detection.track));
        frames.push(regions.map((region) => clipRegion(region, seen, job.logGeometry, width, height)));
        glances.push(glanceAt(rgb));
        await encoder.write(rgb);
        Atomics.add(state, 0, 1);
      }
      await encoder.close();
      await checkSegment(tools, path, clip, glances);
    } catch (error) {
      await encoder.abort();
      throw error;
    }
    return { status: 'redacted', frames };
  });
}

/** The regions of what has a look already, as they are to be redacted. */
export function withLooks(regions: readonly Region[], covered: readonly FrameCover[]): Region[] {
  const looks = new Map(covered.map(({ detection, look }) => [detection.track, look]));
  return regions.map((region) => {
    const look = region.track === undefined ? undefined : looks.get(region.track);
    if (look === undefined || region.mode !== 'synthetic') return region;
    return look === 'blurred' ? { ...region, mode: 'blur', requested: 'synthetic' } : { ...region, guide: look };
  });
}

/** @param seen tracks that were detected in the frame, or are there for somebody else's word. */
export function clipRegion(
  region: Region,
  seen: ReadonlySet<number>,
  geometry: Job['logGeometry'],
  width: number,
  height: number,
): ClipRegion {
  const { origin, ...shown } = recordRegion(region, geometry, width, height);
  const track = region.track as number;
  return { track, ...shown, origin: origin === 'detector' && !seen.has(track) ? 'interpolated' : origin };
}

/** What fails becomes a rejection. @throws ModelError, UsageError: what fails for every clip. */
export async function attempt<T>(stage: Stage, work: () => Promise<T>): Promise<T | RejectedOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ModelError || error instanceof UsageError) throw error;
    return rejection(error, stage);
  }
}

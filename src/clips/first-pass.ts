import type { RejectedOutcome } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { sceneCuts } from '../video/cuts.ts';
import { buildTracks, type Timeline, type Track } from '../video/tracks/index.ts';
import type { ClipInfo } from '../video/types.ts';
import type { DetectedFrame, DetectSegment } from '../worker/clip.ts';
import type { ClipSettings, ClipWork } from './anonymize-clip.ts';
import { correctTracks } from './correct-tracks.ts';
import { Covers } from './covers.ts';
import { givenTracks, isGiven } from './given-tracks.ts';
import { readLooks } from './read-looks.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';

/** What looking at a clip and following things through it needs. */
export type FirstPass = Pick<ClipWork, 'clip' | 'corrections' | 'pool' | 'posedClasses' | 'progress' | 'workspace'> & {
  readonly settings: Pick<ClipSettings, 'detectEvery' | 'thresholds'>;
};

/**
 * What to cover in a clip: looks at all frames, follows what is there and, where faces or mannequins are drawn, reads how
 * they are turned. What the workspace has of an earlier run is not looked at again; poses are, since they are never written.
 *
 * @throws SampleError for detections that no sound model makes; ModelError, OutputError.
 */
export async function findCovers(work: FirstPass): Promise<Covers | RejectedOutcome | 'stopped'> {
  const { posedClasses, progress } = work;
  progress.enter('detect');
  const detected = await eachSegment(work, segmentsIn(work.clip), (segment) => detect(work, segment));
  if (detected !== 'done') return detected;
  progress.enter('track');
  const tracks = await followAll(work);
  if (posedClasses.length === 0) return new Covers(tracks);
  progress.enter('pose');
  const looks = await readLooks(work, tracks);
  return looks === 'stopped' || 'status' in looks ? looks : new Covers(tracks, looks);
}

/** Looks at a segment, unless an earlier run has. */
async function detect(work: FirstPass, segment: number): Promise<'done' | RejectedOutcome | 'stopped'> {
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

/**
 * What is followed in a clip, by its stored detections and what a person says.
 * @throws SampleError for detections that no sound model makes.
 */
async function followAll({ clip, settings, corrections, workspace }: FirstPass): Promise<readonly Track[]> {
  const frames: DetectedFrame[] = [];
  for (let segment = 0; segment < segmentsIn(clip); segment++) {
    const kept = await workspace.detected(segment);
    if (kept === undefined) throw new OutputError('Expected the detections of a moment ago but they are gone');
    for (const frame of kept) frames.push(frame);
  }
  return correctTracks(tracksOf(frames, clip, settings), corrections, clip).tracks;
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

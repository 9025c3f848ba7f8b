import type { RejectedOutcome } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { stretchOf } from '../video/stretch.ts';
import type { Track } from '../video/tracks/index.ts';
import type { ClipInfo } from '../video/types.ts';
import { type DetectedFrame, type DetectSegment, firstCompared } from '../worker/clip.ts';
import type { ClipSettings, ClipWork } from './anonymize-clip.ts';
import { correctTracks } from './correct-tracks.ts';
import { Covers } from './covers.ts';
import { FoundFrames } from './found-frames.ts';
import { type StoredFrames, storedFrames } from './known-frames.ts';
import { readLooks } from './read-looks.ts';
import { asRejected, eachSegment, rangeOf, segmentsIn, settle } from './segments.ts';
import type { ClipWorkspace } from './workspace.ts';

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
  const covers = new Covers(await followAll(work));
  if (posedClasses.length === 0) return covers;
  progress.enter('pose');
  const looks = await readLooks(work, covers);
  if (looks === 'stopped' || 'status' in looks) return looks;
  covers.decide(looks);
  return covers;
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
  const stretch = stretchOf(clip, { from: firstCompared(from), to });
  const task: DetectSegment = { clip: stretch, from, to, every: settings.detectEvery, counters: progress.counters };
  const outcome = await settle(pool.segment({ kind: 'detect-segment', segment: task }), progress);
  if (outcome.status !== 'detected') return outcome.status === 'stopped' ? 'stopped' : asRejected(outcome);
  await workspace.keepDetected(segment, outcome.frames);
  return 'done';
}

/**
 * What is followed in a clip, by its stored detections and what a person says.
 * @throws SampleError for detections that no sound model makes.
 */
async function followAll({ clip, settings, corrections, workspace }: FirstPass): Promise<Iterable<Track>> {
  const found = new FoundFrames(settings);
  for (let segment = 0; segment < segmentsIn(clip); segment++) {
    const kept = await workspace.detected(segment);
    if (kept === undefined) throw new OutputError('Expected the detections of a moment ago but they are gone');
    for (const frame of kept) found.add(frame);
  }
  const tracks = found.tracks(clip);
  // What a detector found needs no check of where it is.
  if (corrections.length === 0 && !found.isGiven) return tracks;
  return correctTracks([...tracks], corrections, clip).tracks;
}

/** Tracks over the whole clip. @throws SampleError for detections that no sound model makes. */
export async function tracksOf(
  frames: AsyncIterable<DetectedFrame> | Iterable<DetectedFrame>,
  clip: ClipInfo,
  settings: FirstPass['settings'],
): Promise<Track[]> {
  const found = new FoundFrames(settings);
  for await (const frame of frames) found.add(frame);
  return [...found.tracks(clip)];
}

/**
 * What was followed in a clip by what a run has kept of it, before a person's corrections; undefined when it has not looked at
 * every frame, as in one that was not published.
 * @throws UsageError for a damaged file.
 */
export async function followStored(
  workspace: ClipWorkspace,
  settings: FirstPass['settings'],
): Promise<(StoredFrames & { readonly tracks: readonly Track[] }) | undefined> {
  const stored = await storedFrames(workspace);
  if (stored === undefined) return undefined;
  return { ...stored, tracks: await tracksOf(stored.frames(), stored.clip, settings) };
}

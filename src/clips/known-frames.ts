import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClipInfo } from '../video/types.ts';
import type { DetectedFrame } from '../worker/clip.ts';
import type { ListedClip } from './list.ts';
import { SEGMENT_FRAMES } from './segments.ts';
import type { ClipWorkspace } from './workspace.ts';

/** What is known of the frames of a clip before anybody looks at them. */
export interface KnownFrames {
  /** Of the source's bytes in which it was found: other bytes are another clip. */
  readonly sha256?: string;
  /** What the clip is, where that is known, too. */
  readonly clip?: ClipInfo;
  /** Of every frame, in order. @throws SampleError when some are missing. */
  readonly in: (clip: ClipInfo) => readonly DetectedFrame[];
}

/** What takes the place of detectors, clip by clip; or why there is nothing, so that it cannot be published. */
export type KnownFramesOf = (clip: ListedClip) => Promise<KnownFrames | RejectedOutcome>;

export const NO_DETECTIONS: RejectedOutcome = {
  status: 'quarantined',
  stage: 'detect',
  reason: 'no-detections',
  message: 'Expected detections of the earlier run in every frame but found none',
};

/** What a run has found in a clip; undefined when it has not looked at every frame. @throws UsageError for a damaged file. */
export async function storedFrames(
  workspace: ClipWorkspace,
): Promise<{ sha256: string; clip: ClipInfo; frames: DetectedFrame[] } | undefined> {
  const known = await workspace.known();
  if (known === undefined) return undefined;
  const { sha256, clip } = known;
  const frames: DetectedFrame[] = [];
  for (let segment = 0; frames.length < clip.pts.length; segment++) {
    const found = await workspace.detected(segment);
    if (found === undefined || found.length === 0) return undefined;
    frames.push(...found);
  }
  const isWhole = frames.length === clip.pts.length && frames.every(({ frame }, i) => frame === i);
  return isWhole ? { sha256, clip, frames } : undefined;
}

/** Keeps them as if they had been detected in this run. */
export async function keepFrames(workspace: ClipWorkspace, frames: readonly DetectedFrame[]): Promise<void> {
  for (let from = 0; from < frames.length; from += SEGMENT_FRAMES)
    await workspace.keepDetected(from / SEGMENT_FRAMES, frames.slice(from, from + SEGMENT_FRAMES));
}

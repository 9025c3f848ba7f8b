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
  readonly in: (clip: ClipInfo) => AsyncIterable<DetectedFrame> | Iterable<DetectedFrame>;
}

/** What takes the place of detectors, clip by clip; or why there is nothing, so that it cannot be published. */
export type KnownFramesOf = (clip: ListedClip) => Promise<KnownFrames | RejectedOutcome>;

export const NO_DETECTIONS: RejectedOutcome = {
  status: 'quarantined',
  stage: 'detect',
  reason: 'no-detections',
  message: 'Expected detections of the earlier run in every frame but found none',
};

/** What a run has found in a clip: in every frame, in order. */
export interface StoredFrames {
  readonly sha256: string;
  readonly clip: ClipInfo;
  readonly frames: () => AsyncGenerator<DetectedFrame>;
}

/** Undefined when the run has not looked at every frame. @throws UsageError for a damaged file. */
export async function storedFrames(workspace: ClipWorkspace): Promise<StoredFrames | undefined> {
  const known = await workspace.known();
  if (known === undefined) return undefined;
  const { sha256, clip } = known;
  const frames = () => framesIn(workspace, clip.pts.length);
  let next = 0;
  for await (const { frame } of frames()) if (frame !== next++) return undefined;
  return next === clip.pts.length ? { sha256, clip, frames } : undefined;
}

/** At least `count` frames, or as many as there are. One segment is in memory at a time. */
async function* framesIn(workspace: ClipWorkspace, count: number): AsyncGenerator<DetectedFrame> {
  let left = count;
  for (let segment = 0; left > 0; segment++) {
    const found = await workspace.detected(segment);
    if (found === undefined || found.length === 0) return;
    yield* found;
    left -= found.length;
  }
}

/** Keeps them as if they had been detected in this run. */
export async function keepFrames(
  workspace: ClipWorkspace,
  frames: AsyncIterable<DetectedFrame> | Iterable<DetectedFrame>,
): Promise<void> {
  let segment = 0;
  let own: DetectedFrame[] = [];
  const keep = async (): Promise<void> => {
    await workspace.keepDetected(segment++, own);
    own = [];
  };
  for await (const frame of frames) {
    own.push(frame);
    if (own.length === SEGMENT_FRAMES) await keep();
  }
  if (own.length > 0) await keep();
}

import type { RejectedOutcome } from '../core/outcome.ts';
import { SampleError } from '../errors.ts';
import type { Seal } from '../io/seal.ts';
import { probeClip } from '../video/probe.ts';
import type { ClipInfo, FfmpegTools } from '../video/types.ts';
import { rejection } from '../worker/process.ts';
import { type KnownFramesOf, keepFrames } from './known-frames.ts';
import type { ListedClip } from './list.ts';
import { digestsOf } from './source-digests.ts';
import { ClipWorkspace, type Fingerprint } from './workspace.ts';

/** Longest clip, frames: nine hours at 60 a second. */
export const LIMIT_FRAMES = 2_000_000;

export interface ClipToOpen extends Omit<Fingerprint, 'sha256'> {
  readonly tools: FfmpegTools;
  readonly listed: ListedClip;
  /** Private folder of the work on the clip, and what it is encrypted with. */
  readonly folder: string;
  readonly seal: Seal | undefined;
  /** What its source id is made with; absent for none. */
  readonly sourceIdKey: string | undefined;
  readonly limitPixels: number;
  readonly timeoutSeconds: number;
  /** What takes the place of detectors; absent where there are some. */
  readonly knownFrames: KnownFramesOf | undefined;
}

export interface OpenedClip {
  readonly clip: ClipInfo;
  readonly workspace: ClipWorkspace;
  /** Absent unless there is a key. */
  readonly sourceId?: string;
}

/**
 * What a clip is, and the folder of the work on it; what an earlier run has found out is not found out again.
 * @throws OutputError; a clip that cannot be read is a rejection.
 */
export async function openClip(choice: ClipToOpen): Promise<OpenedClip | RejectedOutcome> {
  const { folder, knownFrames, limitPixels, listed, policy, seal, seed, sourceIdKey, timeoutSeconds, tools } = choice;
  try {
    const known = await knownFrames?.(listed);
    if (known !== undefined && 'status' in known) return known;
    const { sha256, ...id } = await digestsOf(listed.path, sourceIdKey).catch((error: NodeJS.ErrnoException) => {
      if (known?.sha256 === undefined || error.code !== 'ENOENT') throw error;
      throw new SampleError('read', 'source-gone', 'Expected the clip of the earlier run but it is gone');
    });
    if (known?.sha256 !== undefined && known.sha256 !== sha256) {
      throw new SampleError('read', 'source-changed', 'Expected the clip of the earlier run but it has changed since');
    }
    const fingerprint = { sha256, policy, seed };
    const { workspace, clip: earlier } = await ClipWorkspace.open(folder, fingerprint, seal);
    if (earlier !== undefined) return { workspace, clip: { ...earlier, path: listed.path }, ...id };
    const limits = { limitPixels, limitFrames: LIMIT_FRAMES, timeoutSeconds };
    const clip = known?.clip ? { ...known.clip, path: listed.path } : await probeClip(tools, listed.path, limits);
    // Before the clip counts as begun: what is known takes the place of looking, as a whole or not at all.
    if (known !== undefined) await keepFrames(workspace, known.in(clip));
    await workspace.begin(fingerprint, clip);
    return { workspace, clip, ...id };
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || (error as Error).name === 'OutputError') throw error;
    return rejection(new SampleError('read', 'unreadable', `Expected a readable file but received ${code}`), 'read');
  }
}

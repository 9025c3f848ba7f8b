import type { RejectedOutcome } from '../core/outcome.ts';
import { OutputError, SampleError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import { probeClip } from '../video/probe.ts';
import type { ClipInfo, ClipLimits, FfmpegTools } from '../video/types.ts';
import { rejection } from '../worker/process.ts';
import { ClipWorkspace, type Fingerprint } from './workspace.ts';

export interface ClipToOpen extends Omit<Fingerprint, 'sha256'> {
  readonly tools: FfmpegTools;
  /** The clip. */
  readonly path: string;
  /** Private folder of the work on it. */
  readonly folder: string;
  readonly limits: ClipLimits;
}

/**
 * What a clip is, and the folder of the work on it; what an earlier run has found out is not found out again.
 * @throws OutputError; a clip that cannot be read is a rejection.
 */
export async function openClip({
  folder,
  limits,
  path,
  tools,
  ...settings
}: ClipToOpen): Promise<{ readonly clip: ClipInfo; readonly workspace: ClipWorkspace } | RejectedOutcome> {
  try {
    const fingerprint = { ...settings, sha256: await sha256OfFile(path) };
    const { workspace, clip: earlier } = await ClipWorkspace.open(folder, fingerprint);
    if (earlier !== undefined) return { workspace, clip: { ...earlier, path } };
    const clip = await probeClip(tools, path, limits);
    await workspace.begin(fingerprint, clip);
    return { workspace, clip };
  } catch (error) {
    if (error instanceof SampleError) return rejection(error, error.stage);
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof OutputError) throw error;
    return rejection(new SampleError('read', 'unreadable', `Expected a readable file but received ${code}`), 'read');
  }
}

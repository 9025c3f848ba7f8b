import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RejectedOutcome } from '../../core/outcome.ts';
import { makeFolder } from '../../io/atomic.ts';
import { CLIP_WORK, privatePath } from '../../io/private-files.ts';
import { readPrivateFile, writePrivateFile } from '../../io/private-lines.ts';
import type { Seal } from '../../io/seal.ts';
import type { ListedClip } from '../list.ts';

const PLAN = 'frames.json';

/** What a clip gives: the indices of its chosen frames, increasing and at least one, or why nothing of it is published. */
export type ClipFrames = { readonly frames: readonly number[] } | RejectedOutcome;

/**
 * What a run that publishes frames knows of its clips. Once it is known of all of them, the samples are numbered, and it
 * must not change any more.
 */
export interface FramePlan {
  /** Path of each clip, in the order of the inputs. */
  readonly sources: readonly string[];
  /** Of each clip; absent until all are known. */
  readonly clips?: readonly ClipFrames[];
}

export function planOf(clips: readonly ListedClip[]): FramePlan {
  return { sources: clips.map(({ path }) => path) };
}

/** Undefined when there is none, or none that can be read: what is in it is found out again then. */
export async function readPlan(privateDir: string, seal: Seal | undefined): Promise<FramePlan | undefined> {
  return readPrivateFile(join(privateDir, CLIP_WORK), PLAN, seal)
    .then((text) => (text === undefined ? undefined : (JSON.parse(text) as FramePlan)))
    .catch(() => undefined);
}

/** @throws OutputError */
export async function writePlan(privateDir: string, plan: FramePlan, seal: Seal | undefined): Promise<void> {
  await makeFolder(join(privateDir, CLIP_WORK), 0o700);
  await writePrivateFile(join(privateDir, CLIP_WORK), PLAN, JSON.stringify(plan), seal);
}

/** Whether a private folder is that of a run that publishes frames. */
export function holdsFrames(privateDir: string): boolean {
  return [false, true].some((isSealed) => existsSync(privatePath(join(privateDir, CLIP_WORK), PLAN, isSealed)));
}

import { chmod, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { makeFolder } from '../../io/atomic.ts';
import { OutputLock } from '../../io/lock.ts';
import { clearOutput, inspectOutput } from '../../io/output-folder.ts';
import { LOG_FOLDER, RunLog } from '../../io/run-log.ts';
import { differingSettings } from '../../io/settings.ts';
import type { ListedClip } from '../list.ts';
import { type FrameParts, redactClips } from './clips.ts';
import { type ClipFrames, type FramePlan, planOf, writePlan } from './plan.ts';
import { FrameSamples } from './samples.ts';
import type { FrameConfig } from './settings.ts';

/** @throws UsageError when the earlier run in the output had other settings or inputs. */
export function assertSameRun(
  { out, privateDir }: FrameConfig,
  earlier: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>>,
  plan: FramePlan,
  found: FramePlan | undefined,
): void {
  const differences = differingSettings(earlier, settings);
  if (differences.length > 0) {
    throw new UsageError(
      `Expected the settings of the earlier run in ${out} but they differ (earlier → now): ${differences.join('; ')}; --overwrite replaces the earlier output`,
    );
  }
  // Its samples were numbered.
  if (earlier.total !== undefined && found?.clips === undefined) {
    throw new UsageError(
      `Expected --private-dir to belong to --out but ${privateDir} does not know the clips of ${out}; --overwrite replaces both`,
    );
  }
  if (found === undefined || JSON.stringify(found.sources) === JSON.stringify(plan.sources)) return;
  throw new UsageError(`Expected the inputs of the earlier run in ${out}, but they differ; --overwrite replaces it`);
}

/**
 * Redacts the frames of all clips, unless an earlier run has, so that it is known how many samples there are.
 * @param outcomes gets what each clip gives that is worked on.
 * @returns what each clip gives; undefined when the work was stopped.
 */
export async function planFrames(
  parts: FrameParts,
  settings: Record<string, unknown>,
  clips: readonly ListedClip[],
  found: FramePlan | undefined,
  outcomes: Map<number, ClipFrames>,
  signal: AbortSignal | undefined,
): Promise<readonly ClipFrames[] | undefined> {
  const { config } = parts;
  const lock = await OutputLock.acquire(config.out);
  let log: RunLog | undefined;
  try {
    const state = await inspectOutput(config);
    if (state.kind === 'replaced') await clearOutput(config.out, state.paths);
    // Before anything private, which would not be known to belong to it.
    log = await RunLog.create(config.out, settings);
    await makeFolder(config.privateDir, 0o700);
    await chmod(config.privateDir, 0o700);
    const plan = found ?? planOf(clips);
    await writePlan(config.privateDir, plan);
    let { clips: frames } = plan;
    if (frames === undefined) {
      await redactClips(clips, parts, outcomes, signal);
      if (outcomes.size < clips.length) {
        await log.setStatus('interrupted');
        return undefined;
      }
      frames = clips.map(({ index }) => outcomes.get(index) as ClipFrames);
      await lock.assertHeld();
      await writePlan(config.privateDir, { ...plan, clips: frames });
    }
    await log.setStatus('running', { total: new FrameSamples(clips, frames).total });
    return frames;
  } catch (error) {
    if (!lock.lost) await log?.setStatus('failed').catch(() => undefined);
    throw error;
  } finally {
    await lock.release().catch(() => undefined);
    // Only when nothing else is in it: it was made for the lock.
    await rmdir(join(config.out, LOG_FOLDER)).catch(() => undefined);
  }
}

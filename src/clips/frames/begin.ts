import { chmod, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { OutputLock } from '../../io/lock.ts';
import { clearOutput, inspectOutput } from '../../io/output-folder.ts';
import { type PrivateRun, writePrivateRun } from '../../io/private-run.ts';
import { LOG_FOLDER, RunLog } from '../../io/run-log.ts';
import type { Seal } from '../../io/seal.ts';
import { differingSettings } from '../../io/settings.ts';
import { ClipLedger } from '../ledger.ts';
import type { ListedClip } from '../list.ts';
import { type FrameParts, redactClips } from './clips.ts';
import { type ClipFrames, type FramePlan, planOf, writePlan } from './plan.ts';
import { FrameSamples } from './samples.ts';
import type { FrameConfig } from './settings.ts';

/** What a run tells of its settings. */
export interface FrameRunSettings {
  /** For run.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** For the private folder. */
  readonly privateRun: PrivateRun;
}

/** @throws UsageError when the earlier run in the output had other settings or inputs. */
export async function assertSameRun(
  { out, privateDir }: FrameConfig,
  earlier: Readonly<Record<string, unknown>>,
  { settings, privateRun }: FrameRunSettings,
  seal: Seal | undefined,
  plan: FramePlan,
  found: FramePlan | undefined,
): Promise<void> {
  const differences = await ClipLedger.differences(privateDir, privateRun, seal);
  if (differences.length === 0) differences.push(...differingSettings(earlier, settings));
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
  { settings, privateRun }: FrameRunSettings,
  clips: readonly ListedClip[],
  found: FramePlan | undefined,
  outcomes: Map<number, ClipFrames>,
  signal: AbortSignal | undefined,
): Promise<readonly ClipFrames[] | undefined> {
  const { config, keys } = parts;
  const { seal, sourceIdKey } = keys;
  const lock = await OutputLock.acquire(config.out);
  let log: RunLog | undefined;
  try {
    const state = await inspectOutput(config);
    if (state.kind === 'replaced') await clearOutput(config.out, state.paths);
    // Keys come before the run: nothing is written that they do not encrypt.
    if (state.kind !== 'earlier') await ClipLedger.create(config.privateDir, seal, sourceIdKey);
    log = await RunLog.create(config.out, { ...settings });
    await chmod(config.privateDir, 0o700);
    await writePrivateRun(config.privateDir, privateRun, seal);
    const plan = found ?? planOf(clips);
    await writePlan(config.privateDir, plan, seal);
    let { clips: frames } = plan;
    if (frames === undefined) {
      await redactClips(clips, parts, outcomes, signal);
      if (outcomes.size < clips.length) {
        await log.setStatus('interrupted');
        return undefined;
      }
      frames = clips.map(({ index }) => outcomes.get(index) as ClipFrames);
      await lock.assertHeld();
      await writePlan(config.privateDir, { ...plan, clips: frames }, seal);
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

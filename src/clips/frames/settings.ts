import type { Config } from '../../config.ts';
import { UsageError } from '../../errors.ts';
import { sha256 } from '../../io/atomic.ts';
import { KEPT_BY_DEFAULT } from '../../io/keep.ts';
import { describeFrameChoice, type FrameChoice } from '../../video/frame-choice.ts';
import type { Job } from '../../worker/job.ts';
import { policyOf, publicSettings } from '../settings.ts';

/** Settings of a run that publishes images of frames. */
export type FrameConfig = Config & { readonly frames: FrameChoice };

/** @throws UsageError naming the option. */
export function refuseOptions(config: Config): void {
  if (config.retryFailed) {
    throw new UsageError(
      'Expected no --retry-failed with --frames, since the images of a clip would move those of all after it to other shards, but received one; --overwrite begins anew',
    );
  }
  const refused = Object.entries({
    '--labels': config.labels !== 'none',
    '--keep': config.keep.some((field) => !KEPT_BY_DEFAULT.includes(field)),
    '--protect-labels': config.protectLabels.length > 0,
    '--shard-index': config.part !== undefined,
    '--single-pass': config.lookAhead !== undefined,
  }).find(([, isGiven]) => isGiven);
  if (refused)
    throw new UsageError(`Expected no ${refused[0]} with --frames, which does not know it, but received one`);
}

/** The format of the images: JPEG, unless another one is asked for. Video has none that could be kept. */
export function withFormat(config: FrameConfig): FrameConfig & { readonly encode: Exclude<Config['encode'], 'keep'> } {
  return { ...config, encode: config.encode === 'keep' ? 'jpeg' : config.encode };
}

/** What `run.json` tells about the settings: no path, no name. */
export function frameSettings(config: FrameConfig, job: Job): Record<string, unknown> {
  const { clipFormat: _, audio: __, ...shared } = publicSettings(config, job);
  return {
    ...shared,
    kind: 'frames',
    policy: framePolicy(config, job),
    frames: describeFrameChoice(config.frames),
    encode: job.encode,
    jpegQuality: config.jpegQuality,
    samplesPerShard: config.samplesPerShard,
    daliIndex: config.daliIndex,
    hfMetadata: config.hfMetadata,
  };
}

/** Of everything that decides what is published. */
export function framePolicy(config: FrameConfig, job: Job): string {
  return sha256(JSON.stringify({ clips: policyOf(config, job), frames: describeFrameChoice(config.frames) }));
}

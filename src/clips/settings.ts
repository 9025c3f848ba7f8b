import type { Config } from '../config.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { sha256 } from '../io/atomic.ts';
import { KEPT_BY_DEFAULT } from '../io/keep.ts';
import { readSecret } from '../io/secret.ts';
import { packageVersion } from '../prepare.ts';
import { sniffClipFile } from '../video/sniff.ts';
import { type ClipInfo, PUBLISHED_CONTAINERS, type PublishedContainer } from '../video/types.ts';
import type { Job } from '../worker/job.ts';
import { SEGMENT_FRAMES } from './anonymize-clip.ts';
import type { ListedClip } from './list.ts';

/** Candidates from this share of the least redacted score on may continue a track. */
const WEAK_SHARE = 0.6;

/**
 * Also what would be passed over in silence: nobody should take a private folder for encrypted that is not.
 * @throws UsageError naming the option.
 */
export async function refuseImageOptions(config: Config): Promise<void> {
  const secret = await readSecret(config);
  const refused = Object.entries({
    '--boxes': config.boxes !== undefined,
    '--corrections': config.corrections !== undefined,
    '--labels': config.labels !== 'none',
    '--keep': config.keep.some((field) => !KEPT_BY_DEFAULT.includes(field)),
    '--protect-labels': config.protectLabels.length > 0,
    '--encode': config.encode !== 'keep',
    '--retry-failed': config.retryFailed,
    '--shard-index': config.part !== undefined,
    '--source-ids': config.sourceIds,
    '--dali-index': config.daliIndex,
    '--hf-metadata': config.hfMetadata,
    [secret?.from ?? '']: secret !== undefined,
  }).find(([, isGiven]) => isGiven);
  if (refused) throw new UsageError(`Expected no ${refused[0]} with clips, which do not know it yet, but received one`);
}

/** Text on plates is looked for, too, and weak candidates are reported: tracks decide what is redacted. */
export function detectingJob(job: Job): Job {
  const { thresholds, plateShape } = job.detect;
  const floors = Object.fromEntries(CLASSES.map((cls) => [cls, thresholds[cls] * WEAK_SHARE]));
  return {
    ...job,
    detect: {
      ...job.detect,
      thresholds: floors as Record<ClassName, number>,
      mergePlatesAndText: false,
      ...(plateShape ? { plateShape: { ...plateShape, threshold: plateShape.threshold * WEAK_SHARE } } : {}),
    },
  };
}

/** The container that a clip is published in: its own with `keep`, where that is one that is published. */
export async function containerOf({ path }: ListedClip, { clipFormat }: Config): Promise<PublishedContainer> {
  if (clipFormat !== 'keep') return clipFormat;
  const own = await sniffClipFile(path).catch(() => undefined);
  return PUBLISHED_CONTAINERS.find((container) => container === own) ?? 'mp4';
}

/** What `run.json` tells about the settings: no path, no name. */
export function publicSettings(config: Config, job: Job): Record<string, unknown> {
  return {
    kind: 'clips',
    version: packageVersion(),
    policy: policyOf(config, job),
    models: job.models,
    classes: config.classes,
    quality: config.quality,
    redact: config.redact,
    fill: config.fill,
    bodyFill: config.bodyFill,
    textFill: config.textFill,
    threshold: job.detect.thresholds,
    grow: job.policy.grow,
    format: config.format,
    clipFormat: config.clipFormat,
    audio: config.audio,
    detectEvery: config.detectEvery,
    ...(config.lookAhead === undefined ? {} : { lookAhead: config.lookAhead }),
    limitPixels: config.limitPixels,
    logGeometry: config.logGeometry,
  };
}

/** Of everything that decides what is published of a clip. */
export function policyOf({ detectEvery, lookAhead, clipFormat, audio }: Config, { policyHash }: Job): string {
  return sha256(
    JSON.stringify({
      policyHash,
      detectEvery,
      lookAhead,
      clipFormat,
      audio,
      weak: WEAK_SHARE,
      segment: SEGMENT_FRAMES,
    }),
  );
}

/** One sentence each. */
export function noticesOf({ classes, redact, audio, lookAhead }: Config): string[] {
  const untouched = classes.filter((cls) => redact[cls] === 'none');
  return [
    ...(untouched.length > 0 ? [`${untouched.join(', ')} will NOT be redacted (mode none)`] : []),
    ...(lookAhead === undefined
      ? []
      : [`each frame is redacted by what was seen before it and in ${lookAhead} frames after it`]),
    ...(audio === 'keep' ? ['sound is kept as it is: voices identify people'] : []),
    ...(audio === 'mask' ? ['voices are obfuscated, which is not anonymous: words and manner of speaking stay'] : []),
  ];
}

/** Kinds of what the source has and the output has not. */
export function strippedOf({ dropped, hasAudio }: Pick<ClipInfo, 'dropped' | 'hasAudio'>, { audio }: Config): string[] {
  return Object.keys(dropped)
    .filter((kind) => kind !== 'audio' || (hasAudio && audio === 'drop'))
    .sort();
}

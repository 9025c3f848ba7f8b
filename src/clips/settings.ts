import type { Config } from '../config.ts';
import type { ClassName } from '../core/types.ts';
import { reportingFrom } from '../detect/pipeline.ts';
import { UsageError } from '../errors.ts';
import { sha256 } from '../io/atomic.ts';
import { KEPT_BY_DEFAULT } from '../io/keep.ts';
import { listingDigest } from '../io/listing.ts';
import type { PrivateRun } from '../io/private-run.ts';
import { digestOfKey } from '../io/run-keys.ts';
import type { ListedSample } from '../io/source.ts';
import { packageVersion } from '../version.ts';
import { sniffClipFile } from '../video/sniff.ts';
import { type ClipInfo, PUBLISHED_CONTAINERS, type PublishedContainer } from '../video/types.ts';
import type { Job } from '../worker/job.ts';
import type { ListedClip } from './list.ts';
import type { ClipReview } from './review.ts';
import type { ClipsWork } from './run.ts';
import { SEGMENT_FRAMES } from './segments.ts';

/** Candidates from this share of the least redacted score on may continue a track. */
const WEAK_SHARE = 0.6;

/** @throws UsageError naming the option. */
export function refuseImageOptions(config: Config): void {
  const refused = Object.entries({
    '--labels': config.labels !== 'none',
    '--keep': config.keep.some((field) => !KEPT_BY_DEFAULT.includes(field)),
    '--protect-labels': config.protectLabels.length > 0,
    '--encode': config.encode !== 'keep',
    '--dali-index': config.daliIndex,
    '--hf-metadata': config.hfMetadata,
  }).find(([, isGiven]) => isGiven);
  if (refused) throw new UsageError(`Expected no ${refused[0]} with clips, which do not know it yet, but received one`);
}

/** Text on plates is looked for, too, and weak candidates are reported: tracks decide what is redacted. */
export function detectingJob(job: Job): Job {
  return { ...job, detect: reportingFrom(job.detect, WEAK_SHARE) };
}

/** Least scores at which a track begins; none does of a class that nobody has asked for. */
export function trackingThresholds({ detect: { classes, thresholds } }: Job): Record<ClassName, number> {
  const of = (cls: ClassName): number => (classes.includes(cls) ? thresholds[cls] : Infinity);
  return { face: of('face'), body: of('body'), plate: of('plate'), text: of('text') };
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
    sourceIds: config.sourceIds,
    limitPixels: config.limitPixels,
    logGeometry: config.logGeometry,
  };
}

/** What the private folder tells of a run, so that its clips can be redacted again. */
export function privateClipRun(
  {
    config: { classes, part, quality, seed },
    listed: { clips },
    digest,
    before,
  }: Pick<ClipsWork, 'before' | 'config' | 'digest' | 'listed'>,
  { detect, models }: Job,
  settings: Record<string, unknown>,
  review: ClipReview | undefined,
  sourceIdKey: string | undefined,
): PrivateRun {
  const at = (index: number): ListedSample => {
    const { path, relativePath } = clips[index] as ListedClip;
    return { index, origin: { path }, relativePath };
  };
  return {
    v: 1,
    total: clips.length,
    hasCls: false,
    seed,
    boxes: digest,
    corrections: review?.digest ?? null,
    ...(part ? { listing: listingDigest(clips.length, at) } : {}),
    ...(part && sourceIdKey ? { sourceIdKey: digestOfKey(sourceIdKey) } : {}),
    // A run that detects nothing hands on what it was given.
    detected: {
      models: [...(before?.models ?? models)],
      classes: [...(before?.classes ?? classes)],
      quality: before?.quality ?? quality,
      threshold: before?.threshold ?? detect.thresholds,
      // In clips both are looked for, whatever becomes of them.
      mergesPlatesAndText: false,
    },
    settings,
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

import type { Config } from '../config.ts';
import { KEPT_BY_DEFAULT } from '../io/keep.ts';
import { listingDigest } from '../io/listing.ts';
import type { PrivateRun } from '../io/private-run.ts';
import { digestOfKey } from '../io/run-keys.ts';
import type { Source } from '../io/source.ts';
import type { Review } from '../known/review.ts';
import type { Work } from '../run.ts';
import { packageVersion } from '../version.ts';
import type { Job } from '../worker/job.ts';

/** What the private folder tells of a run, so that its images can be redacted again. */
export function privateRun(
  { config, source, digest, before }: Work,
  job: Job,
  settings: Record<string, unknown>,
  review: Review | undefined,
  sourceIdKey: string | undefined,
): PrivateRun {
  const { detect, models } = job;
  return {
    v: 1,
    total: source.total,
    hasCls: source.hasCls,
    seed: config.seed,
    boxes: digest,
    corrections: review?.digest ?? null,
    ...(config.part ? { listing: listingDigest(source.total, source.at) } : {}),
    ...(config.part && sourceIdKey ? { sourceIdKey: digestOfKey(sourceIdKey) } : {}),
    // A run that detects nothing hands on what it was given.
    detected: {
      models: [...(before?.models ?? models)],
      classes: [...(before?.classes ?? config.classes)],
      quality: before?.quality ?? config.quality,
      threshold: before?.threshold ?? detect.thresholds,
      mergesPlatesAndText: before?.mergesPlatesAndText ?? detect.mergePlatesAndText,
    },
    settings,
  };
}

/** What `run.json` tells about the settings: no path, no name. */
export function publicSettings(
  config: Config,
  job: Job,
  { classNames, categories, keptMembers }: Source,
): Record<string, unknown> {
  return {
    version: packageVersion(),
    policy: job.policyHash,
    models: job.models,
    classes: config.classes,
    quality: config.quality,
    redact: config.redact,
    fill: config.fill,
    bodyFill: config.bodyFill,
    textFill: config.textFill,
    pseudonyms: config.pseudonyms,
    threshold: job.detect.thresholds,
    grow: job.policy.grow,
    format: config.format,
    encode: job.encode,
    jpegQuality: config.jpegQuality,
    limitPixels: config.limitPixels,
    samplesPerShard: config.samplesPerShard,
    logGeometry: config.logGeometry,
    labels: config.labels,
    sourceIds: config.sourceIds,
    daliIndex: config.daliIndex,
    hfMetadata: config.hfMetadata,
    ...keepSettings(config, keptMembers),
    ...(config.protectLabels.length > 0 ? { protectLabels: config.protectLabels } : {}),
    // Only with labels from folders or a list: what the class indices mean.
    ...(classNames ? { classNames } : {}),
    ...(categories && config.keep.includes('labels') ? { categories } : {}),
  };
}

/** What passes as it is, unless it is what passes by default. */
function keepSettings({ keep }: Config, keptMembers: readonly string[]): Record<string, unknown> {
  if (keep.join() === KEPT_BY_DEFAULT.join()) return {};
  // For whoever gets the output: nobody has looked at these.
  return { keep, ...(keptMembers.length > 0 ? { publishedAsGiven: keptMembers } : {}) };
}

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { type Config, fillConfig } from '../config.ts';
import type { RejectedOutcome } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { KEPT_BY_DEFAULT } from '../io/keep.ts';
import { openLedgerSource, readQuarantine } from '../io/ledger-source.ts';
import { hasPrivateParts, notFinalized } from '../io/parts.ts';
import { type PrivateRun, readPrivateRun } from '../io/private-run.ts';
import { RUN_FILE } from '../io/run-log.ts';
import { openSeal, type Seal } from '../io/seal.ts';
import { readSecret } from '../io/secret.ts';
import { readSourceIdKey } from '../io/source-id-key.ts';
import { StoredDetections } from '../io/stored-detections.ts';
import { assertNoWithdrawal } from '../io/withdrawal.ts';
import type { Options } from '../options.ts';
import { prepareWithoutDetectors } from '../prepare.ts';
import { type RunHooks, type RunSummary, runSource } from '../run.ts';
import type { Known } from '../worker/job.ts';
import {
  allModes,
  assertCorrections,
  commonOptions,
  commonSettings,
  detectedOptions,
  settingsIn,
} from './replay-options.ts';
import { isClipRun, isFrameRun } from './run-file.ts';

/** Options that a replay does not take from the earlier run. */
export type ReplayOptions = Omit<
  Options,
  | 'inputs'
  | 'fromFile'
  | 'model'
  | 'quality'
  | 'boxes'
  | 'labels'
  | 'keep'
  | 'samplesPerShard'
  | 'shardIndex'
  | 'shardCount'
  | 'retryFailed'
>;

export interface Replay {
  readonly config: Config;
  /** Throws as `run` does. */
  run(hooks?: RunHooks): Promise<RunSummary>;
}

/** What of the earlier run's settings a replay takes over; values are checked when they become options again. */
const settingsSchema = v.object({
  ...commonSettings,
  pseudonyms: v.string(),
  encode: v.string(),
  jpegQuality: v.number(),
  samplesPerShard: v.number(),
  labels: v.optional(v.string(), 'none'),
  keep: v.optional(v.array(v.string()), [...KEPT_BY_DEFAULT]),
  sourceIds: v.optional(v.boolean(), false),
  daliIndex: v.optional(v.boolean(), false),
  hfMetadata: v.optional(v.boolean(), false),
  classNames: v.optional(v.array(v.string())),
  categories: v.optional(v.record(v.string(), v.string())),
  protectLabels: v.optional(v.array(v.string()), []),
});
type Settings = v.InferOutput<typeof settingsSchema>;

type Earlier = Pick<PrivateRun, 'detected' | 'seed' | 'corrections'> & {
  readonly settings: Settings;
  readonly total?: number;
};

/**
 * Redacts the images of an earlier run again, from the detections that its private folder keeps, without a detector.
 * What the options do not say stays as it was; with nothing said, the bytes are the same, too.
 *
 * @throws UsageError when the folder is not of a finished run or the options ask for what it does not keep.
 */
export async function openReplay(folder: string, options: ReplayOptions): Promise<Replay> {
  const seal = await openSeal(path.resolve(folder), await readSecret(options));
  const earlier = await readEarlier(path.resolve(folder), seal);
  assertCorrections(earlier, options);
  const filled = fillConfig({ inputs: [folder], ...optionsOf(earlier, options) });
  const config = { ...filled, redact: allModes(earlier.settings, options, filled) };
  return { config, run: (hooks = {}) => replay(path.resolve(folder), earlier, config, seal, hooks) };
}

async function replay(
  folder: string,
  earlier: Earlier,
  config: Config,
  seal: Seal | undefined,
  hooks: RunHooks,
): Promise<RunSummary> {
  const ledger = await openLedgerSource(folder, earlier.total, config, seal);
  const { classNames, categories } = earlier.settings;
  const source = {
    ...ledger,
    ...(ledger.hasCls && classNames ? { classNames } : {}),
    ...(categories ? { categories } : {}),
  };
  if (config.format === 'folder' && !source.isNamed) {
    throw new UsageError(`Expected names of images for --format folder but ${folder} is of a version that kept none`);
  }
  const quarantine = await readQuarantine(folder, seal);
  // Ids stay what they were, so that both outputs can be matched with the same key.
  const keeps = config.sourceIds && earlier.settings.sourceIds;
  const ids = keeps ? { sourceIdKey: await readSourceIdKey(folder, seal) } : {};
  const stored = await StoredDetections.open(folder, seal);
  const knownOf = async (index: number): Promise<Known | RejectedOutcome> => {
    if (source.withdrawn.has(index)) return WITHDRAWN;
    const found = await stored.of(index);
    if (found === undefined) return quarantine.get(index) ?? UNKNOWN;
    const sourceSha256 = source.sha256Of(index);
    const { detections, labels: areas } = found;
    return {
      detections,
      ...(areas ? { labels: { unit: 'pixel', areas } } : {}),
      ...(sourceSha256 === undefined ? {} : { sourceSha256 }),
    };
  };
  const before = earlier.detected;
  const prepare = (resolved: Config) => prepareWithoutDetectors(resolved, before);
  try {
    const notices = lostNotices(source.lostMembers);
    return await runSource(
      { config, source, prepare, knownOf, before, detections: 'stored', digest: null, notices, ...ids },
      hooks,
    );
  } finally {
    await stored.close();
  }
}

const WITHDRAWN: RejectedOutcome = {
  status: 'quarantined',
  stage: 'read',
  reason: 'withdrawn',
  message: 'Expected an image of the earlier run but it was withdrawn',
};

function lostNotices(lost: readonly string[]): string[] {
  if (lost.length === 0) return [];
  return [`${lost.join(', ')} (--keep) will NOT be in this replay: the private folder keeps small members only`];
}

const UNKNOWN: RejectedOutcome = {
  status: 'quarantined',
  stage: 'detect',
  reason: 'no-detections',
  message: 'Expected detections of the earlier run but found none',
};

async function readEarlier(folder: string, seal: Seal | undefined): Promise<Earlier> {
  await assertNoWithdrawal(folder);
  if (await hasPrivateParts(folder)) throw notFinalized(folder);
  const kept = await readPrivateRun(folder, seal);
  if (kept !== undefined && isClipRun(kept.settings)) throw ofClips(folder);
  if (kept !== undefined) return { ...kept, settings: settingsIn(settingsSchema, kept.settings, folder) };
  // The first versions kept no settings in the private folder; those of its output stand beside it by default.
  const out = folder.replace(/\.private$/, '');
  const file = path.join(out, RUN_FILE);
  const text = out === folder ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) throw new UsageError(`Expected the private folder of a run but ${folder} has no run.json`);
  const run = JSON.parse(text) as { total?: number; kind?: unknown };
  if (isClipRun(run) || isFrameRun(run)) throw ofClips(folder);
  const settings = settingsIn(settingsSchema, run, file);
  const { models, classes, quality, threshold, redact } = settings;
  const mergesPlatesAndText = classes.includes('plate') && classes.includes('text') && redact.plate === redact.text;
  return {
    settings,
    seed: 0,
    corrections: null,
    detected: { models, classes, quality, threshold, mergesPlatesAndText },
    ...(run.total === undefined ? {} : { total: run.total }),
  };
}

function ofClips(folder: string): UsageError {
  return new UsageError(`Expected the private folder of a run over images but ${folder} is of clips`);
}

/** The options that give the earlier run, with those that are said now. */
function optionsOf(earlier: Earlier, said: ReplayOptions): Record<string, unknown> {
  const { settings, detected } = earlier;
  const { preset: _, ...rest } = said;
  const format = said.format ?? settings.format;
  return {
    pseudonyms: settings.pseudonyms,
    encode: settings.encode,
    jpegQuality: settings.jpegQuality,
    sourceIds: settings.sourceIds,
    daliIndex: settings.daliIndex && format === 'webdataset',
    hfMetadata: settings.hfMetadata && format === 'folder',
    ...commonOptions(earlier, said),
    ...rest,
    ...detectedOptions(earlier, said),
    samplesPerShard: settings.samplesPerShard,
    protectLabels: rest.protectLabels ?? settings.protectLabels,
    // A mirrored tree keeps its folders anyway.
    labels: settings.labels === 'folders' && format === 'folder' ? 'none' : settings.labels,
    keep: settings.keep.length > 0 ? settings.keep : ['none'],
    quality: detected.quality,
  };
}

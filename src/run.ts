import path from 'node:path';
import type { Config } from './config.ts';
import type { RejectedOutcome } from './core/outcome.ts';
import type { ClassName } from './core/types.ts';
import { UsageError } from './errors.ts';
import { detectLabels } from './io/labels/detect.ts';
import { objectMember } from './io/labels/open.ts';
import { openSink } from './io/open-sink.ts';
import { checkOutput } from './io/output-folder.ts';
import { placesOf } from './io/parts.ts';
import { openKeys, type RunKeys, shareKeys } from './io/run-keys.ts';
import type { Seal } from './io/seal.ts';
import { type Part, ShardPlan } from './io/shard-plan.ts';
import type { Sink, SinkOptions } from './io/sink.ts';
import { openSource, type Source } from './io/source.ts';
import { completeRecords, surveyOutput } from './io/survey.ts';
import { boxesOfList, type GivenBoxes, openGivenBoxes } from './known/boxes.ts';
import { Review } from './known/review.ts';
import { assertNoDetectors, withFoundLabels } from './option-conflicts.ts';
import { type DetectedBefore, GIVEN, prepareJob, prepareWithoutDetectors } from './prepare.ts';
import { chooseEncoding } from './run/encoding.ts';
import { type CategoryLoss, sumUpLosses } from './run/label-losses.ts';
import { keptNotices, metadataNotices, untouchedNotices } from './run/notices.ts';
import { Groups } from './run/pseudonyms.ts';
import { pump } from './run/pump.ts';
import { privateRun, publicSettings } from './run/settings.ts';
import { Tally } from './run/tally.ts';
import type { Job, Known } from './worker/job.ts';
import { WorkerPool } from './worker/pool.ts';

/** Counts while a run goes on. */
export interface RunProgress {
  readonly done: number;
  /** Those of them that an earlier run has done. */
  readonly kept: number;
  readonly total: number;
  readonly published: number;
  readonly rejected: number;
  readonly regions: Readonly<Record<ClassName, number>>;
}

export interface RunSummary extends RunProgress {
  readonly status: 'finished' | 'interrupted' | 'empty';
  /** Published images with at least one region of the class. */
  readonly images: Readonly<Record<ClassName, number>>;
  /** Regions that were blurred because they could not be replaced. */
  readonly standIns: Readonly<Record<ClassName, number>>;
  /** Which part of a run this was, when it was one; all counts are those of the part. */
  readonly part?: Part & {
    readonly firstShard: number;
    readonly shards: number;
    /** Samples of the whole run. */
    readonly ofTotal: number;
  };
  /** Samples that were withdrawn from the output of an earlier run: nothing is done with them. Absent for none. */
  readonly withdrawn?: number;
  /** Samples that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What the inputs held besides images, by extension or kind. */
  readonly dropped: Readonly<Record<string, number>>;
  /** What became of corrections; absent without them, and in a run that was interrupted. */
  readonly review?: ReviewSummary;
  /** What became of labelled objects; absent without them, and in a run that was interrupted. */
  readonly labels?: LabelLosses;
  /** Detections that were left as they are, since they lie in objects that labels protect. */
  readonly protected?: number;
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly device: readonly string[];
  readonly workers: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Mean milliseconds per published image, by stage and model. */
  readonly msPerImage: Readonly<Record<string, number>>;
  readonly peakInFlight: number;
  readonly out: string;
  readonly privateDir: string;
}

/** Labelled objects that lost more than a share of their area, by category. */
export interface LabelLosses {
  readonly over: number;
  readonly categories: readonly CategoryLoss[];
}

/** Regions by what a person said of them. */
export interface ReviewSummary {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Corrections that address nothing, one sentence each. */
  readonly problems: readonly string[];
}

export interface RunHooks {
  /** Aborting drains what is in work, then ends the run as `interrupted`. */
  readonly signal?: AbortSignal;
  /** An unfinished run was found; its shards are read again before anything else is done. */
  readonly onResume?: () => void;
  readonly onStart?: (start: Pick<RunSummary, 'total' | 'kept' | 'models' | 'device' | 'workers' | 'notices'>) => void;
  readonly onProgress?: (progress: RunProgress) => void;
}

/**
 * The main job: source → workers → sink. Nothing is written before inputs, models and workers have
 * been checked. What an earlier run with the same settings and inputs has done is kept.
 *
 * @throws UsageError or ModelError with nothing written; OutputError, or ModelError from a worker that
 * can no longer be trusted, after the unfinished shard has been removed.
 */
export async function run(options: Config, hooks: RunHooks = {}): Promise<RunSummary> {
  const { config, notices } = await findLabels(options);
  const source = await openSource(config);
  const given = await openGiven(config, source);
  if (given === undefined) {
    const prepare = (resolved: Config) => prepareJob(resolved);
    return runSource({ config, source, prepare, digest: null, notices }, hooks);
  }
  const prepare = (resolved: Config) => prepareWithoutDetectors(resolved, GIVEN);
  const all = [...notices, ...given.notices];
  return runSource({ config, source, prepare, ...given, notices: all, before: GIVEN, detections: 'given' }, hooks);
}

/** Finds out what `--labels auto` stands for. @throws UsageError where that is not clear. */
async function findLabels(config: Config): Promise<{ readonly config: Config; readonly notices: readonly string[] }> {
  if (config.labels !== 'auto') return { config, notices: [] };
  const [folder, second] = config.inputs;
  if (folder === undefined || second !== undefined) {
    throw new UsageError('Expected one folder as input for --labels auto but received another');
  }
  const labels = await detectLabels(path.resolve(folder));
  return { config: withFoundLabels(config, labels), notices: [`--labels auto found ${labels}`] };
}

/** Regions in the place of detections, from a file of them or from a list of inputs that has them. */
async function openGiven(config: Config, source: Source): Promise<GivenBoxes | undefined> {
  if (config.boxes !== undefined) return openGivenBoxes(config.boxes, source);
  if (config.fromFile === undefined) return undefined;
  const given = await boxesOfList(config.fromFile, source);
  // The default level was not asked for.
  const quality = config.quality === 'balanced' ? undefined : config.quality;
  if (given) assertNoDetectors({ ...config, quality }, 'boxes in --from-file');
  return given;
}

/** What a run reads, and what is known of it. */
export interface Work {
  readonly config: Config;
  readonly source: Source;
  /** @param config with the encoding that was chosen. */
  readonly prepare: (config: Config) => Promise<Job>;
  /** What takes the place of detectors, sample by sample; or why there is nothing, so that it cannot be published. */
  readonly knownOf?: (index: number) => Promise<Known | RejectedOutcome>;
  /** Where detections come from, when not from detectors. */
  readonly detections?: 'given' | 'stored';
  /** How stored detections were made. */
  readonly before?: DetectedBefore;
  /** SHA-256 of the given regions. */
  readonly digest: string | null;
  /** Key of the source ids that the output takes over; a new run has its own otherwise. */
  readonly sourceIdKey?: string;
  /** What there is to say about them, one sentence each. */
  readonly notices?: readonly string[];
}

/** `run` of what is listed already. Throws as it does. */
export async function runSource(work: Work, hooks: RunHooks): Promise<RunSummary> {
  const { config, source } = work;
  const tally = new Tally(source, config);
  if (source.total === 0) return tally.summary('empty');
  const { kind } = await checkOutput(config);
  const opened = await openKeys(config, kind === 'earlier' || kind === 'finalized', work.sourceIdKey);
  const isRedacted = (cls: ClassName): boolean => config.classes.includes(cls) && config.redact[cls] !== 'none';
  const review =
    config.corrections === undefined ? undefined : await Review.read(config.corrections, source, isRedacted);
  tally.notices.push(...(work.notices ?? []));
  tally.notices.push(...keptNotices(config, source), ...untouchedNotices(config), ...metadataNotices(config, source));
  const encode = chooseEncoding(config, source, tally.notices);
  const prepared = await work.prepare({ ...config, encode });
  tally.models = prepared.models;
  const { total, hasCls } = source;
  const settings = publicSettings(config, prepared, source);
  const outputWith = ({ seal, sourceIdKey }: RunKeys): SinkOptions => ({
    ...config,
    encode,
    total,
    hasCls,
    keptMembers: source.keptMembers,
    run: {
      ...settings,
      ...(work.detections ? { detections: work.detections } : {}),
      ...(review ? { corrections: true } : {}),
    },
    privateRun: privateRun(work, prepared, settings, review, sourceIdKey),
    seal,
    sourceIdKey,
    at: source.at,
  });
  const found = await surveyOutput(outputWith(opened));
  const keys = found === 'new' && config.part !== undefined ? await shareKeys(config, opened) : opened;
  const output = outputWith(keys);
  const job: Job = { ...prepared, ...(keys.sourceIdKey ? { sourceIdKey: keys.sourceIdKey } : {}) };
  const settle = async (): Promise<void> => {
    const { privateDir } = placesOf(config.privateDir, found === 'finalized' ? undefined : config.part);
    tally.review = await review?.sumUp(privateDir, job.detect.thresholds, new ShardPlan(output), keys.seal);
    tally.losses = await lossesOf(config, privateDir, new ShardPlan(output), keys.seal);
  };
  if (found === 'complete' || found === 'finalized') {
    for await (const record of completeRecords(output)) tally.keep(record);
    await settle();
    return tally.summary('finished');
  }
  const pool = new WorkerPool(job, { workers: tally.summary('finished').workers });
  try {
    const providers = await pool.ready();
    tally.device = providers.length > 0 ? providers : ['cpu'];
    if (found === 'unfinished') hooks.onResume?.();
    const sink = await openUnlessStopped(output, tally, hooks.signal);
    if (sink === undefined) return tally.summary('interrupted');
    tally.notices.push(...sink.notices);
    hooks.onStart?.(tally.summary('finished'));
    const knownOf = async (index: number): Promise<Known | RejectedOutcome> => {
      const known = (await work.knownOf?.(index)) ?? {};
      const corrections = review?.of(index) ?? [];
      return corrections.length === 0 || 'status' in known ? known : { ...known, corrections };
    };
    return await pump({ source, pool, sink, tally, knownOf, settle, groups: new Groups(config.pseudonyms) }, hooks);
  } finally {
    await pool.close();
  }
}

/** What labelled objects of the samples lost; undefined in a run without labels of objects. */
async function lossesOf(
  { labels, labelLoss: over }: Config,
  privateDir: string,
  { firstSample, endSample }: ShardPlan,
  seal: Seal | undefined,
): Promise<LabelLosses | undefined> {
  if (objectMember(labels) === undefined) return undefined;
  const isCounted = (index: number): boolean => index >= firstSample && index < endSample;
  return { over, categories: await sumUpLosses(privateDir, over, { seal, isCounted }) };
}

/** Undefined when the run was stopped while an earlier one was looked at. */
async function openUnlessStopped(
  options: SinkOptions,
  tally: Tally,
  signal: AbortSignal | undefined,
): Promise<Sink | undefined> {
  try {
    return await openSink(options, { onKept: (record) => tally.keep(record), signal });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return undefined;
    throw error;
  }
}

import path from 'node:path';
import type { Config } from './config.ts';
import type { Outcome } from './core/outcome.ts';
import type { ClassName, ImageFormat } from './core/types.ts';
import { checkOutput } from './io/output-folder.ts';
import { completeRecords, openSink, type Sink, type SinkOptions, surveyOutput } from './io/sink.ts';
import { type ListedSample, openSource, type Sample, type Source } from './io/source.ts';
import { packageVersion, prepareJob } from './prepare.ts';
import { Groups, numbersOf } from './pseudonyms.ts';
import { Tally } from './tally.ts';
import type { Job } from './worker/job.ts';
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
  /** Samples that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What the inputs held besides images, by extension or kind. */
  readonly dropped: Readonly<Record<string, number>>;
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
export async function run(config: Config, hooks: RunHooks = {}): Promise<RunSummary> {
  const source = await openSource(config);
  const tally = new Tally(source, config);
  if (source.total === 0) return tally.summary('empty');
  await checkOutput(config);
  const untouched = config.classes.filter((c) => config.redact[c] === 'none');
  if (untouched.length > 0) tally.notices.push(`${untouched.join(', ')} will NOT be redacted (mode none)`);
  const encode = chooseEncoding(config, source, tally.notices);
  const job = await prepareJob({ ...config, encode });
  tally.models = job.models;
  const { total, hasCls } = source;
  const output = { ...config, encode, total, hasCls, run: publicSettings(config, job, source), at: source.at };
  const found = await surveyOutput(output);
  if (found === 'complete') {
    for await (const record of completeRecords(output)) tally.keep(record);
    return tally.summary('finished');
  }
  const pool = new WorkerPool(job, { workers: Math.min(config.workers, total) });
  try {
    tally.device = await pool.ready();
    if (found === 'unfinished') hooks.onResume?.();
    const sink = await openUnlessStopped(output, tally, hooks.signal);
    if (sink === undefined) return tally.summary('interrupted');
    tally.notices.push(...sink.notices);
    hooks.onStart?.(tally.summary('finished'));
    return await pump(source, pool, sink, tally, new Groups(config.pseudonyms), hooks);
  } finally {
    await pool.close();
  }
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

/** Keeps a bounded window of samples in work and writes outcomes in the order of their samples. */
async function pump(
  source: Source,
  pool: WorkerPool,
  sink: Sink,
  tally: Tally,
  groups: Groups,
  hooks: RunHooks,
): Promise<RunSummary> {
  const window: { sample: Sample; outcome: Promise<Outcome> }[] = [];
  const writeOldest = async (): Promise<void> => {
    const next = window.shift();
    if (!next) return;
    const outcome = await next.outcome;
    tally.add(outcome, await sink.write({ sample: next.sample, outcome }));
    hooks.onProgress?.(tally.progress());
  };
  const groupOf = numbersOf(groups, (index) => folderOf(source.at(index)));
  try {
    for await (const sample of source.samples({ isWanted: (index) => sink.wants(index), signal: hooks.signal })) {
      const outcome = pool.process(sample.ref, groupOf(sample.index));
      // Awaited in order later on; until then a rejection must not count as unhandled.
      outcome.catch(() => {});
      window.push({ sample, outcome });
      // Twice the pool's capacity, so that one slow image does not starve the workers.
      if (window.length >= pool.capacity * 2) await writeOldest();
      if (hooks.signal?.aborted) break;
    }
    while (window.length > 0) await writeOldest();
    tally.peakInFlight = pool.peakInFlight;
    if (hooks.signal?.aborted && tally.progress().done < source.total) {
      await sink.abort('interrupted');
      return tally.summary('interrupted');
    }
    await sink.finish(tally.publicResult());
    return tally.summary('finished');
  } catch (error) {
    await Promise.allSettled(window.map((w) => w.outcome));
    await sink.abort('failed');
    throw error;
  }
}

/** What a caller's own grouping is read from: the folder of a file, or that of a member within its archive. */
function folderOf({ origin: { path: file, member } }: ListedSample): string {
  return member === undefined ? path.dirname(file) : `${file}/${path.posix.dirname(member)}`;
}

const EXTENSION_FORMAT: Readonly<Record<string, ImageFormat>> = {
  jpg: 'jpeg',
  jpeg: 'jpeg',
  jpe: 'jpeg',
  jfif: 'jpeg',
  png: 'png',
  webp: 'webp',
  avif: 'avif',
  tif: 'tiff',
  tiff: 'tiff',
  gif: 'gif',
};

/**
 * Every sample of a WebDataset must have the same members, so `keep` needs one format for all of
 * them: the commonest by name.
 */
function chooseEncoding(config: Config, source: Source, notices: string[]): Config['encode'] {
  if (config.encode !== 'keep' || config.format === 'folder') return config.encode;
  const counts = new Map<ImageFormat, number>();
  for (const [extension, n] of source.extensions) {
    const format = EXTENSION_FORMAT[extension];
    if (format) counts.set(format, (counts.get(format) ?? 0) + n);
  }
  const [first, ...others] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const chosen = first?.[0] ?? 'jpeg';
  if (others.length > 0) {
    const mix = [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([format, n]) => `${n} ${format}`)
      .join(', ');
    notices.push(`Mixed formats (${mix}): every sample is written as ${chosen}, since shards need one; see --encode`);
  }
  return chosen;
}

/** What `run.json` tells about the settings: no path, no name. */
function publicSettings(config: Config, job: Job, { classNames }: Source): Record<string, unknown> {
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
    // Only with labels from folders: what the class indices mean.
    ...(classNames ? { classNames } : {}),
  };
}

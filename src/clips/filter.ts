import { type Config, defaultLookAhead, fillConfig } from '../config.ts';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { flagOf } from '../options.ts';
import { prepareJob } from '../prepare.ts';
import { findFfmpeg } from '../video/tools.ts';
import type { PublishedContainer } from '../video/types.ts';
import { type ByteStreams, serveStreams } from '../worker/byte-port.ts';
import { WorkerPool } from '../worker/pool.ts';
import { detectingJob, noticesOf, trackingThresholds } from './settings.ts';

/** What such a filter understands; everything else speaks of folders, of logs, or of several clips. */
const OPTIONS: readonly string[] = [
  'classes',
  'preset',
  'redact',
  'fill',
  'bodyFill',
  'textFill',
  'seed',
  'grow',
  'threshold',
  'model',
  'quality',
  'singlePass',
  'lookAhead',
  'detectEvery',
  'audio',
  'clipFormat',
  'device',
  'limitPixels',
  'timeLimit',
];

const BEAT_MS = 250;

export interface ClipFilterSummary {
  readonly status: 'finished' | 'interrupted' | 'failed';
  /** Frames that were redacted and encoded. */
  readonly frames: number;
  /** Things that were seen; of a whole clip only. */
  readonly tracks?: Readonly<Record<ClassName, number>>;
  /** Why the output is cut off. */
  readonly failure?: RejectedOutcome;
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly device: readonly string[];
  readonly seconds: number;
  readonly framesPerSecond: number;
}

export interface ClipFilterHooks {
  /** Aborting ends the output, whole, with the last frame that was redacted. */
  readonly signal?: AbortSignal;
  readonly onStart?: (start: Pick<ClipFilterSummary, 'device' | 'notices'>) => void;
  readonly onProgress?: (progress: { readonly done: number }) => void;
}

export interface ClipFilter {
  readonly config: Config;
  /**
   * Reads a clip while it arrives and hands on its anonymized frames: Matroska, or what `clipFormat` says. Frames are
   * verified before they are encoded; nobody opens the output again. After a frame that fails nothing more is written.
   *
   * @throws UsageError (also without ffmpeg), ModelError; OutputError or what `streams.write` rejects with.
   */
  run(streams: ByteStreams, hooks?: ClipFilterHooks): Promise<ClipFilterSummary>;
}

/**
 * An anonymizer of one clip between two pipes. Nothing is kept of it: there is no log and no private folder.
 * @throws UsageError for a wrong option.
 */
export function openClipFilter(options: Readonly<Record<string, unknown>>): ClipFilter {
  const stray = Object.keys(options).find((option) => !OPTIONS.includes(option));
  if (stray !== undefined) {
    throw new UsageError(
      `Expected no ${flagOf(stray)} for a clip from standard input to standard output but received one`,
    );
  }
  const config = fillConfig({ ...options, singlePass: true, inputs: ['-'], out: '-', workers: 1 });
  const container = options.clipFormat === undefined ? 'mkv' : config.clipFormat;
  return { config, run: (streams, hooks = {}) => filter(config, container, streams, hooks) };
}

async function filter(
  config: Config,
  container: PublishedContainer | 'keep',
  streams: ByteStreams,
  { signal, onStart, onProgress }: ClipFilterHooks,
): Promise<ClipFilterSummary> {
  await findFfmpeg();
  const job = await prepareJob(config);
  const pool = new WorkerPool(detectingJob(job), { workers: 1 });
  const counters = new SharedArrayBuffer(8);
  const state = new Int32Array(counters);
  const framesDone = (): number => Atomics.load(state, 0) / 2;
  const served = serveStreams(streams);
  const stop = (): void => {
    Atomics.store(state, 1, 1);
    served.stop();
  };
  let beat: NodeJS.Timeout | undefined;
  try {
    const providers = await pool.ready();
    const about = {
      notices: noticesOf(config),
      models: job.models,
      device: providers.length > 0 ? providers : ['cpu'],
    };
    onStart?.(about);
    beat = setInterval(() => onProgress?.({ done: framesDone() }), BEAT_MS);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    const start = performance.now();
    const outcome = await pool.pass({
      port: served.port,
      container,
      every: config.detectEvery,
      lookAhead: config.lookAhead ?? defaultLookAhead(config.detectEvery),
      thresholds: trackingThresholds(job),
      group: 0,
      counters,
    });
    if (served.failure !== undefined) throw served.failure;
    const frames = framesDone();
    const seconds = (performance.now() - start) / 1000;
    const passed = { ...about, frames, seconds, framesPerSecond: frames / Math.max(seconds, 1e-9) };
    if (outcome.status === 'passed') return { ...passed, status: 'finished', tracks: outcome.counts };
    if (outcome.status === 'stopped') return { ...passed, status: 'interrupted' };
    return { ...passed, status: 'failed', failure: outcome };
  } finally {
    clearInterval(beat);
    signal?.removeEventListener('abort', stop);
    served.close();
    await pool.close();
  }
}

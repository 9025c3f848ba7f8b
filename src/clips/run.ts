import type { Config } from '../config.ts';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import { prepareJob } from '../prepare.ts';
import { probeClip } from '../video/probe.ts';
import { findFfmpeg } from '../video/tools.ts';
import type { Track } from '../video/tracks/index.ts';
import type { ClipInfo, FfmpegTools, PublishedContainer } from '../video/types.ts';
import type { Job } from '../worker/job.ts';
import { WorkerPool } from '../worker/pool.ts';
import { rejection } from '../worker/process.ts';
import { anonymizeClip, ClipProgress, type ClipSettings } from './anonymize-clip.ts';
import type { ListedClip, ListedClips } from './list.ts';
import { ClipOutput } from './output.ts';
import { type ClipRecord, type FrameRecord, publicClipRegion, type VerifiedClip } from './record.ts';
import {
  containerOf,
  detectingJob,
  noticesOf,
  policyOf,
  publicSettings,
  refuseImageOptions,
  strippedOf,
} from './settings.ts';
import { publishInOnePass } from './single-pass.ts';
import { ClipWorkspace } from './workspace.ts';

/** Longest clip, frames: nine hours at 60 a second. */
const LIMIT_FRAMES = 2_000_000;
/** After so long, a worker that has not finished a segment counts as hanging; every frame has its own limit. */
const GIVE_UP_SECONDS = 3600;
const BEAT_MS = 250;

export interface ClipRunProgress {
  /** Frames, each of which counts as done once it was looked at and redacted; halves in between. */
  readonly done: number;
  readonly kept: number;
  /** Frames of the clips that are known yet; absent when they are read once. */
  readonly total?: number;
  readonly clips: number;
  readonly clipsDone: number;
}

export interface ClipRunSummary {
  readonly status: 'finished' | 'interrupted';
  readonly total: number;
  readonly published: number;
  readonly rejected: number;
  /** Clips that an earlier run has done. */
  readonly kept: number;
  readonly frames: number;
  readonly tracks: Readonly<Record<ClassName, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly device: readonly string[];
  readonly workers: number;
  readonly seconds: number;
  /** Of this run. */
  readonly framesPerSecond: number;
  readonly out: string;
  readonly privateDir: string;
}

export interface ClipRunHooks {
  /** Aborting ends the run as `interrupted`; whole segments are kept. */
  readonly signal?: AbortSignal;
  readonly onStart?: (start: Pick<ClipRunSummary, 'total' | 'workers' | 'device' | 'notices'>) => void;
  readonly onProgress?: (progress: ClipRunProgress) => void;
}

/**
 * Anonymizes clips, each in two passes. Nothing is written before inputs, ffmpeg, models and workers have been checked.
 * What an earlier run with the same settings and inputs has done is kept, whole segments included.
 *
 * @throws UsageError (also without ffmpeg), ModelError, OutputError.
 */
export async function runClips(
  config: Config,
  { clips, dropped }: ListedClips,
  hooks: ClipRunHooks = {},
): Promise<ClipRunSummary> {
  await refuseImageOptions(config);
  const tools = await findFfmpeg();
  const job = await prepareJob(config);
  const settings = publicSettings(config, job);
  const containers = await Promise.all(clips.map((clip) => containerOf(clip, config)));
  const pool = new WorkerPool(detectingJob(job), { workers: config.workers, giveUpAfter: GIVE_UP_SECONDS });
  try {
    const providers = await pool.ready();
    const output = await ClipOutput.open(
      config,
      clips,
      ({ index }) => containers[index] as PublishedContainer,
      settings,
    );
    const run = new ClipRun({ config, clips, dropped, tools, job, pool, output, containers, providers }, hooks);
    try {
      return await run.all();
    } catch (error) {
      await output.abort('failed');
      throw error;
    }
  } finally {
    await pool.close();
  }
}

interface Parts {
  readonly config: Config;
  readonly clips: readonly ListedClip[];
  readonly dropped: ReadonlyMap<string, number>;
  readonly tools: FfmpegTools;
  readonly job: Job;
  readonly pool: WorkerPool;
  readonly output: ClipOutput;
  readonly containers: readonly PublishedContainer[];
  readonly providers: readonly string[];
}

/** One run while it goes on. */
class ClipRun {
  readonly #parts: Parts;
  readonly #hooks: ClipRunHooks;
  readonly #start = performance.now();
  readonly #records: ClipRecord[] = [];
  readonly #running = new Set<ClipProgress>();
  #frames = 0;
  #total = 0;
  #doneBefore = 0;
  #kept = 0;

  constructor(parts: Parts, hooks: ClipRunHooks) {
    this.#parts = parts;
    this.#hooks = hooks;
  }

  async all(): Promise<ClipRunSummary> {
    const { clips, config, output } = this.#parts;
    const { signal, onStart, onProgress } = this.#hooks;
    onStart?.(this.#summary('finished'));
    const stop = (): void => {
      for (const progress of this.#running) progress.stop();
    };
    signal?.addEventListener('abort', stop);
    const beat = setInterval(() => onProgress?.(this.#progress()), BEAT_MS);
    try {
      const waiting = [...clips];
      // Several at once, since a short clip does not keep all workers busy.
      const lanes = Array.from({ length: Math.min(config.workers, clips.length) }, async () => {
        for (let clip = waiting.shift(); clip !== undefined && !signal?.aborted; clip = waiting.shift())
          await this.#one(clip);
      });
      const ended = await Promise.allSettled(
        lanes.map((lane) =>
          lane.catch((error: unknown) => {
            waiting.length = 0;
            stop();
            throw error;
          }),
        ),
      );
      for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
    } finally {
      clearInterval(beat);
      signal?.removeEventListener('abort', stop);
    }
    if (this.#records.length < clips.length) {
      await output.abort('interrupted');
      return this.#summary('interrupted');
    }
    const { total, published, rejected, frames, tracks, reasons } = this.#summary('finished');
    await output.finish({ total, published, rejected, frames, tracks, reasons });
    return this.#summary('finished');
  }

  async #one(listed: ListedClip): Promise<void> {
    const { output } = this.#parts;
    const kept = await output.kept(listed);
    if (kept !== undefined) {
      this.#kept++;
      this.#records.push(kept);
      return;
    }
    const progress = new ClipProgress();
    this.#running.add(progress);
    if (this.#hooks.signal?.aborted) progress.stop();
    try {
      const record = await this.#anonymize(listed, progress);
      if (record !== undefined) this.#records.push(record);
    } finally {
      this.#running.delete(progress);
    }
  }

  /** Undefined when it was stopped. */
  async #anonymize(listed: ListedClip, progress: ClipProgress): Promise<ClipRecord | undefined> {
    const { config, job, output, pool, tools, containers } = this.#parts;
    const container = containers[listed.index] as PublishedContainer;
    if (config.lookAhead !== undefined) {
      const { counters } = progress;
      const record = await publishInOnePass(listed, { ...this.#parts, container, counters, limitFrames: LIMIT_FRAMES });
      this.#doneBefore += progress.done / 2;
      this.#running.delete(progress);
      if (record?.status === 'verified') this.#frames += record.frames;
      return record;
    }
    const settings: ClipSettings = {
      detectEvery: config.detectEvery,
      audio: config.audio,
      container,
      thresholds: job.detect.thresholds,
    };
    const opened = await this.#open(listed);
    if ('status' in opened) return output.reject(listed, opened);
    const { clip, workspace } = opened;
    const frames = clip.pts.length;
    this.#total += frames;
    const path = await output.stage(listed);
    const work = { tools, clip, workspace, pool, settings, group: listed.index, path, progress };
    const outcome = await anonymizeClip(work);
    if (outcome === 'stopped') return undefined;
    this.#doneBefore += frames;
    this.#running.delete(progress);
    if (outcome.status !== 'anonymized') {
      await workspace.remove();
      return output.reject(listed, outcome);
    }
    const record: VerifiedClip = {
      v: 1,
      key: listed.key,
      kind: 'clip',
      file: output.fileOf(listed),
      status: 'verified',
      width: clip.width,
      height: clip.height,
      frames,
      policy: policyOf(config, job),
      models: job.models,
      counts: countTracks(outcome.tracks),
      audio: config.audio,
      stripped: strippedOf(clip, config),
      out_sha256: await sha256OfFile(path),
    };
    await output.publish(listed, path, record, frameRecords(workspace, outcome.segments));
    await workspace.removeSegments(outcome.segments);
    this.#frames += frames;
    return record;
  }

  /** What the clip is, and the folder of the work on it. */
  async #open(listed: ListedClip): Promise<{ clip: ClipInfo; workspace: ClipWorkspace } | RejectedOutcome> {
    const { config, job, output, tools } = this.#parts;
    try {
      const fingerprint = { sha256: await sha256OfFile(listed.path), policy: policyOf(config, job), seed: config.seed };
      const { workspace, clip: earlier } = await ClipWorkspace.open(output.workOf(listed), fingerprint);
      if (earlier !== undefined) return { workspace, clip: { ...earlier, path: listed.path } };
      const limits = { limitPixels: config.limitPixels, limitFrames: LIMIT_FRAMES, timeoutSeconds: GIVE_UP_SECONDS };
      const clip = await probeClip(tools, listed.path, limits);
      await workspace.begin(fingerprint, clip);
      return { workspace, clip };
    } catch (error) {
      if (error instanceof SampleError) return rejection(error, error.stage);
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined || (error as Error).name === 'OutputError') throw error;
      return rejection(new SampleError('read', 'unreadable', `Expected a readable file but received ${code}`), 'read');
    }
  }

  #progress(): ClipRunProgress {
    const running = [...this.#running].reduce((sum, { done }) => sum + done, 0) / 2;
    const clips = { kept: 0, clips: this.#parts.clips.length, clipsDone: this.#records.length };
    if (this.#parts.config.lookAhead !== undefined) return { ...clips, done: this.#doneBefore + running };
    const done = Math.min(this.#total, Math.floor(this.#doneBefore + running));
    return { ...clips, done, total: this.#total };
  }

  #summary(status: ClipRunSummary['status']): ClipRunSummary {
    const { clips, config, dropped, job, providers } = this.#parts;
    const seconds = (performance.now() - this.#start) / 1000;
    const verified = this.#records.filter((record): record is VerifiedClip => record.status === 'verified');
    const reasons = new Map<string, number>();
    for (const record of this.#records) {
      if (record.status === 'verified') continue;
      const reason = `${record.stage}/${record.reason}`;
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    const tracksOf = (cls: ClassName): number => verified.reduce((sum, { counts }) => sum + counts[cls], 0);
    return {
      status,
      total: clips.length,
      published: verified.length,
      rejected: this.#records.length - verified.length,
      kept: this.#kept,
      frames: verified.reduce((sum, { frames }) => sum + frames, 0),
      tracks: { face: tracksOf('face'), body: tracksOf('body'), plate: tracksOf('plate'), text: tracksOf('text') },
      reasons: Object.fromEntries([...reasons].sort()),
      dropped: Object.fromEntries([...dropped].sort()),
      notices: noticesOf(config),
      models: job.models,
      device: providers.length > 0 ? providers : ['cpu'],
      workers: config.workers,
      seconds,
      framesPerSecond: this.#frames / Math.max(seconds, 1e-9),
      out: config.out,
      privateDir: config.privateDir,
    };
  }
}

/** Things that were seen: not the other ways that one may have gone. */
function countTracks(tracks: readonly Track[]): Record<ClassName, number> {
  const counts: Record<ClassName, number> = { face: 0, body: 0, plate: 0, text: 0 };
  for (const { class: cls, seen } of tracks) if (seen.includes(true)) counts[cls]++;
  return counts;
}

async function* frameRecords(workspace: ClipWorkspace, segments: number): AsyncGenerator<FrameRecord> {
  let frame = 0;
  for (let segment = 0; segment < segments; segment++) {
    for await (const regions of workspace.regions(segment))
      yield { frame: frame++, regions: regions.map(publicClipRegion) };
  }
}

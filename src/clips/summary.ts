import type { Config } from '../config.ts';
import type { ClassName } from '../core/types.ts';
import type { Part } from '../io/shard-plan.ts';
import type { ReviewSummary } from '../run.ts';
import { publicClipResult } from './log.ts';
import type { ClipRecord } from './record.ts';
import { noticesOf } from './settings.ts';

export interface ClipRunSummary {
  readonly status: 'finished' | 'interrupted';
  /** The part of a run that this was; all counts are those of the part. Absent for a whole run. */
  readonly part?: Part;
  readonly total: number;
  readonly published: number;
  readonly rejected: number;
  /** Clips that an earlier run has done. */
  readonly kept: number;
  readonly frames: number;
  readonly tracks: Readonly<Record<ClassName, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  /** Clips that were withdrawn from the output of an earlier run. Absent for none. */
  readonly withdrawn?: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** What became of corrections; absent without them, and in a run that was interrupted. */
  readonly review?: ReviewSummary;
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly device: readonly string[];
  readonly workers: number;
  readonly seconds: number;
  /** Of frames that this run has done itself. */
  readonly framesPerSecond: number;
  readonly out: string;
  readonly privateDir: string;
}

/** What a run over clips has come to. */
export interface ClipRunState {
  readonly total: number;
  readonly kept: number;
  /** Frames that this run has done itself. */
  readonly worked: number;
  readonly seconds: number;
  readonly dropped: ReadonlyMap<string, number>;
  /** What became of corrections. */
  readonly review: ReviewSummary | undefined;
  /** What there is to say besides what the settings say. */
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly providers: readonly string[];
}

export function summarizeClips(
  config: Config,
  records: readonly ClipRecord[],
  status: ClipRunSummary['status'],
  { total, kept, worked, seconds, dropped, review, notices, models, providers }: ClipRunState,
): ClipRunSummary {
  return {
    status,
    ...publicClipResult(records),
    ...(config.part === undefined ? {} : { part: config.part }),
    total,
    kept,
    dropped: Object.fromEntries([...dropped].sort()),
    ...(review === undefined ? {} : { review }),
    notices: [...notices, ...noticesOf(config)],
    models,
    device: providers.length > 0 ? providers : ['cpu'],
    workers: config.workers,
    seconds,
    framesPerSecond: worked / Math.max(seconds, 1e-9),
    out: config.out,
    privateDir: config.privateDir,
  };
}

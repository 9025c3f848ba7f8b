import type { Config } from '../config.ts';
import type { ClassName } from '../core/types.ts';
import type { ReviewSummary } from '../run.ts';
import type { ClipRecord, VerifiedClip } from './record.ts';
import { noticesOf } from './settings.ts';

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
  const verified = records.filter((record): record is VerifiedClip => record.status === 'verified');
  const reasons = new Map<string, number>();
  for (const record of records) {
    if (record.status === 'verified') continue;
    const reason = `${record.stage}/${record.reason}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const tracksOf = (cls: ClassName): number => verified.reduce((sum, { counts }) => sum + counts[cls], 0);
  return {
    status,
    total,
    published: verified.length,
    rejected: records.length - verified.length,
    kept,
    frames: verified.reduce((sum, { frames }) => sum + frames, 0),
    tracks: { face: tracksOf('face'), body: tracksOf('body'), plate: tracksOf('plate'), text: tracksOf('text') },
    reasons: Object.fromEntries([...reasons].sort()),
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

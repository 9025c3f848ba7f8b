import type { RedactionRecord } from '../../core/outcome.ts';
import type { ClassName } from '../../core/types.ts';
import { publicResult, RecordCounts } from '../../run/record-counts.ts';
import type { ReviewSummary } from '../../run.ts';
import type { ListedClips } from '../list.ts';
import { noticesOf } from '../settings.ts';
import type { FrameConfig } from './settings.ts';

export interface FrameRunSummary {
  readonly status: 'finished' | 'interrupted';
  readonly clips: number;
  /** Clips of which nothing is published. */
  readonly rejected: number;
  /** Images that are published. */
  readonly frames: number;
  /** Those of them that an earlier run has published. */
  readonly kept: number;
  /** Nothing was left to do. */
  readonly isComplete: boolean;
  readonly regions: Readonly<Record<ClassName, number>>;
  /** Images with at least one region of the class. */
  readonly images: Readonly<Record<ClassName, number>>;
  /** Regions that were blurred because they could not be replaced. */
  readonly standIns: Readonly<Record<ClassName, number>>;
  /** Clips that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What became of corrections; absent without them, and in a run that was interrupted. */
  readonly review?: ReviewSummary;
  readonly dropped: Readonly<Record<string, number>>;
  readonly notices: readonly string[];
  readonly models: readonly string[];
  readonly device: readonly string[];
  readonly workers: number;
  readonly seconds: number;
  readonly out: string;
  readonly privateDir: string;
}

/** Adds up what has become of the samples of a run. */
export class FrameTally {
  readonly notices: string[];
  device: readonly string[] = [];
  /** What became of corrections, once all clips are done. */
  review: ReviewSummary | undefined;
  readonly #counts = new RecordCounts();
  readonly #start = performance.now();
  readonly #config: FrameConfig;
  readonly #listed: ListedClips;
  readonly #models: readonly string[];
  #kept = 0;

  constructor(config: FrameConfig, listed: ListedClips, models: readonly string[]) {
    this.#config = config;
    this.#listed = listed;
    this.#models = models;
    this.notices = noticesOf(config);
  }

  add(record: RedactionRecord): void {
    this.#counts.add(record);
  }

  /** Of an earlier run. */
  keep(record: RedactionRecord): void {
    if (record.status === 'verified') this.#kept++;
    this.add(record);
  }

  /** For run.json. */
  publicResult(total: number): Record<string, unknown> {
    return { ...publicResult(total, this.#counts, this.review), clips: this.#listed.clips.length };
  }

  summary(status: FrameRunSummary['status'], isComplete = false): FrameRunSummary {
    const { published, rejected, regions, images, standIns } = this.#counts;
    const { workers, out, privateDir } = this.#config;
    return {
      status,
      clips: this.#listed.clips.length,
      rejected,
      frames: published,
      kept: this.#kept,
      isComplete,
      regions: { ...regions },
      images: { ...images },
      standIns: { ...standIns },
      reasons: this.#counts.reasons(),
      ...(this.review === undefined ? {} : { review: this.review }),
      dropped: Object.fromEntries([...this.#listed.dropped].sort()),
      notices: this.notices,
      models: this.#models,
      device: this.device.length > 0 ? this.device : ['cpu'],
      workers,
      seconds: (performance.now() - this.#start) / 1000,
      out,
      privateDir,
    };
  }
}

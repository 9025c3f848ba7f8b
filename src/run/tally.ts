import type { Config } from '../config.ts';
import type { Outcome, RedactionRecord } from '../core/outcome.ts';
import { ShardPlan } from '../io/shard-plan.ts';
import type { Source } from '../io/source.ts';
import type { LabelLosses, ReviewSummary, RunProgress, RunSummary } from '../run.ts';
import { publicResult, RecordCounts } from './record-counts.ts';

/** Adds up what has become of the samples of a run. */
export class Tally {
  readonly notices: string[] = [];
  models: readonly string[] = [];
  device: readonly string[] = [];
  peakInFlight = 0;
  review: ReviewSummary | undefined;
  losses: LabelLosses | undefined;
  readonly #source: Pick<Source, 'total' | 'dropped'>;
  readonly #config: Config;
  readonly #start = performance.now();
  readonly #counts = new RecordCounts();
  #kept = 0;
  /** Published samples of this run, which alone were timed. */
  #timed = 0;
  readonly #timings = new Map<string, number>();

  constructor(source: Pick<Source, 'total' | 'dropped'>, config: Config) {
    this.#source = source;
    this.#config = config;
  }

  /** Counts a sample of this run. */
  add(outcome: Outcome, record: RedactionRecord): void {
    this.#counts.add(record);
    if (outcome.status !== 'verified') return;
    this.#timed++;
    for (const [stage, ms] of Object.entries(outcome.timings)) {
      this.#timings.set(stage, (this.#timings.get(stage) ?? 0) + ms);
    }
  }

  /** Counts a sample that an earlier run has done. */
  keep(record: RedactionRecord): void {
    this.#kept++;
    this.#counts.add(record);
  }

  /** How many samples a source has may be known in the end only. */
  #plan(): ShardPlan {
    return new ShardPlan({ ...this.#config, total: this.#source.total });
  }

  progress(): RunProgress {
    const { firstSample, endSample } = this.#plan();
    return {
      done: this.#counts.done,
      kept: this.#kept,
      total: endSample - firstSample,
      published: this.#counts.published,
      rejected: this.#counts.rejected,
      regions: { ...this.#counts.regions },
    };
  }

  /** For run.json. */
  publicResult(): Record<string, unknown> {
    return publicResult(this.#source.total, this.#counts, this.review, this.losses);
  }

  summary(status: RunSummary['status']): RunSummary {
    const seconds = (performance.now() - this.#start) / 1000;
    const { part } = this.#config;
    const { first, shards } = this.#plan();
    const mean = ([stage, ms]: [string, number]): [string, number] => [stage, ms / Math.max(1, this.#timed)];
    return {
      status,
      ...this.progress(),
      ...(part ? { part: { ...part, firstShard: first, shards, ofTotal: this.#source.total } } : {}),
      ...(this.#counts.withdrawn > 0 ? { withdrawn: this.#counts.withdrawn } : {}),
      images: { ...this.#counts.images },
      standIns: { ...this.#counts.standIns },
      reasons: this.#counts.reasons(),
      dropped: Object.fromEntries([...this.#source.dropped].sort()),
      ...(this.review ? { review: this.review } : {}),
      ...(this.losses ? { labels: this.losses } : {}),
      ...(this.#counts.protected > 0 ? { protected: this.#counts.protected } : {}),
      notices: this.notices,
      models: this.models,
      device: this.device,
      workers: Math.min(this.#config.workers, Math.max(1, this.progress().total)),
      seconds,
      imagesPerSecond: (this.#counts.done - this.#kept) / Math.max(seconds, 1e-9),
      msPerImage: Object.fromEntries([...this.#timings].map(mean)),
      peakInFlight: this.peakInFlight,
      out: this.#config.out,
      privateDir: this.#config.privateDir,
    };
  }
}

import type { Config } from './config.ts';
import type { Outcome, RedactionRecord } from './core/outcome.ts';
import { CLASSES, type ClassName } from './core/types.ts';
import type { Source } from './io/source.ts';
import type { LabelLosses, ReviewSummary, RunProgress, RunSummary } from './run.ts';

/** Adds up what has become of the samples of a run. */
export class Tally {
  readonly notices: string[] = [];
  models: readonly string[] = [];
  device: readonly string[] = [];
  peakInFlight = 0;
  review: ReviewSummary | undefined;
  losses: LabelLosses | undefined;
  readonly #source: Source;
  readonly #config: Config;
  readonly #start = performance.now();
  #done = 0;
  #kept = 0;
  #published = 0;
  #protected = 0;
  /** Published samples of this run, which alone were timed. */
  #timed = 0;
  readonly #regions = perClass();
  readonly #images = perClass();
  readonly #standIns = perClass();
  readonly #reasons = new Map<string, number>();
  readonly #timings = new Map<string, number>();

  constructor(source: Source, config: Config) {
    this.#source = source;
    this.#config = config;
  }

  /** Counts a sample of this run. */
  add(outcome: Outcome, record: RedactionRecord): void {
    this.#count(record);
    if (outcome.status !== 'verified') return;
    this.#timed++;
    for (const [stage, ms] of Object.entries(outcome.timings)) {
      this.#timings.set(stage, (this.#timings.get(stage) ?? 0) + ms);
    }
  }

  /** Counts a sample that an earlier run has done. */
  keep(record: RedactionRecord): void {
    this.#kept++;
    this.#count(record);
  }

  #count(record: RedactionRecord): void {
    this.#done++;
    if (record.status !== 'verified') {
      const reason = `${record.stage}/${record.reason}`;
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
      return;
    }
    this.#published++;
    this.#protected += record.protected ?? 0;
    for (const cls of CLASSES) {
      this.#regions[cls] += record.counts[cls];
      if (record.counts[cls] > 0) this.#images[cls]++;
    }
    for (const region of record.regions) if (region.requested) this.#standIns[region.class]++;
  }

  progress(): RunProgress {
    return {
      done: this.#done,
      kept: this.#kept,
      total: this.#source.total,
      published: this.#published,
      rejected: this.#done - this.#published,
      regions: { ...this.#regions },
    };
  }

  #sortedReasons(): Record<string, number> {
    return Object.fromEntries([...this.#reasons].sort());
  }

  /** For run.json. */
  publicResult(): Record<string, unknown> {
    const { total, published, rejected, regions } = this.progress();
    const { added, removed, changed } = this.review ?? {};
    return {
      total,
      published,
      rejected,
      regions,
      images: this.#images,
      standIns: this.#standIns,
      reasons: this.#sortedReasons(),
      ...(this.review ? { review: { added, removed, changed } } : {}),
      ...(this.losses ? { labelLoss: this.losses } : {}),
    };
  }

  summary(status: RunSummary['status']): RunSummary {
    const seconds = (performance.now() - this.#start) / 1000;
    const mean = ([stage, ms]: [string, number]): [string, number] => [stage, ms / Math.max(1, this.#timed)];
    return {
      status,
      ...this.progress(),
      images: { ...this.#images },
      standIns: { ...this.#standIns },
      reasons: this.#sortedReasons(),
      dropped: Object.fromEntries([...this.#source.dropped].sort()),
      ...(this.review ? { review: this.review } : {}),
      ...(this.losses ? { labels: this.losses } : {}),
      ...(this.#protected > 0 ? { protected: this.#protected } : {}),
      notices: this.notices,
      models: this.models,
      device: this.device,
      workers: Math.min(this.#config.workers, Math.max(1, this.#source.total)),
      seconds,
      imagesPerSecond: (this.#done - this.#kept) / Math.max(seconds, 1e-9),
      msPerImage: Object.fromEntries([...this.#timings].map(mean)),
      peakInFlight: this.peakInFlight,
      out: this.#config.out,
      privateDir: this.#config.privateDir,
    };
  }
}

function perClass(): Record<ClassName, number> {
  return { face: 0, body: 0, plate: 0, text: 0 };
}

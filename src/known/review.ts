import { createHash } from 'node:crypto';
import { type Correction, certainOf, correct } from '../core/corrections.ts';
import type { ClassName } from '../core/types.ts';
import type { Seal } from '../io/seal.ts';
import type { ShardPlan } from '../io/shard-plan.ts';
import type { Source } from '../io/source.ts';
import { StoredDetections } from '../io/stored-detections.ts';
import type { ReviewSummary } from '../run.ts';
import { correctionsBySample, type SampleCorrections } from './by-sample.ts';
import { type Address, readCorrections } from './corrections.ts';

/** SHA-256 of corrections, in whatever order, hex. */
export function digestOfCorrections(rows: readonly (Address & { readonly correction: object })[]): string {
  const texts = new Set(rows.map(({ key, file, correction }) => JSON.stringify({ key, file, correction })));
  return createHash('sha256')
    .update([...texts].sort().join('\n'))
    .digest('hex');
}

/** What a person says about the samples of a run. */
export class Review {
  /** SHA-256 of all corrections, in whatever order. */
  readonly digest: string;
  readonly #samples: SampleCorrections<Correction>;

  /** @param isRedacted whether the run redacts a class at all. @throws UsageError for a file of another form. */
  static async read(file: string, source: Source, isRedacted: (cls: ClassName) => boolean): Promise<Review> {
    const rows = await readCorrections(file);
    return new Review(digestOfCorrections(rows), correctionsBySample(rows, source, isRedacted));
  }

  private constructor(digest: string, samples: SampleCorrections<Correction>) {
    this.digest = digest;
    this.#samples = samples;
  }

  of(index: number): Correction[] {
    return (this.#samples.bySample.get(index) ?? []).map(({ correction }) => correction);
  }

  /**
   * What became of the corrections in a run whose samples are all done, by this process or another.
   * @param thresholds of the run: nothing below them can be addressed.
   * @param range of samples that count, those of a part of a run; strays are told by all parts.
   * @param seal of a private folder that is encrypted.
   */
  async sumUp(
    privateDir: string,
    thresholds: Readonly<Record<ClassName, number>>,
    { firstSample, endSample }: Pick<ShardPlan, 'firstSample' | 'endSample'>,
    seal?: Seal,
  ): Promise<ReviewSummary> {
    const { bySample, stray } = this.#samples;
    const problems = [...stray];
    const total = { add: 0, remove: 0, change: 0 };
    const stored = await StoredDetections.open(privateDir, seal);
    try {
      for (const [index, list] of bySample) {
        if (index < firstSample || index >= endSample) continue;
        const detections = (await stored.of(index))?.detections;
        if (detections === undefined) {
          problems.push(...list.map(({ where }) => `${where}: the image was not published`));
          continue;
        }
        const { unmatched, counts } = correct(
          certainOf(detections, thresholds),
          list.map(({ correction }) => correction),
        );
        for (const { where, correction } of list) {
          if (unmatched.includes(correction))
            problems.push(`${where}: found no ${correction.class} to ${correction.action} there`);
        }
        total.add += counts.add;
        total.remove += counts.remove;
        total.change += counts.change;
      }
    } finally {
      await stored.close();
    }
    return { added: total.add, removed: total.remove, changed: total.change, problems: problems.sort() };
  }
}

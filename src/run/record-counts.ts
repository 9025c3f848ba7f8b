import type { RedactionRecord } from '../core/outcome.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import type { LabelLosses, ReviewSummary } from '../run.ts';

/** Adds up redaction records. */
export class RecordCounts {
  done = 0;
  published = 0;
  rejected = 0;
  withdrawn = 0;
  /** Detections that were left as they are, since labels protect the objects that they lie in. */
  protected = 0;
  readonly regions = perClass();
  /** Published images with at least one region of the class. */
  readonly images = perClass();
  /** Regions that were blurred because they could not be replaced. */
  readonly standIns = perClass();
  readonly #reasons = new Map<string, number>();

  add(record: RedactionRecord): void {
    this.done++;
    if (record.status === 'withdrawn') {
      this.withdrawn++;
      return;
    }
    if (record.status !== 'verified') {
      this.rejected++;
      const reason = `${record.stage}/${record.reason}`;
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
      return;
    }
    this.published++;
    this.protected += record.protected ?? 0;
    for (const cls of CLASSES) {
      this.regions[cls] += record.counts[cls];
      if (record.counts[cls] > 0) this.images[cls]++;
    }
    for (const region of record.regions) if (region.requested) this.standIns[region.class]++;
  }

  /** Samples that were not published, by `stage/reason`, sorted. */
  reasons(): Record<string, number> {
    return Object.fromEntries([...this.#reasons].sort());
  }
}

/** What run.json tells of the result of a run. */
export function publicResult(
  total: number,
  counts: RecordCounts,
  review: Omit<ReviewSummary, 'problems'> | undefined,
  labelLoss?: LabelLosses,
): Record<string, unknown> {
  const { published, rejected, withdrawn, regions, images, standIns } = counts;
  return {
    total,
    published,
    rejected,
    regions,
    images,
    standIns,
    reasons: counts.reasons(),
    ...publicReview(review),
    ...(labelLoss ? { labelLoss } : {}),
    ...(withdrawn > 0 ? { withdrawn } : {}),
  };
}

/** What run.json tells of corrections; nothing when there were none. */
export function publicReview(review: Omit<ReviewSummary, 'problems'> | undefined): Record<string, unknown> {
  if (review === undefined) return {};
  const { added, removed, changed } = review;
  return { review: { added, removed, changed } };
}

function perClass(): Record<ClassName, number> {
  return { face: 0, body: 0, plate: 0, text: 0 };
}

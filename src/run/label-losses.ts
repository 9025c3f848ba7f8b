import type { LabelLoss } from '../core/labels.ts';
import { indexOf } from '../io/ledger-files.ts';
import { LEDGER, privatePath } from '../io/private-files.ts';
import { privateLines } from '../io/private-lines.ts';
import type { Seal } from '../io/seal.ts';

/** What redaction took of labelled objects of one category. */
export interface CategoryLoss {
  readonly category: string;
  readonly objects: number;
  /** Objects that lost more than the share that is tolerated. */
  readonly lost: number;
}

/**
 * Adds up what labelled objects of published images lost, from the private folder, so that shards of an earlier run
 * count as well.
 * @param tolerated share of an object's area, 0 to 1.
 * @param seal of a private folder that is encrypted.
 * @param isCounted which samples count; default all.
 */
export async function sumUpLosses(
  privateDir: string,
  tolerated: number,
  {
    seal,
    isCounted = () => true,
  }: { readonly seal: Seal | undefined; readonly isCounted?: (index: number) => boolean },
): Promise<CategoryLoss[]> {
  const path = privatePath(privateDir, LEDGER.detections, seal !== undefined);
  const bySample = new Map<number, readonly LabelLoss[]>();
  // A sample that was done again stands there twice until its run is finished: the last line counts.
  for await (const line of privateLines(privateDir, LEDGER.detections, seal)) {
    const { labels } = JSON.parse(line) as { labels?: readonly LabelLoss[] };
    const index = indexOf(line, path);
    if (isCounted(index)) bySample.set(index, labels ?? []);
  }
  const counts = new Map<string, { objects: number; lost: number }>();
  for (const { category, lost } of [...bySample.values()].flat()) {
    const count = counts.get(category) ?? { objects: 0, lost: 0 };
    count.objects++;
    if (lost > tolerated) count.lost++;
    counts.set(category, count);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([category, count]) => ({ category, ...count }));
}

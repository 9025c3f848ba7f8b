import { UsageError } from '../errors.ts';
import { settingsOfPart } from '../io/part-siblings.ts';
import { placesOf, readRunFile } from '../io/parts.ts';
import { type PrivateRun, readPrivateRun } from '../io/private-run.ts';
import { digestOfKey } from '../io/run-keys.ts';
import type { Seal } from '../io/seal.ts';
import { differingPrivateRuns, differingSettings } from '../io/settings.ts';
import type { Part } from '../io/shard-plan.ts';
import { readSourceIdKey } from '../io/source-id-key.ts';
import type { ReviewSummary } from '../run.ts';
import { lossSchema, told } from './run-file.ts';

/** A part that is finished. */
export type PartRun = Part & { readonly run: Readonly<Record<string, unknown>>; readonly privateDir: string };
type Counts = Omit<ReviewSummary, 'problems'>;

/** The finished parts of a run, and where they are. */
export interface PartsOfRun {
  readonly out: string;
  readonly privateDir: string;
  readonly parts: readonly PartRun[];
  /** Of the private folder and those of the parts. */
  readonly seal: Seal | undefined;
}

/** @throws UsageError when one is missing or unfinished, or has other settings than the first. */
export async function finishedParts(out: string, privateDir: string, found: readonly Part[]): Promise<PartRun[]> {
  const [{ count } = { count: 0 }] = found;
  const other = found.find((part) => part.count !== count);
  if (other)
    throw new UsageError(`Expected parts of one --shard-count in ${out} but found ${count} and ${other.count}`);
  const parts: PartRun[] = [];
  const problems: string[] = [];
  for (let index = 0; index < count; index++) {
    const places = placesOf(privateDir, { index, count });
    const run = await readRunFile(out, places.runFile);
    if (run?.status === 'finished') parts.push({ index, count, run, privateDir: places.privateDir });
    else
      problems.push(run === undefined ? `part ${index} is missing` : `part ${index} is not finished (${run.status})`);
  }
  if (problems.length > 0) throw new UsageError(`Expected ${count} finished parts in ${out} but ${firstOf(problems)}`);
  const [first, ...others] = parts as [PartRun, ...PartRun[]];
  for (const { index, run } of others) {
    const [a, b] = [settingsOfPart(first.run), settingsOfPart(run)];
    // Each way, since only what the second one sets is compared.
    const differences = [...differingSettings(a, b), ...differingSettings(b, a)];
    if (differences.length > 0) {
      throw new UsageError(
        `Expected parts of the same settings in ${out} but part ${index} differs from part 0: ${differences.join('; ')}`,
      );
    }
  }
  return parts;
}

const SHOWN = 20;

function firstOf(problems: readonly string[]): string {
  const more = problems.length > SHOWN ? [`and ${problems.length - SHOWN} more`] : [];
  return [...problems.slice(0, SHOWN), ...more].join(', ');
}

/** @throws UsageError when parts were made from other inputs or have other keys, or their private folders are not there. */
export async function samePrivateRun({ parts, privateDir: whole, seal }: PartsOfRun): Promise<PrivateRun> {
  let first: PrivateRun | undefined;
  for (const { index, privateDir } of parts) {
    const run = await readPrivateRun(privateDir, seal);
    if (run === undefined) {
      throw new UsageError(
        `Expected the private logs of part ${index} in ${privateDir} but found none (--private-dir)`,
      );
    }
    first ??= run;
    const differences = differingPrivateRuns(first, run);
    if (differences.length > 0) {
      const what = differences.some((difference) => difference.startsWith('listing: '))
        ? 'its inputs are others, or in another order or elsewhere'
        : differences.some((difference) => difference.startsWith('source-id-key: '))
          ? 'its source ids are of another key'
          : differences.join('; ');
      throw new UsageError(`Expected parts of the same run but part ${index} differs from part 0: ${what}`);
    }
  }
  const { sourceIdKey } = first as PrivateRun;
  if (sourceIdKey !== undefined && digestOfKey(await readSourceIdKey(whole, seal)) !== sourceIdKey) {
    throw new UsageError(`Expected the key of the parts' source ids in ${whole} but it has another one`);
  }
  return first as PrivateRun;
}

/** What became of corrections, in all parts; undefined without them. */
export function reviewOf(parts: readonly PartRun[]): Counts | undefined {
  const sum = { added: 0, removed: 0, changed: 0 };
  let isReviewed = false;
  for (const { run } of parts) {
    const { review } = run.result as { review?: Counts };
    if (review === undefined) continue;
    isReviewed = true;
    sum.added += review.added;
    sum.removed += review.removed;
    sum.changed += review.changed;
  }
  return isReviewed ? sum : undefined;
}

/**
 * Share of a labelled object's area from which on it is counted as lost, in all parts; undefined without labels of objects.
 * @throws UsageError when parts have another one.
 */
export function labelLossOf({ out, parts }: PartsOfRun): number | undefined {
  const [first, ...others] = parts.map(({ run }) => told(lossSchema, run.result, out).labelLoss?.over);
  const other = others.findIndex((over) => over !== first);
  if (other < 0) return first;
  throw new UsageError(
    `Expected parts of one --label-loss in ${out} but part ${other + 1} has ${others[other]} and part 0 ${first}`,
  );
}

import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { OutputError, UsageError } from './errors.ts';
import type { WrittenFile } from './io/atomic.ts';
import { readLedger } from './io/ledger-files.ts';
import { removeLeftovers } from './io/leftovers.ts';
import { OutputLock } from './io/lock.ts';
import { mergeLedgers } from './io/merge-ledgers.ts';
import { assertNoPartAtWork } from './io/output-folder.ts';
import { settingsOfPart } from './io/part-siblings.ts';
import { partsIn, placesOf, readRunFile, removeParts } from './io/parts.ts';
import { type PrivateRun, readPrivateRun, writePrivateRun } from './io/private-run.ts';
import { type EarlierOutput, reviewShards } from './io/review.ts';
import { digestOfKey, openSealOfParts } from './io/run-keys.ts';
import { LOG_FOLDER, RunLog } from './io/run-log.ts';
import type { Seal } from './io/seal.ts';
import type { SecretOptions } from './io/secret.ts';
import { differingPrivateRuns, differingSettings } from './io/settings.ts';
import { shardFormat } from './io/shard-formats.ts';
import { type Part, ShardPlan } from './io/shard-plan.ts';
import { readSources, type SourceEntry } from './io/source-entries.ts';
import { readSourceIdKey } from './io/source-id-key.ts';
import { publicResult, RecordCounts } from './record-counts.ts';
import type { ReviewSummary } from './run.ts';
import { layoutSchema, told, wholeNumber } from './run-file.ts';

export interface FinalizeOptions extends SecretOptions {
  readonly out: string;
  /** Default `<out>.private`. */
  readonly privateDir?: string;
}

export interface FinalizeSummary {
  /** `already`: the output was finished before; what was left of its parts is gone now. */
  readonly status: 'finalized' | 'already';
  readonly parts: number;
  readonly shards: number;
  readonly total: number;
  readonly published: number;
  readonly rejected: number;
  /** Samples that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly out: string;
  readonly privateDir: string;
}

/** Samples that were read again. */
export interface FinalizeProgress {
  readonly done: number;
  readonly total: number;
}

type PartRun = Part & { readonly run: Readonly<Record<string, unknown>>; readonly privateDir: string };
type Counts = Omit<ReviewSummary, 'problems'>;

interface PartsOfRun {
  readonly out: string;
  readonly privateDir: string;
  readonly parts: readonly PartRun[];
  /** Of the private folder and those of the parts. */
  readonly seal: Seal | undefined;
}

const resultSchema = v.object({
  total: wholeNumber,
  published: wholeNumber,
  rejected: wholeNumber,
  reasons: v.record(v.string(), wholeNumber),
  samplesPerShard: wholeNumber,
});

/**
 * Ends a run that was done in parts: when every part is finished, of the same settings and inputs, and every shard is
 * whole by its bytes, writes what tells of all of them. The output and the private folder are those of one process then.
 * Can be repeated when it was cut short.
 *
 * @throws UsageError saying what is missing or differs, with nothing changed; OutputError.
 */
export async function finalize(
  options: FinalizeOptions,
  onProgress: (progress: FinalizeProgress) => void = () => {},
): Promise<FinalizeSummary> {
  const out = resolve(options.out);
  const privateDir = resolve(options.privateDir ?? `${out}.private`);
  const found = await partsIn(out);
  const before = await readRunFile(out);
  if (found.length === 0 && before?.status !== 'finished') {
    throw new UsageError(`Expected parts of a run in ${options.out} but found none`);
  }
  const lock = await OutputLock.acquire(out);
  try {
    await assertNoPartAtWork(out);
    // run.json comes last of all that is written.
    if ((await readRunFile(out))?.status === 'finished') {
      await removeParts(out, privateDir);
      return await already(out, privateDir, found.length);
    }
    const parts = await finishedParts(out, privateDir, found);
    const folders = parts.map((part) => part.privateDir);
    const seal = await openSealOfParts(privateDir, folders, options);
    const summary = await putTogether({ out, privateDir, parts, seal }, () => lock.assertHeld(), onProgress);
    await removeParts(out, privateDir);
    return summary;
  } finally {
    await lock.release();
  }
}

async function already(out: string, privateDir: string, parts: number): Promise<FinalizeSummary> {
  const run = told(resultSchema, await readRunFile(out), out);
  const { samplesPerShard, ...result } = run;
  return { status: 'already', parts, shards: new ShardPlan(run).count, ...result, out, privateDir };
}

/** @throws UsageError when one is missing or unfinished, or has other settings than the first. */
async function finishedParts(out: string, privateDir: string, found: readonly Part[]): Promise<PartRun[]> {
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
  if (problems.length > 0)
    throw new UsageError(`Expected ${count} finished parts in ${out} but ${problems.join(', ')}`);
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

/** @throws UsageError when parts were made from other inputs, or their private folders are not there. */
async function samePrivateRun({ parts, privateDir: whole, seal }: PartsOfRun): Promise<PrivateRun> {
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

async function putTogether(
  run: PartsOfRun,
  assertHeld: () => Promise<void>,
  onProgress: (progress: FinalizeProgress) => void,
): Promise<FinalizeSummary> {
  const { out, privateDir, parts, seal } = run;
  const settings = settingsOfPart((parts[0] as PartRun).run);
  const { total, samplesPerShard, ...layout } = told(layoutSchema, settings, out);
  const { listing: _, sourceIdKey: __, ...privateRun } = await samePrivateRun(run);
  const sources = new Map<number, SourceEntry>();
  for (const part of parts) {
    for await (const entry of readSources(part.privateDir, seal)) sources.set(entry.index, entry);
  }
  const at: EarlierOutput['at'] = (i) => {
    const { origin = { path: '' }, name = '', cls } = sources.get(i) ?? {};
    return { index: i, origin, relativePath: name, ...(cls === undefined ? {} : { cls }) };
  };
  const counts = new RecordCounts();
  const kept = new Map<string, readonly WrittenFile[]>();
  for (const part of parts) {
    const plan = new ShardPlan({ total, samplesPerShard, part });
    const format = shardFormat(out, layout, privateRun.hasCls);
    const earlier = { out, privateDir: part.privateDir, plan, format, at, withdrawn: new Set<number>() };
    const review = await reviewPart(part.index, earlier, seal, (record) => {
      counts.add(record);
      onProgress({ done: counts.done, total });
    });
    for (const [name, files] of review) kept.set(name, files);
  }
  const files = [...kept.values()].flat();
  if (new Set(files.map((file) => file.path)).size < files.length) {
    throw new OutputError(`Expected a name for every image in ${out} but two of different parts have the same one`);
  }
  await assertHeld();
  await mergeLedgers(
    privateDir,
    parts.map((part) => part.privateDir),
    seal,
  );
  await writePrivateRun(privateDir, privateRun, seal);
  const plan = new ShardPlan({ total, samplesPerShard });
  const format = shardFormat(out, layout, privateRun.hasCls);
  await removeLeftovers(out, plan, kept, LOG_FOLDER, format.closing);
  const log = RunLog.over(out, settings);
  log.commit(files);
  log.commit(await format.close(plan.names(), at));
  await log.finish(publicResult(total, counts, reviewOf(parts)));
  const { published, rejected } = counts;
  const reasons = counts.reasons();
  return {
    status: 'finalized',
    parts: parts.length,
    shards: plan.count,
    total,
    published,
    rejected,
    reasons,
    out,
    privateDir,
  };
}

/** Reads the shards of a part again. @throws UsageError when one is not whole. */
async function reviewPart(
  index: number,
  earlier: EarlierOutput,
  seal: Seal | undefined,
  onRecord: Parameters<typeof reviewShards>[2],
): Promise<ReadonlyMap<string, readonly WrittenFile[]>> {
  const { out, privateDir, plan, at } = earlier;
  const ledger = await readLedger(privateDir, plan.total, (i) => at(i).origin, undefined, seal);
  const { kept, notices } = await reviewShards(earlier, ledger, onRecord);
  const missing = [...plan.names()].filter((name) => !kept.has(name));
  if (missing.length === 0) return kept;
  const why = notices[0]?.replace(/ is done again/, '') ?? `Shard ${missing[0]} is missing`;
  throw new UsageError(
    `Expected every shard of part ${index} in ${join(out)} to be whole but ${missing.length} of ${plan.shards} are not: ${why}; the command of that part does them again`,
  );
}

/** What became of corrections, in all parts; undefined without them. */
function reviewOf(parts: readonly PartRun[]): Counts | undefined {
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

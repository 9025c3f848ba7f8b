import { resolve } from 'node:path';
import * as v from 'valibot';
import { putClipsTogether } from '../clips/finalize.ts';
import { OutputError, UsageError } from '../errors.ts';
import type { WrittenFile } from '../io/atomic.ts';
import { readLedger } from '../io/ledger-files.ts';
import { removeLeftovers } from '../io/leftovers.ts';
import { OutputLock } from '../io/lock.ts';
import { mergeLedgers } from '../io/merge-ledgers.ts';
import { assertNoPartAtWork } from '../io/output-folder.ts';
import { settingsOfPart } from '../io/part-siblings.ts';
import { partsIn, readRunFile, removeParts } from '../io/parts.ts';
import { writePrivateRun } from '../io/private-run.ts';
import { type EarlierOutput, reviewShards } from '../io/review.ts';
import { openSealOfParts } from '../io/run-keys.ts';
import { LOG_FOLDER, RunLog } from '../io/run-log.ts';
import type { Seal } from '../io/seal.ts';
import type { SecretOptions } from '../io/secret.ts';
import { shardFormat } from '../io/shard-formats.ts';
import { ShardPlan } from '../io/shard-plan.ts';
import { readSources, type SourceEntry } from '../io/source-entries.ts';
import { sumUpLosses } from '../run/label-losses.ts';
import { publicResult, RecordCounts } from '../run/record-counts.ts';
import {
  finishedParts,
  labelLossOf,
  type PartRun,
  type PartsOfRun,
  reviewOf,
  samePrivateRun,
} from './finished-parts.ts';
import { isClipRun, layoutSchema, told, wholeNumber } from './run-file.ts';

export interface FinalizeOptions extends SecretOptions {
  readonly out: string;
  /** Default `<out>.private`. */
  readonly privateDir?: string;
}

export interface FinalizeSummary {
  readonly kind: 'images' | 'clips';
  /** `already`: the output was finished before; what was left of its parts is gone now. */
  readonly status: 'finalized' | 'already';
  readonly parts: number;
  /** 0 for clips. */
  readonly shards: number;
  readonly total: number;
  readonly published: number;
  readonly rejected: number;
  /** Samples that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly out: string;
  readonly privateDir: string;
}

/** Samples, or clips, that were read again. */
export interface FinalizeProgress {
  readonly done: number;
  readonly total: number;
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
    const isOfClips = parts.some(({ run }) => isClipRun(run));
    const assertHeld = (): Promise<void> => lock.assertHeld();
    const summary = await (isOfClips ? putClipsTogether : putTogether)(
      { out, privateDir, parts, seal },
      assertHeld,
      onProgress,
    );
    await removeParts(out, privateDir);
    return summary;
  } finally {
    await lock.release();
  }
}

async function already(out: string, privateDir: string, parts: number): Promise<FinalizeSummary> {
  const whole = await readRunFile(out);
  if (whole !== undefined && isClipRun(whole)) {
    const result = v.parse(v.omit(resultSchema, ['samplesPerShard']), whole);
    return { kind: 'clips', status: 'already', parts, shards: 0, ...result, out, privateDir };
  }
  const run = told(resultSchema, whole, out);
  const { samplesPerShard, ...result } = run;
  return { kind: 'images', status: 'already', parts, shards: new ShardPlan(run).count, ...result, out, privateDir };
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
  const over = labelLossOf(run);
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
  const losses = over === undefined ? undefined : { over, categories: await sumUpLosses(privateDir, over, { seal }) };
  await log.finish(publicResult(total, counts, reviewOf(parts), losses));
  const { published, rejected } = counts;
  const reasons = counts.reasons();
  return {
    kind: 'images',
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
    `Expected every shard of part ${index} in ${out} to be whole but ${missing.length} of ${plan.shards} are not: ${why}; the command of that part does them again`,
  );
}

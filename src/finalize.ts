import { resolve } from 'node:path';
import * as v from 'valibot';
import { OutputError, UsageError } from './errors.ts';
import { finishedParts, type PartRun, reviewOf, samePrivateRun } from './finished-parts.ts';
import type { WrittenFile } from './io/atomic.ts';
import { folderShards } from './io/folder-sink.ts';
import { mergeLedgers, readLedger, readSources, type SourceEntry } from './io/ledger-files.ts';
import { removeLeftovers } from './io/leftovers.ts';
import { OutputLock } from './io/lock.ts';
import { assertNoPartAtWork } from './io/output-folder.ts';
import { settingsOfPart } from './io/part-siblings.ts';
import { partsIn, readRunFile, removeParts } from './io/parts.ts';
import { writePrivateRun } from './io/private-run.ts';
import { type EarlierOutput, reviewShards } from './io/review.ts';
import { RunLog } from './io/run-log.ts';
import { ShardPlan } from './io/shard-plan.ts';
import { webdatasetShards } from './io/webdataset-sink.ts';
import { publicResult, RecordCounts } from './record-counts.ts';
import { layoutSchema, told, wholeNumber } from './run-file.ts';

export interface FinalizeOptions {
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
    const summary = await putTogether(out, privateDir, parts, () => lock.assertHeld(), onProgress);
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

async function putTogether(
  out: string,
  privateDir: string,
  parts: readonly PartRun[],
  assertHeld: () => Promise<void>,
  onProgress: (progress: FinalizeProgress) => void,
): Promise<FinalizeSummary> {
  const settings = settingsOfPart((parts[0] as PartRun).run);
  const { total, samplesPerShard, format } = told(layoutSchema, settings, out);
  const { listing: _, ...privateRun } = await samePrivateRun(parts);
  const counts = new RecordCounts();
  const kept = new Map<string, readonly WrittenFile[]>();
  for (const part of parts) {
    const plan = new ShardPlan({ total, samplesPerShard, part });
    const shards = format === 'folder' ? folderShards(out) : webdatasetShards(out, privateRun.hasCls);
    const review = await reviewPart(out, part, plan, shards, (record) => {
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
  );
  await writePrivateRun(privateDir, privateRun);
  const plan = new ShardPlan({ total, samplesPerShard });
  await removeLeftovers(out, plan, kept);
  const log = RunLog.over(out, settings);
  log.commit(files);
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
  out: string,
  { index, privateDir }: PartRun,
  plan: ShardPlan,
  format: EarlierOutput['format'],
  onRecord: Parameters<typeof reviewShards>[2],
): Promise<ReadonlyMap<string, readonly WrittenFile[]>> {
  const sources = new Map<number, SourceEntry>();
  for await (const entry of readSources(privateDir)) sources.set(entry.index, entry);
  const at: EarlierOutput['at'] = (i) => {
    const { origin = { path: '' }, name = '', cls } = sources.get(i) ?? {};
    return { index: i, origin, relativePath: name, ...(cls === undefined ? {} : { cls }) };
  };
  const ledger = await readLedger(privateDir, plan.total, (i) => at(i).origin);
  const { kept, notices } = await reviewShards(
    { out, privateDir, plan, format, at, withdrawn: new Set() },
    ledger,
    onRecord,
  );
  const missing = [...plan.names()].filter((name) => !kept.has(name));
  if (missing.length === 0) return kept;
  const why = notices[0]?.replace(/ is done again/, '') ?? `Shard ${missing[0]} is missing`;
  throw new UsageError(
    `Expected every shard of part ${index} in ${out} to be whole but ${missing.length} of ${plan.shards} are not: ${why}; the command of that part does them again`,
  );
}

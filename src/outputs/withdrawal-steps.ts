import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import type { Asked } from '../io/find-samples.ts';
import { namedFiles } from '../io/leftovers.ts';
import type { OutputLock } from '../io/lock.ts';
import { readPrivateRun } from '../io/private-run.ts';
import { removeSamples } from '../io/private-withdrawn.ts';
import { rewriteShard } from '../io/rewrite-shard.ts';
import { LOG_FOLDER, RunLog, readSums, TOMBSTONES, writeSums } from '../io/run-log.ts';
import type { Seal } from '../io/seal.ts';
import { rowOf, type ShardFormat } from '../io/shard.ts';
import { type ShardLayout, shardFormat } from '../io/shard-formats.ts';
import { readShardLog } from '../io/shard-log.ts';
import { keyOf, type ShardPlan } from '../io/shard-plan.ts';
import type { ListedSample } from '../io/source.ts';
import { readSources, type SourceEntry } from '../io/source-entries.ts';
import { addTombstones } from '../io/tombstones.ts';
import { appendVersion, digestOfSums, readVersions } from '../io/versions.ts';
import { beginWithdrawal, endWithdrawal, type Withdrawal } from '../io/withdrawal.ts';
import { sumUpLosses } from '../run/label-losses.ts';
import { publicResult, RecordCounts } from '../run/record-counts.ts';
import type { ReviewSummary } from '../run.ts';
import { lossSchema, told } from './run-file.ts';

/** An output and its private folder, as far as a withdrawal needs them. */
export interface Published {
  readonly out: string;
  readonly privateDir: string;
  readonly run: Record<string, unknown>;
  readonly plan: ShardPlan;
  readonly layout: ShardLayout;
  /** Of a private folder that is encrypted. */
  readonly seal: Seal | undefined;
}

export interface WithdrawnSample {
  readonly key: string;
  /** Absent for a clip, which is in none. */
  readonly shard?: string;
  /** What it was before. */
  readonly status: 'verified' | 'quarantined' | 'failed_to_anonymize' | 'withdrawn';
}

/** What becomes of samples, by the redaction log as it is. */
export async function describe(
  { out, plan }: Pick<Published, 'out' | 'plan'>,
  samples: readonly number[],
): Promise<{ readonly samples: readonly WithdrawnSample[]; readonly shards: readonly string[] }> {
  const logs = new Map<number, Awaited<ReturnType<typeof readShardLog>>>();
  const found: WithdrawnSample[] = [];
  for (const index of samples) {
    const shard = plan.shardOf(index);
    if (!logs.has(shard)) logs.set(shard, await readShardLog(out, plan.nameOf(shard)).catch(unreadable(out)));
    const status = logs.get(shard)?.[index - plan.startOf(shard)]?.status ?? 'withdrawn';
    found.push({ key: keyOf(index), shard: plan.nameOf(shard), status });
  }
  return { samples: found, shards: shardsOf(found) };
}

function unreadable(out: string): (error: Error) => never {
  return (error) => {
    throw new UsageError(
      `Expected whole shards in ${out} but received: ${error.message}; anonymize verify tells more, and the command of the run mends them`,
      { cause: error },
    );
  };
}

/** Each once, in order. */
export function shardsOf(samples: readonly WithdrawnSample[]): string[] {
  return [...new Set(samples.flatMap(({ shard }) => shard ?? []))].sort();
}

/** What is known of each sample, withdrawn ones by their key alone. */
async function samplesIn({ out, privateDir, layout, seal }: Published): Promise<{
  readonly at: (index: number) => ListedSample;
  readonly format: ShardFormat;
}> {
  const sources = new Map<number, SourceEntry>();
  let hasCls = true;
  for await (const entry of readSources(privateDir, seal)) {
    sources.set(entry.index, entry);
    if (entry.cls === undefined) hasCls = false;
  }
  hasCls = (await readPrivateRun(privateDir, seal))?.hasCls ?? hasCls;
  return {
    at: (index) => {
      const { origin = { path: '' }, name = keyOf(index), cls } = sources.get(index) ?? {};
      return { index, origin, relativePath: name, ...(hasCls && cls !== undefined ? { cls } : {}) };
    },
    format: shardFormat(out, layout, hasCls),
  };
}

/**
 * Checks the shards and writes down what is going to be done. From here on it will be done.
 * @throws UsageError with nothing changed; OutputError.
 */
export async function begin(
  published: Published,
  samples: readonly number[],
  asked: readonly Asked[],
): Promise<Withdrawal> {
  const { out, privateDir, plan, seal } = published;
  const { at, format } = await samplesIn(published);
  const gone = new Set(samples);
  const files: string[] = [];
  for (const shard of new Set(samples.map((index) => plan.shardOf(index)))) {
    const name = plan.nameOf(shard);
    const records = await readShardLog(out, name).catch(unreadable(out));
    const rows = records.map((record, i) => rowOf(record, at(plan.startOf(shard) + i)));
    // What is damaged now could not be written again later.
    await format.check(name, rows).catch(unreadable(out));
    for (const [i, record] of records.entries()) {
      if (gone.has(plan.startOf(shard) + i)) files.push(...namedFiles(record));
    }
  }
  const sumsBefore = await digestOfSums(out).catch(unreadable(out));
  const last = (await readVersions(out)).at(-1)?.version ?? 1;
  const withdrawal: Withdrawal = {
    v: 1,
    version: last + 1,
    date: new Date().toISOString().slice(0, 10),
    samples: [...samples],
    asked: asked.map(({ text }) => text),
    files,
    sumsBefore,
  };
  await beginWithdrawal(privateDir, withdrawal, seal);
  return withdrawal;
}

/** Every step can be repeated, and gives the same then. @throws OutputError */
export async function carryOut(
  published: Published,
  withdrawal: Withdrawal,
  lock: OutputLock,
): Promise<readonly WithdrawnSample[]> {
  const { out, privateDir, run, plan, seal } = published;
  const { version, date, files, sumsBefore } = withdrawal;
  const samples = new Set(withdrawal.samples);
  const { samples: described, shards } = await describe(published, withdrawal.samples);
  const { at, format } = await samplesIn(published);
  const { tool: _, v: __, status: ___, ...settings } = run;
  const log = RunLog.over(out, settings);
  await lock.assertHeld();
  // The list comes before the images go: whatever happens from here on, nothing brings them back.
  await addTombstones(
    out,
    withdrawal.samples.map((index) => ({ key: keyOf(index), version, date })),
  );
  await log.setStatus('withdrawing');
  await rm(join(out, LOG_FOLDER, 'report.html'), { force: true });
  const written = new Map((await readSums(out)).map((file) => [file.path, file]));
  for (const file of files) written.delete(file);
  for (const name of shards) {
    await lock.assertHeld();
    for (const file of await rewriteShard(Number(name), { out, plan, format, log, at, samples })) {
      written.set(file.path, file);
    }
  }
  for (const file of await format.close(plan.names(), at)) written.set(file.path, file);
  written.set(TOMBSTONES, { path: TOMBSTONES, sha256: await sha256OfFile(join(out, TOMBSTONES)) });
  await writeSums(out, [...written.values()]);
  if (((await readVersions(out)).at(-1)?.version ?? 1) < version) {
    await appendVersion(out, { change: 'withdrawn', date, samples: samples.size, shards: [...shards] }, sumsBefore);
  }
  const counts = new RecordCounts();
  for (const name of plan.names()) for (const record of await readShardLog(out, name)) counts.add(record);
  const review = run.review as Omit<ReviewSummary, 'problems'> | undefined;
  const over = told(lossSchema, run, out).labelLoss?.over;
  const isCounted = (index: number): boolean => !samples.has(index);
  const categories = over === undefined ? [] : await sumUpLosses(privateDir, over, { seal, isCounted });
  const losses = over === undefined ? undefined : { over, categories };
  await log.setStatus('finished', publicResult(plan.total, counts, review, losses));
  await removeSamples(privateDir, samples, seal);
  await endWithdrawal(privateDir);
  return described;
}

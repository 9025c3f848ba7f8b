import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from './errors.ts';
import { sha256OfFile } from './io/atomic.ts';
import { type Asked, findSamples } from './io/find-samples.ts';
import { assertUnlocked, OutputLock } from './io/lock.ts';
import { hasPrivateParts, notFinalized } from './io/parts.ts';
import { readPrivateRun } from './io/private-run.ts';
import { removeSamples } from './io/private-withdrawn.ts';
import { rewriteShard } from './io/rewrite-shard.ts';
import { LOG_FOLDER, RunLog, readSums, TOMBSTONES, writeSums } from './io/run-log.ts';
import { openSeal, type Seal } from './io/seal.ts';
import { readSecret, type SecretOptions } from './io/secret.ts';
import { rowOf, type ShardFormat } from './io/shard.ts';
import { type ShardLayout, shardFormat } from './io/shard-formats.ts';
import { readShardLog } from './io/shard-log.ts';
import { keyOf, ShardPlan } from './io/shard-plan.ts';
import type { ListedSample } from './io/source.ts';
import { readSources, type SourceEntry } from './io/source-entries.ts';
import { sidecarOf } from './io/target-names.ts';
import { addTombstones } from './io/tombstones.ts';
import { appendVersion, digestOfSums, readVersions } from './io/versions.ts';
import { beginWithdrawal, endWithdrawal, readWithdrawal, type Withdrawal } from './io/withdrawal.ts';
import { publicResult, RecordCounts } from './record-counts.ts';
import type { ReviewSummary } from './run.ts';
import { layoutSchema, told } from './run-file.ts';
import { readRun } from './verify-output.ts';

export interface WithdrawOptions extends SecretOptions {
  readonly out: string;
  /** Default `<out>.private`. */
  readonly privateDir?: string;
  readonly asked: readonly Asked[];
  /** One asked text may mean several samples; default false. */
  readonly all?: boolean;
}

export interface WithdrawnSample {
  readonly key: string;
  readonly shard: string;
  /** What it was before. */
  readonly status: 'verified' | 'quarantined' | 'failed_to_anonymize' | 'withdrawn';
}

export interface WithdrawSummary {
  /** `ended`: an earlier withdrawal, which had been cut short, and nothing else. */
  readonly status: 'withdrawn' | 'ended' | 'nothing' | 'dry-run';
  readonly samples: readonly WithdrawnSample[];
  /** Shards that were written again, or would be. */
  readonly shards: readonly string[];
  /** Keys that were asked for and had been withdrawn before. */
  readonly before: readonly string[];
  /** Version that the output has now; undefined when nothing has ever changed in it. */
  readonly version?: number;
  readonly out: string;
  readonly privateDir: string;
}

/** An output and its private folder, as far as a withdrawal needs them. */
interface Published {
  readonly out: string;
  readonly privateDir: string;
  readonly run: Record<string, unknown>;
  readonly plan: ShardPlan;
  readonly layout: ShardLayout;
  /** Of a private folder that is encrypted. */
  readonly seal: Seal | undefined;
}

/** What a withdrawal would do; changes nothing. @throws UsageError as `withdraw`. */
export async function planWithdrawal(options: WithdrawOptions): Promise<WithdrawSummary> {
  const published = await open(options, await sealOf(options));
  await assertUnlocked(published.out);
  const { out, privateDir, seal } = published;
  const pending = await readWithdrawal(privateDir, seal);
  const asked = stillAsked(options.asked, pending);
  const { samples, before } = await findSamples(privateDir, asked, options.all ?? false, seal);
  const all = [...new Set([...(pending?.samples ?? []), ...samples])].sort((a, b) => a - b);
  return { status: 'dry-run', ...(await describe(published, all)), before: before.map(keyOf), out, privateDir };
}

/**
 * Takes images out of an output: writes the shards that held them again without them, tells in public which keys were
 * withdrawn, and removes what the private folder knows of them. One that was cut short is ended first, so that the
 * same call can be repeated.
 *
 * @throws UsageError with nothing changed; OutputError, after which it can be repeated.
 */
export async function withdraw(options: WithdrawOptions): Promise<WithdrawSummary> {
  const { out, privateDir, seal } = await open(options, await sealOf(options));
  const lock = await OutputLock.acquire(out);
  try {
    const pending = await readWithdrawal(privateDir, seal);
    const ended = pending ? await carryOut(await open(options, seal), pending, lock) : [];
    const published = await open(options, seal);
    const asked = stillAsked(options.asked, pending);
    const { samples, before } = await findSamples(privateDir, asked, options.all ?? false, seal);
    const version = async () => ({ version: (await readVersions(out)).at(-1)?.version });
    if (samples.length === 0) {
      const { version: last } = await version();
      return {
        status: pending ? 'ended' : 'nothing',
        samples: ended,
        shards: shardsOf(ended),
        before: before.map(keyOf),
        ...(last === undefined ? {} : { version: last }),
        out,
        privateDir,
      };
    }
    const withdrawal = await begin(published, samples, asked);
    const done = [...ended, ...(await carryOut(published, withdrawal, lock))];
    return {
      status: 'withdrawn',
      samples: done,
      shards: shardsOf(done),
      before: before.map(keyOf),
      version: withdrawal.version,
      out,
      privateDir,
    };
  } finally {
    await lock.release();
  }
}

/** What the withdrawal that had begun does not cover: of what it did, the private folder may know nothing any more. */
function stillAsked(asked: readonly Asked[], pending: Withdrawal | undefined): Asked[] {
  return asked.filter(({ text }) => !pending?.asked.includes(text));
}

function privateDirOf({ out, privateDir }: WithdrawOptions): string {
  return resolve(privateDir ?? `${resolve(out)}.private`);
}

async function sealOf(options: WithdrawOptions): Promise<Seal | undefined> {
  return openSeal(privateDirOf(options), await readSecret(options));
}

/** @throws UsageError when the output is not finished, or the private folder not its own. */
async function open(options: WithdrawOptions, seal: Seal | undefined): Promise<Published> {
  const out = resolve(options.out);
  const privateDir = privateDirOf(options);
  const run = await readRun(out);
  if (await hasPrivateParts(privateDir)) throw notFinalized(privateDir);
  const pending = await readWithdrawal(privateDir, seal);
  if (run.status !== 'finished' && !(run.status === 'withdrawing' && pending)) {
    throw new UsageError(`Expected a finished output but the run in ${out} is ${run.status}`);
  }
  const { total, samplesPerShard, ...layout } = told(layoutSchema, run, out);
  const { total: known } = (await readPrivateRun(privateDir, seal)) ?? {};
  if (known !== undefined && known !== total) {
    throw new UsageError(
      `Expected --private-dir to belong to ${out}, which has ${total} samples, but ${privateDir} is of a run of ${known}`,
    );
  }
  return { out, privateDir, run, plan: new ShardPlan({ total, samplesPerShard }), layout, seal };
}

/** What becomes of samples, by the redaction log as it is. */
async function describe(
  { out, plan }: Pick<Published, 'out' | 'plan'>,
  samples: readonly number[],
): Promise<Pick<WithdrawSummary, 'samples' | 'shards'>> {
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

function shardsOf(samples: readonly WithdrawnSample[]): string[] {
  return [...new Set(samples.map(({ shard }) => shard))].sort();
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

/** Checks the shards and writes down what is going to be done. From here on it will be done. */
async function begin(published: Published, samples: readonly number[], asked: readonly Asked[]): Promise<Withdrawal> {
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
      const isGone = gone.has(plan.startOf(shard) + i) && record.status === 'verified';
      if (isGone && record.file !== undefined) files.push(record.file);
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

/** Every step can be repeated, and gives the same then. */
async function carryOut(
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
  for (const file of files) for (const path of [file, sidecarOf(file, 'cls')]) written.delete(path);
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
  await log.setStatus('finished', publicResult(plan.total, counts, review));
  await removeSamples(privateDir, samples, seal);
  await endWithdrawal(privateDir);
  return described;
}

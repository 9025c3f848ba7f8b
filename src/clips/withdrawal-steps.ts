import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import type { Asked } from '../io/find-samples.ts';
import type { OutputLock } from '../io/lock.ts';
import { CLIP_WORK } from '../io/private-files.ts';
import { removeSamples } from '../io/private-withdrawn.ts';
import { withdrawnRecord } from '../io/records.ts';
import { removeReports } from '../io/report-pages.ts';
import { RunLog, readSums, TOMBSTONES, writeSums } from '../io/run-log.ts';
import type { Seal } from '../io/seal.ts';
import { keyOf } from '../io/shard-plan.ts';
import { addTombstones } from '../io/tombstones.ts';
import { appendVersion, digestOfSums, readVersions } from '../io/versions.ts';
import { beginWithdrawal, endWithdrawal, type Withdrawal } from '../io/withdrawal.ts';
import type { WithdrawnSample } from '../outputs/withdrawal-steps.ts';
import { publicClipResult, readClipRecord, writeClipLog } from './log.ts';
import type { ClipRecord } from './record.ts';

/** An output of clips and its private folder, as far as a withdrawal needs them. */
export interface PublishedClips {
  readonly out: string;
  readonly privateDir: string;
  readonly run: Record<string, unknown>;
  /** Clips of the run. */
  readonly total: number;
  /** Of a private folder that is encrypted. */
  readonly seal: Seal | undefined;
}

/** What becomes of clips, by their logs as they are. @throws UsageError for one that has none. */
export async function describeClips({ out }: PublishedClips, clips: readonly number[]): Promise<WithdrawnSample[]> {
  const found: WithdrawnSample[] = [];
  for (const index of clips) {
    const { key, status } = await recordOf(out, index);
    found.push({ key, status });
  }
  return found;
}

/**
 * Writes down what is going to be done. From here on it will be done.
 * @throws UsageError with nothing changed; OutputError.
 */
export async function beginClips(
  published: PublishedClips,
  clips: readonly number[],
  asked: readonly Asked[],
): Promise<Withdrawal> {
  const { out, privateDir, seal } = published;
  const files: string[] = [];
  for (const index of clips) {
    const record = await recordOf(out, index);
    if (record.status === 'verified') files.push(record.file);
  }
  const withdrawal: Withdrawal = {
    v: 1,
    version: ((await readVersions(out)).at(-1)?.version ?? 1) + 1,
    date: new Date().toISOString().slice(0, 10),
    samples: [...clips],
    asked: asked.map(({ text }) => text),
    files,
    sumsBefore: await digestOfSums(out).catch((cause: Error) => {
      throw new UsageError(`Expected a whole output in ${out} but received: ${cause.message}`, { cause });
    }),
  };
  await beginWithdrawal(privateDir, withdrawal, seal);
  return withdrawal;
}

/** Every step can be repeated, and gives the same then. @throws OutputError */
export async function carryOutClips(
  published: PublishedClips,
  withdrawal: Withdrawal,
  lock: OutputLock,
): Promise<readonly WithdrawnSample[]> {
  const { out, privateDir, run, total, seal } = published;
  const { version, date, files, samples, sumsBefore } = withdrawal;
  const described = await describeClips(published, samples);
  const { tool: _, v: __, status: ___, withdrawn: ____, ...settings } = run;
  const log = RunLog.over(out, settings);
  await lock.assertHeld();
  // The list comes before the clips go: whatever happens from here on, nothing brings them back.
  await addTombstones(
    out,
    samples.map((index) => ({ key: keyOf(index), version, date })),
  );
  await log.setStatus('withdrawing');
  const written = new Map((await readSums(out)).map((file) => [file.path, file]));
  await removeReports(out, privateDir);
  for (const file of files) {
    await rm(join(out, file), { force: true });
    written.delete(file);
  }
  for (const index of samples) {
    await lock.assertHeld();
    const file = await writeClipLog(out, withdrawnRecord(keyOf(index)));
    written.set(file.path, file);
  }
  written.set(TOMBSTONES, { path: TOMBSTONES, sha256: await sha256OfFile(join(out, TOMBSTONES)) });
  await writeSums(out, [...written.values()]);
  if (((await readVersions(out)).at(-1)?.version ?? 1) < version) {
    await appendVersion(out, { change: 'withdrawn', date, samples: samples.length, shards: [] }, sumsBefore);
  }
  const records: ClipRecord[] = [];
  for (let index = 0; index < total; index++) records.push(await recordOf(out, index));
  await log.setStatus('finished', publicClipResult(records));
  for (const index of samples) await rm(join(privateDir, CLIP_WORK, keyOf(index)), { recursive: true, force: true });
  await removeSamples(privateDir, new Set(samples), seal);
  await endWithdrawal(privateDir);
  return described;
}

async function recordOf(out: string, index: number): Promise<ClipRecord> {
  const record = await readClipRecord(out, keyOf(index));
  if (record !== undefined) return record;
  throw new UsageError(
    `Expected the log of clip ${keyOf(index)} in ${out} but it is missing or damaged; anonymize verify tells more, and the command of the run mends it`,
  );
}

import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { type LedgerIndex, readLedger } from './ledger-files.ts';
import { placesOf, type RunPlaces } from './parts.ts';
import type { LedgerFile } from './private-files.ts';
import { readPrivateRun } from './private-run.ts';
import type { EarlierOutput } from './review.ts';
import { differingPrivateRuns, differingSettings } from './settings.ts';
import { shardFormat } from './shard-formats.ts';
import { ShardPlan } from './shard-plan.ts';
import type { SinkOptions } from './sink.ts';
import type { SampleOrigin } from './source.ts';
import { withdrawnSamples } from './tombstones.ts';
import { assertNoWithdrawal } from './withdrawal.ts';

/** Settings of a run that a later one must share, for run.json. */
export function settingsOf({ run, format, total }: SinkOptions): Record<string, unknown> {
  return { ...run, format, total };
}

/** Where this run, or an earlier one with the same options, is and how it is divided. */
export async function earlierOutput(options: SinkOptions): Promise<EarlierOutput & { readonly places: RunPlaces }> {
  const out = resolve(options.out);
  const places = placesOf(resolve(options.privateDir), options.part);
  return {
    out,
    places,
    privateDir: places.privateDir,
    plan: new ShardPlan(options),
    format: shardFormat(out, { ...options, sourceIds: options.sourceIdKey !== undefined }, options.hasCls),
    at: options.at,
    keys: options.keys,
    withdrawn: await withdrawnSamples(out, resolve(options.privateDir), options.seal),
  };
}

/**
 * Whether the earlier run had these settings, by run.json, and these inputs, by the private folder.
 *
 * @param files of the private folder that are read.
 * @returns what they know.
 * @throws UsageError with the differences.
 */
export async function assertSameRun(
  options: SinkOptions,
  earlier: Readonly<Record<string, unknown>>,
  files?: readonly LedgerFile[],
): Promise<LedgerIndex> {
  await assertNoWithdrawal(resolve(options.privateDir), earlier);
  const { total, ...settings } = settingsOf(options);
  const differences = differingSettings(earlier, settings);
  const { privateDir } = placesOf(resolve(options.privateDir), options.part);
  if (differences.length === 0 && options.privateRun) {
    const before = await readPrivateRun(privateDir, options.seal);
    if (before) differences.push(...differingPrivateRuns(before, options.privateRun));
  }
  if (differences.length > 0) {
    throw new UsageError(
      `Expected the settings of the earlier run in ${options.out} but they differ (earlier → now): ${differences.join('; ')}; --overwrite replaces the earlier output`,
    );
  }
  const originOf = (index: number): SampleOrigin => options.at(index).origin;
  const ledger = await readLedger(privateDir, options.total, originOf, files, options.seal, options.keys);
  if (earlier.total !== total) {
    throw new UsageError(
      `Expected the inputs of the earlier run in ${options.out}, ${earlier.total} images, but found ${total}; --overwrite replaces the earlier output`,
    );
  }
  return ledger;
}

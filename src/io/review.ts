import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { sha256OfFile, type WrittenFile } from './atomic.ts';
import type { LedgerIndex } from './ledger-files.ts';
import type { LedgerFile } from './private-files.ts';
import { logFile } from './run-log.ts';
import { NUMBERED, type SampleKeys } from './sample-keys.ts';
import { SampleStates } from './sample-states.ts';
import { rowOf, type ShardFormat, type ShardRow } from './shard.ts';
import { readShardLog } from './shard-log.ts';
import type { ShardPlan } from './shard-plan.ts';
import type { ListedSample } from './source.ts';

/** What of an earlier output is whole. */
export interface Review {
  readonly states: SampleStates;
  /** The whole shards by name, with their files that have checksums. */
  readonly kept: ReadonlyMap<string, readonly WrittenFile[]>;
  /** What was claimed to be whole and is not, one sentence each. */
  readonly notices: readonly string[];
}

export interface EarlierOutput {
  readonly out: string;
  readonly privateDir: string;
  readonly plan: ShardPlan;
  readonly format: ShardFormat;
  readonly at: (index: number) => ListedSample;
  readonly keys?: SampleKeys | undefined;
  /** Samples that must not come back, whatever the shards say. */
  readonly withdrawn: ReadonlySet<number>;
}

/** Names of the shards that are marked as whole. */
export async function markedShards({
  out,
  plan,
  format,
}: Pick<EarlierOutput, 'out' | 'plan' | 'format'>): Promise<Set<string>> {
  const folder = dirname(join(out, format.markerOf(plan.nameOf(0))));
  const present = new Set(await readdir(folder).catch(() => []));
  return new Set([...plan.names()].filter((name) => present.has(basename(format.markerOf(name)))));
}

/**
 * Reads every shard that is marked as whole again, from its bytes; what differs in any way from what was
 * written is not whole. Changes nothing.
 *
 * @param onRecord gets the records of whole shards, in order.
 * @throws UsageError when the private folder does not know a sample of a whole shard; the reason of
 * `signal` when it is aborted.
 */
export async function reviewShards(
  earlier: EarlierOutput,
  ledger: LedgerIndex,
  onRecord: (record: RedactionRecord) => void,
  signal?: AbortSignal,
): Promise<Review> {
  const { out, plan, format, at, withdrawn } = earlier;
  const marked = await markedShards(earlier);
  const states = new SampleStates(plan);
  for (const index of withdrawn) if (index >= plan.firstSample && index < plan.endSample) states.withdraw(index);
  const kept = new Map<string, readonly WrittenFile[]>();
  const notices: string[] = [];
  for (const name of plan.names()) {
    const shard = Number(name);
    if (!marked.has(name)) continue;
    signal?.throwIfAborted();
    let rows: readonly ShardRow[];
    let shardFiles: readonly WrittenFile[];
    try {
      rows = rowsOf(await readShardLog(out, name), shard, earlier);
      shardFiles = await format.check(name, rows);
    } catch (error) {
      notices.push(`Shard ${name} is done again: ${(error as Error).message}`);
      continue;
    }
    for (const [i, { record }] of rows.entries()) {
      const index = plan.startOf(shard) + i;
      if (record.status !== 'withdrawn') {
        assertKnown(earlier, ledger, index, 'sources', record.status === 'verified' ? 'detections' : 'quarantine');
      }
      states.set(index, record);
      if (record.status === 'verified') format.adopt(at(index), record);
      onRecord(record);
    }
    kept.set(name, [{ path: logFile(name), sha256: await sha256OfFile(join(out, logFile(name))) }, ...shardFiles]);
  }
  return { states, kept, notices };
}

function rowsOf(records: readonly RedactionRecord[], shard: number, earlier: EarlierOutput): ShardRow[] {
  const { plan, at, withdrawn, keys = NUMBERED } = earlier;
  const start = plan.startOf(shard);
  if (records.length !== plan.endOf(shard) - start) throw new Error('its log has another number of samples');
  return records.map((record, i) => {
    if (record.key !== keys.keyOf(start + i))
      throw new Error(`its log has ${record.key} in the place of another sample`);
    if (record.status !== 'withdrawn' && withdrawn.has(start + i)) throw new Error(`${record.key} in it was withdrawn`);
    return rowOf(record, at(start + i));
  });
}

/** @throws UsageError when the private folder has no line of the sample in one of the files. */
export function assertKnown(
  { out, privateDir, keys = NUMBERED }: EarlierOutput,
  ledger: LedgerIndex,
  index: number,
  ...files: readonly LedgerFile[]
): void {
  if (ledger.has(index, ...files)) return;
  throw new UsageError(
    `Expected --private-dir to belong to --out but ${privateDir} does not know sample ${keys.keyOf(index)} of ${out}; --overwrite replaces both`,
  );
}

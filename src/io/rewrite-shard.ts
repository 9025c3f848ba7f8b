import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import type { WrittenFile } from './atomic.ts';
import { namedFiles, removeFiles } from './leftovers.ts';
import { withdrawnRecord } from './records.ts';
import type { RunLog } from './run-log.ts';
import { rowOf, type ShardFormat } from './shard.ts';
import { readShardLog } from './shard-log.ts';
import { keyOf, type ShardPlan } from './shard-plan.ts';
import type { ListedSample } from './source.ts';

export interface ShardRewrite {
  readonly out: string;
  readonly plan: ShardPlan;
  readonly format: ShardFormat;
  readonly log: RunLog;
  readonly at: (index: number) => ListedSample;
  /** Samples that go. */
  readonly samples: ReadonlySet<number>;
}

/**
 * Writes a shard again without some of its samples, from what of it is published: their rows stay and tell nothing.
 * Cut short at any moment, it can be repeated: every file is the old one or the new one, and both give the same.
 *
 * @returns the files of the shard that have checksums.
 * @throws OutputError, also when an image is not as its record says; what is published then stays.
 */
export async function rewriteShard(shard: number, rewrite: ShardRewrite): Promise<readonly WrittenFile[]> {
  const { out, plan, format, log, at, samples } = rewrite;
  const name = plan.nameOf(shard);
  const before = await readShardLog(out, name);
  const records = before.map((record, i): RedactionRecord => {
    const index = plan.startOf(shard) + i;
    if (record.key !== keyOf(index))
      throw new OutputError(`Expected ${keyOf(index)} in the log of ${name} in its place`);
    return samples.has(index) ? withdrawnRecord(record.key) : record;
  });
  const rows = records.map((record, i) => rowOf(record, at(plan.startOf(shard) + i)));
  await rm(join(out, `${name}.tar.tmp`), { force: true });
  const written = await format.open(name);
  try {
    for (const [i, record] of records.entries()) {
      const sample = at(plan.startOf(shard) + i);
      if (record.status === 'verified') await written.keep(sample, record);
      else written.skip(sample);
    }
    await written.verify();
  } catch (error) {
    // Nothing of it is published yet.
    await written.discard();
    throw error;
  }
  await log.stage(name, records);
  const published = await written.publish();
  // Before the log that does not name them any more.
  for (const [i, record] of before.entries()) {
    if (samples.has(plan.startOf(shard) + i)) await removeFiles(out, namedFiles(record));
  }
  const logFile = await log.publish();
  return [...published, logFile, ...(await written.seal(rows))];
}

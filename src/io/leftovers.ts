import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { VerifiedRecord } from '../core/outcome.ts';
import { isWithin } from '../paths.ts';
import type { WrittenFile } from './atomic.ts';
import { isLockName, LOCK_FILE } from './lock.ts';
import { LOG_FOLDER } from './run-log.ts';
import { parseRecord } from './shard-log.ts';
import type { ShardPlan } from './shard-plan.ts';
import { isStagingName, plainSegments, sidecarOf } from './target-names.ts';

const REDACTIONS = join(LOG_FOLDER, 'redactions');

/**
 * Removes everything of an earlier run that is not of a whole shard; files that no run of ours has
 * written are left alone. Can be repeated when it was cut short.
 *
 * @param kept the files of the whole shards, by name.
 */
export async function removeLeftovers(
  out: string,
  plan: ShardPlan,
  kept: ReadonlyMap<string, readonly WrittenFile[]>,
): Promise<void> {
  const remove = (path: string): Promise<void> => rm(join(out, path), { recursive: true, force: true });
  for (const name of await readdir(join(out, LOG_FOLDER))) {
    const path = join(LOG_FOLDER, name);
    // Both tell of the whole output.
    const isOutdated = ['SHA256SUMS', 'report.html'].includes(name) || name.endsWith('.tmp');
    if (isOutdated || (isLockName(name) && path !== join(LOCK_FILE))) await remove(path);
  }
  const shardFiles: string[] = [];
  for (const name of await readdir(out)) {
    if (isStagingName(name)) await remove(name);
    const [, shard = '', temporary] = /^(\d+)(?:_stats\.json|\.parquet|\.tar)(\.tmp)?$/.exec(name) ?? [];
    if (plan.has(shard) && (temporary !== undefined || !kept.has(shard))) shardFiles.push(name);
  }
  // A summary goes first: what remains never looks like a whole shard.
  const rank = (name: string): number => (name.endsWith('_stats.json') ? 0 : 1);
  for (const name of shardFiles.sort((a, b) => rank(a) - rank(b))) await remove(name);

  const keptPaths = new Set([...kept.values()].flatMap((files) => files.map((file) => file.path)));
  for (const name of await readdir(join(out, REDACTIONS)).catch(() => [])) {
    const [, shard = '', unfinished] = /^(\d+)\.jsonl((?:\.pending)?(?:\.tmp)?)$/.exec(name) ?? [];
    if (!plan.has(shard) || (unfinished === '' && kept.has(shard))) continue;
    await removeNamedFiles(out, join(out, REDACTIONS, name), keptPaths);
    await remove(join(REDACTIONS, name));
  }
}

/** Removes the images that a log names, as `--format folder` has them, and the folders that are empty then. */
async function removeNamedFiles(out: string, log: string, kept: ReadonlySet<string>): Promise<void> {
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    const { file, kept: beside = {} } = recordOf(line) ?? {};
    if (file === undefined || kept.has(file)) continue;
    for (const path of [file, ...['cls', ...Object.keys(beside)].map((extension) => sidecarOf(file, extension))])
      await rm(join(out, path), { force: true });
    for (let folder = dirname(join(out, file)); folder !== out && isWithin(folder, out); folder = dirname(folder)) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isRemoved) break;
    }
  }
}

/** A record with a plain path; undefined for a line that is damaged or names no file. */
function recordOf(line: string): VerifiedRecord | undefined {
  try {
    const record = parseRecord(line);
    if (record.status !== 'verified' || record.file === undefined) return undefined;
    plainSegments(record.file);
    return record;
  } catch {
    return undefined;
  }
}

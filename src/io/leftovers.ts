import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { isWithin } from '../paths.ts';
import type { WrittenFile } from './atomic.ts';
import { isLockName, LOCK_NAME } from './lock.ts';
import { LOG_FOLDER } from './run-log.ts';
import { parseRecord } from './shard-log.ts';
import type { ShardPlan } from './shard-plan.ts';
import { plainSegments, shardOfStaging, sidecarOf } from './target-names.ts';

const REDACTIONS = join(LOG_FOLDER, 'redactions');

/**
 * Removes everything of an earlier run that is not of a whole shard; files that no run of ours has
 * written are left alone. Can be repeated when it was cut short.
 *
 * @param plan only shards that it writes are looked at.
 * @param kept the files of the whole shards, by name.
 * @param stateFolder where the run keeps its state, below `out`.
 * @param closing files that tell of the whole output.
 */
export async function removeLeftovers(
  out: string,
  plan: ShardPlan,
  kept: ReadonlyMap<string, readonly WrittenFile[]>,
  stateFolder: string = LOG_FOLDER,
  closing: readonly string[] = [],
): Promise<void> {
  const remove = (path: string): Promise<void> => rm(join(out, path), { recursive: true, force: true });
  for (const name of await readdir(join(out, stateFolder))) {
    const path = join(stateFolder, name);
    // Both tell of the whole output.
    const isOutdated = ['SHA256SUMS', 'report.html'].includes(name) || name.endsWith('.tmp');
    if (isOutdated || (isLockName(name) && name !== LOCK_NAME)) await remove(path);
  }
  for (const path of closing) for (const name of [path, `${path}.tmp`]) await remove(name);
  const shardFiles: string[] = [];
  for (const name of await readdir(out)) {
    const staged = shardOfStaging(name);
    if (staged !== undefined && plan.has(staged)) await remove(name);
    const [, shard = '', temporary] = /^(\d+)(?:_stats\.json|\.parquet|\.idx|\.tar)(\.tmp)?$/.exec(name) ?? [];
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
    const [file = '', ...beside] = namedFilesIn(line);
    if (file !== '' && !kept.has(file)) await removeFiles(out, [file, ...beside]);
  }
}

/** What of a folder of outputs belongs to a record: the image, if it has one, and what lies beside it, if that is there. */
export function namedFiles(record: RedactionRecord): string[] {
  if (record.status !== 'verified' || record.file === undefined) return [];
  plainSegments(record.file);
  const { file, kept = {} } = record;
  return [file, ...['cls', ...Object.keys(kept)].map((extension) => sidecarOf(file, extension))];
}

/** Removes files of a folder of outputs, and the folders that are empty then. */
export async function removeFiles(out: string, files: readonly string[]): Promise<void> {
  for (const file of files) await rm(join(out, file), { force: true });
  for (const file of files) {
    for (let folder = dirname(join(out, file)); folder !== out && isWithin(folder, out); folder = dirname(folder)) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!isRemoved) break;
    }
  }
}

/** None for a line that is damaged or names no plain path. */
function namedFilesIn(line: string): string[] {
  try {
    return namedFiles(parseRecord(line));
  } catch {
    return [];
  }
}

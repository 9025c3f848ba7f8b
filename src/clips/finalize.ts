import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OutputError, UsageError } from '../errors.ts';
import { sha256OfFile, type WrittenFile } from '../io/atomic.ts';
import { mergeLedgers } from '../io/merge-ledgers.ts';
import { settingsOfPart } from '../io/part-siblings.ts';
import { LEDGER, privatePath } from '../io/private-files.ts';
import { writePrivateRun } from '../io/private-run.ts';
import { logFile, RunLog } from '../io/run-log.ts';
import { keyOf } from '../io/shard-plan.ts';
import type { FinalizeProgress, FinalizeSummary } from '../outputs/finalize.ts';
import { type PartRun, type PartsOfRun, reviewOf, samePrivateRun } from '../outputs/finished-parts.ts';
import { publicReview } from '../run/record-counts.ts';
import { publicClipResult, readClipRecord } from './log.ts';
import type { ClipRecord } from './record.ts';
import { clipsOfPart } from './run.ts';

/**
 * Writes what tells of all clips of a run that was done in parts: its output and private folder are those of one process
 * then. Every clip is read again, by its checksum.
 *
 * @throws UsageError saying what is missing or differs, with nothing changed; OutputError.
 */
export async function putClipsTogether(
  run: PartsOfRun,
  assertHeld: () => Promise<void>,
  onProgress: (progress: FinalizeProgress) => void,
): Promise<FinalizeSummary> {
  const { out, privateDir, parts, seal } = run;
  const { total: _, ...settings } = settingsOfPart((parts[0] as PartRun).run);
  const { listing: __, sourceIdKey: ___, ...privateRun } = await samePrivateRun(run);
  const { total } = privateRun;
  const all = Array.from({ length: total }, (_, index) => index);
  const records: ClipRecord[] = [];
  const files: WrittenFile[] = [];
  for (const part of parts) {
    for (const index of clipsOfPart(all, { part })) {
      const { record, written } = await readWhole(out, part, keyOf(index));
      records.push(record);
      files.push(...written);
      onProgress({ done: records.length, total });
    }
  }
  if (new Set(files.map(({ path }) => path)).size < files.length) {
    throw new OutputError(`Expected a name for every clip in ${out} but two of different parts have the same one`);
  }
  await assertHeld();
  const folders = parts.map((part) => part.privateDir);
  const isThere = (name: string): boolean =>
    folders.some((folder) => existsSync(privatePath(folder, name, seal !== undefined)));
  await mergeLedgers(privateDir, folders, seal, Object.values(LEDGER).filter(isThere));
  await writePrivateRun(privateDir, privateRun, seal);
  const log = RunLog.over(out, settings);
  log.commit(files);
  const result = publicClipResult(records);
  await log.finish({ ...result, ...publicReview(reviewOf(parts)) });
  const { published, rejected, reasons } = result;
  const counts = { parts: parts.length, shards: 0, total, published, rejected, reasons };
  return { kind: 'clips', status: 'finalized', ...counts, out, privateDir };
}

/** A clip as its part has left it. @throws UsageError when it is not whole. */
async function readWhole(
  out: string,
  { index }: PartRun,
  key: string,
): Promise<{ readonly record: ClipRecord; readonly written: readonly WrittenFile[] }> {
  const record = await readClipRecord(out, key);
  const log = logFile(key);
  const written = record === undefined ? [] : [{ path: log, sha256: await sha256OfFile(join(out, log)) }];
  if (record?.status !== 'verified') {
    if (record !== undefined) return { record, written };
  } else {
    const { file, out_sha256: sha256 } = record;
    const found = await sha256OfFile(join(out, file)).catch(() => undefined);
    if (found === sha256) return { record, written: [{ path: file, sha256 }, ...written] };
  }
  throw new UsageError(
    `Expected every clip of part ${index} in ${out} to be whole but ${key} is not; the command of that part does it again`,
  );
}

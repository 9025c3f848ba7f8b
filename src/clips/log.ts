import { join } from 'node:path';
import * as v from 'valibot';
import { CLASSES, type ClassName } from '../core/types.ts';
import { type WrittenFile, writeTextAtomic } from '../io/atomic.ts';
import { wholeLines } from '../io/lines.ts';
import { jsonLines } from '../io/records.ts';
import { logFile } from '../io/run-log.ts';
import { type ClipRecord, clipRecordSchema, type FrameRecord, type VerifiedClip } from './record.ts';

/** Writes the log of a clip: its record, and a line a frame. @throws OutputError */
export async function writeClipLog(
  out: string,
  record: ClipRecord,
  frames: AsyncIterable<FrameRecord> | Iterable<FrameRecord> = [],
): Promise<WrittenFile> {
  async function* lines(): AsyncGenerator<string> {
    yield jsonLines([record]);
    for await (const frame of frames) yield jsonLines([frame]);
  }
  const path = logFile(record.key);
  return { path, sha256: await writeTextAtomic(join(out, path), lines()) };
}

/** The record of a clip; undefined when its log is missing, damaged or of another clip. */
export async function readClipRecord(out: string, key: string): Promise<ClipRecord | undefined> {
  try {
    for await (const line of wholeLines(join(out, logFile(key)))) {
      const record = v.parse(clipRecordSchema, JSON.parse(line)) as ClipRecord;
      return record.key === key ? record : undefined;
    }
  } catch {
    // As if there were none.
  }
  return undefined;
}

/** What run.json tells of the result of a run over clips. */
export function publicClipResult(records: readonly ClipRecord[]): {
  readonly total: number;
  readonly published: number;
  readonly rejected: number;
  readonly frames: number;
  readonly tracks: Readonly<Record<ClassName, number>>;
  /** Clips that were not published, by `stage/reason`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Absent for none. */
  readonly withdrawn?: number;
} {
  const verified = records.filter((record): record is VerifiedClip => record.status === 'verified');
  const withdrawn = records.filter(({ status }) => status === 'withdrawn').length;
  const reasons = new Map<string, number>();
  for (const record of records) {
    if (record.status === 'verified' || record.status === 'withdrawn') continue;
    const reason = `${record.stage}/${record.reason}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const tracksOf = (cls: ClassName): number => verified.reduce((sum, { counts }) => sum + counts[cls], 0);
  return {
    total: records.length,
    published: verified.length,
    rejected: records.length - verified.length - withdrawn,
    frames: verified.reduce((sum, { frames }) => sum + frames, 0),
    tracks: Object.fromEntries(CLASSES.map((cls) => [cls, tracksOf(cls)])) as Record<ClassName, number>,
    reasons: Object.fromEntries([...reasons].sort()),
    ...(withdrawn > 0 ? { withdrawn } : {}),
  };
}

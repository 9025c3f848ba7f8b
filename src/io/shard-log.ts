import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { rejectedRecord, verifiedRecord, withdrawnRecord } from './records.ts';
import { logFile } from './run-log.ts';

/** The record of a line that this program has written. @throws Error when the line is anything else. */
export function parseRecord(line: string): RedactionRecord {
  const parsed = JSON.parse(line) as RedactionRecord;
  const record = copyOf(parsed);
  // Written again it is the same text, so there is no field more, less or elsewhere.
  if (JSON.stringify(record) !== line) throw new Error('a record of its log has another form');
  return record;
}

function copyOf(record: RedactionRecord): RedactionRecord {
  if (record.status === 'verified') return verifiedRecord(record.key, record.file, record);
  return record.status === 'withdrawn' ? withdrawnRecord(record.key) : rejectedRecord(record.key, record);
}

/** The records in a file of the redaction log. @throws Error when it is not as this program writes it. */
export async function readRecords(path: string): Promise<RedactionRecord[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  if (lines.pop() !== '') throw new Error('its log is cut short');
  return lines.map(parseRecord);
}

/** The redaction log of a shard. @throws Error as `readRecords`. */
export function readShardLog(out: string, shard: string): Promise<RedactionRecord[]> {
  return readRecords(join(out, logFile(shard)));
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifiedRecord } from '../core/outcome.ts';
import { sha256, type WrittenFile } from './atomic.ts';
import { daliIndex } from './dali-index.ts';
import { looksLikeImage } from './extensions.ts';
import { sampleRecord } from './records.ts';
import type { ShardExtras, ShardRow } from './shard.ts';
import { type ShardSummary, shardParquet, summarizeShard } from './shard-tables.ts';
import { tarEntries } from './tar-archive.ts';
import { memberName } from './tar-members.ts';
import { type MemberPlace, memberLength } from './tar-writer.ts';

type PublishedRow = ShardRow & { readonly record: VerifiedRecord };

/**
 * Reads every file of a shard again and holds it against the shard's redaction log.
 *
 * @returns the files that have checksums.
 * @throws Error saying what differs.
 */
export async function checkWebdatasetShard(
  out: string,
  name: string,
  rows: readonly ShardRow[],
  hasCls: boolean,
  extras: ShardExtras = {},
): Promise<WrittenFile[]> {
  const stats = JSON.parse(await readFile(join(out, `${name}_stats.json`), 'utf8')) as ShardSummary;
  const { start_time, end_time } = stats;
  if (JSON.stringify(stats) !== JSON.stringify(summarizeShard(rows, start_time, end_time))) {
    throw new Error('its summary does not agree with its log');
  }
  // The table depends on the rows alone.
  const parquet = shardParquet(rows, hasCls, extras);
  if (!Buffer.from(parquet).equals(await readFile(join(out, `${name}.parquet`)))) {
    throw new Error('its table does not agree with its log');
  }
  const members: MemberPlace[] = [];
  const tar = { path: `${name}.tar`, sha256: await checkTar(join(out, `${name}.tar`), rows, members) };
  const table = { path: `${name}.parquet`, sha256: sha256(parquet) };
  if (!extras.daliIndex) return [tar, table];
  const index = daliIndex(members);
  if ((await readFile(join(out, `${name}.idx`), 'utf8')) !== index) throw new Error('its index does not agree with it');
  return [tar, { path: `${name}.idx`, sha256: sha256(index) }, table];
}

/** @param members gets the places of all members. @returns SHA-256 of the archive, hex. */
async function checkTar(path: string, rows: readonly ShardRow[], members: MemberPlace[]): Promise<string> {
  const archive = createHash('sha256');
  const pending = rows.filter((row): row is PublishedRow => row.record.status === 'verified').reverse();
  let missing = new Set<string>();
  let row: PublishedRow | undefined;
  let offset = 0;
  for await (const { header, body } of tarEntries(path, (chunk) => archive.update(chunk))) {
    const digest = createHash('sha256');
    for await (const chunk of body) digest.update(chunk);
    members.push({ name: header.name, offset: offset + memberLength(0), size: header.size });
    offset += memberLength(header.size);
    const { key, extension } = memberName(header.name);
    if (missing.size === 0) {
      row = pending.pop();
      missing = new Set(['image', 'json', ...(row?.cls === undefined ? [] : ['cls']), ...keptOf(row)]);
    }
    const member = !keptOf(row).includes(extension) && looksLikeImage(header.name) ? 'image' : extension;
    if (row === undefined || row.record.key !== key || !missing.delete(member))
      throw new Error(`${header.name} has no place in it`);
    if (digest.digest('hex') !== digestOf(member, row)) throw new Error(`${header.name} differs from its record`);
  }
  if (missing.size + pending.length > 0) throw new Error('samples of its log are missing');
  return archive.digest('hex');
}

function digestOf(member: string, { record, cls = '' }: PublishedRow): string | undefined {
  if (member === 'image') return record.out_sha256;
  if (record.kept !== undefined && Object.hasOwn(record.kept, member)) return record.kept[member];
  return sha256(member === 'json' ? sampleRecord(record) : cls);
}

function keptOf(row: PublishedRow | undefined): string[] {
  return Object.keys(row?.record.kept ?? {});
}

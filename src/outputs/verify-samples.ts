import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { scanContainer } from '../image/container.ts';
import { sha256 } from '../io/atomic.ts';
import { HF_METADATA } from '../io/hf-metadata.ts';
import { sampleRecord } from '../io/records.ts';
import { LOG_FOLDER } from '../io/run-log.ts';
import { readShardLog } from '../io/shard-log.ts';
import { type ShardSummary, summarizeShard } from '../io/shard-tables.ts';
import { readBody, tarEntries } from '../io/tar-archive.ts';
import { sidecarOf } from '../io/target-names.ts';

const MEMBER = /^(\d{9,}(?:_\d{9,})?)\.([a-z0-9_.]+)$/;
const IMAGES: ReadonlySet<string> = new Set(['jpg', 'png', 'webp', 'avif', 'tiff', 'gif']);

/**
 * Checks every image that the records of a folder speak of, and that there is no other file.
 * @returns number of images found.
 */
export async function checkFolder(
  out: string,
  files: readonly string[],
  records: ReadonlyMap<string, RedactionRecord>,
  problems: string[],
): Promise<number> {
  const present = new Set(files);
  const recorded = new Set<string>();
  let images = 0;
  for (const record of records.values()) {
    if (record.status !== 'verified' || record.file === undefined) continue;
    recorded.add(record.file).add(sidecarOf(record.file, 'cls'));
    for (const [extension, digest] of Object.entries(record.kept ?? {})) {
      const beside = sidecarOf(record.file, extension);
      recorded.add(beside);
      const bytes = present.has(beside) ? await readFile(path.join(out, beside)) : undefined;
      if (bytes === undefined || sha256(bytes) !== digest) {
        problems.push(`Expected ${JSON.stringify(beside)} as recorded but it is missing or its SHA-256 differs`);
      }
    }
    if (!present.has(record.file)) continue;
    images++;
    checkImage(record.key, await readFile(path.join(out, record.file)), record, problems);
  }
  for (const file of files) {
    if (!file.startsWith(`${LOG_FOLDER}/`) && !recorded.has(file) && file !== HF_METADATA) {
      problems.push(`Expected a redaction record for ${JSON.stringify(file)} but found none`);
    }
  }
  return images;
}

/**
 * Checks every member of every shard.
 * @returns number of images found.
 */
export async function checkShards(
  out: string,
  files: readonly string[],
  records: ReadonlyMap<string, RedactionRecord>,
  problems: string[],
): Promise<number> {
  const seen: SeenShards = { images: 0, members: undefined };
  for (const file of files.filter((f) => /^\d+\.tar$/.test(f))) {
    try {
      await checkShard(out, file, records, seen, problems);
    } catch (error) {
      problems.push(`${file}: Expected a whole tar archive but received: ${(error as Error).message}`);
    }
  }
  return seen.images;
}

/** What the shards looked at so far hold. */
interface SeenShards {
  images: number;
  /** Extensions of the members of every sample, from the first one. */
  members: string | undefined;
}

/** Checks what the summary of every shard counts, and that its times can be; they alone are in no checksum. */
export async function checkSummaries(out: string, files: readonly string[], problems: string[]): Promise<void> {
  for (const file of files.filter((f) => /^\d+\.tar$/.test(f))) {
    const shard = file.slice(0, -'.tar'.length);
    const summary = `${shard}_stats.json`;
    try {
      const stats = JSON.parse(await readFile(path.join(out, summary), 'utf8')) as ShardSummary;
      const rows = (await readShardLog(out, shard)).map((record) => ({ record }));
      const { start_time, end_time } = stats;
      const isPossible = Number.isFinite(start_time) && end_time >= start_time;
      if (!isPossible || JSON.stringify(stats) !== JSON.stringify(summarizeShard(rows, start_time, end_time))) {
        problems.push(`Expected ${summary} to agree with the redaction log`);
      }
    } catch (error) {
      problems.push(`Expected a readable ${summary} but received: ${(error as Error).message}`);
    }
  }
}

/** @throws Error when the archive is damaged. */
async function checkShard(
  out: string,
  file: string,
  records: ReadonlyMap<string, RedactionRecord>,
  seen: SeenShards,
  problems: string[],
): Promise<void> {
  const samples = new Map<string, string[]>();
  let last = '';
  for await (const entry of tarEntries(path.join(out, file))) {
    const { name, mode, uid, gid, mtime } = entry.header;
    const bytes = await readBody(entry);
    const [, key = '', extension = ''] = MEMBER.exec(name) ?? [];
    if (mode !== 0o444 || uid || gid || (mtime?.getTime() ?? 0) !== 0) {
      problems.push(`${file}: Expected a neutral tar header but ${JSON.stringify(name)} tells more`);
    }
    if (key === '') {
      problems.push(`${file}: Expected members of samples but found ${JSON.stringify(name)}`);
      continue;
    }
    if (key !== last && samples.has(key)) problems.push(`${file}: Expected the members of ${key} side by side`);
    last = key;
    samples.set(key, [...(samples.get(key) ?? []), extension]);
    const kept = keptOf(records.get(key));
    if (Object.hasOwn(kept, extension)) {
      if (sha256(bytes) !== kept[extension]) {
        problems.push(`${file}: Expected ${name} as recorded but its SHA-256 differs`);
      }
    } else if (extension === 'json') checkRecordMember(file, key, bytes, records.get(key), problems);
    else if (extension !== 'cls' && !IMAGES.has(extension)) {
      problems.push(`${file}: Expected members of samples but found ${JSON.stringify(name)}`);
    } else if (extension !== 'cls') {
      seen.images++;
      checkImage(key, bytes, records.get(key), problems);
    }
  }
  for (const [key, extensions] of samples) {
    const absent = Object.keys(keptOf(records.get(key))).filter((extension) => !extensions.includes(extension));
    if (absent.length > 0) problems.push(`${file}: Expected ${absent.join(', ')} in ${key} as recorded but found none`);
    const members = extensions.sort().join(' ');
    seen.members ??= members;
    if (members !== seen.members) {
      problems.push(`${file}: Expected members ${seen.members} in ${key} but found ${members}`);
    }
  }
}

/** What was published with the image of a record as it was given. */
function keptOf(record: RedactionRecord | undefined): Readonly<Record<string, string>> {
  return record?.status === 'verified' ? (record.kept ?? {}) : {};
}

function checkRecordMember(
  file: string,
  key: string,
  bytes: Uint8Array,
  record: RedactionRecord | undefined,
  problems: string[],
): void {
  const text = Buffer.from(bytes).toString('utf8');
  if (record?.status !== 'verified' || text !== sampleRecord(record))
    problems.push(`${file}: Expected ${key}.json to equal its line in the redaction log`);
}

function checkImage(key: string, bytes: Uint8Array, record: RedactionRecord | undefined, problems: string[]): void {
  if (record?.status !== 'verified') {
    problems.push(`Expected a redaction record for image ${key} but found none`);
    return;
  }
  if (sha256(bytes) !== record.out_sha256) problems.push(`Expected image ${key} as recorded but its SHA-256 differs`);
  try {
    const scan = scanContainer(bytes);
    if (scan.disallowed.length > 0) problems.push(`Image ${key} carries ${scan.disallowed.join(', ')}`);
    if (scan.trailingBytes > 0) problems.push(`Image ${key} has ${scan.trailingBytes} bytes after its end`);
    if (scan.frames !== 1) problems.push(`Expected one frame in image ${key} but found ${scan.frames}`);
  } catch (error) {
    problems.push(`Expected image ${key} to be readable but received: ${(error as Error).message}`);
  }
}

/** The value, or undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

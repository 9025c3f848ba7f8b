import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import type { RedactionRecord } from './core/outcome.ts';
import { UsageError } from './errors.ts';
import { scanContainer } from './image/container.ts';
import { splitExtension } from './io/extensions.ts';
import { LOG_FOLDER, RUN_FILE, TOOL } from './io/run-log.ts';
import { readBody, tarEntries } from './io/tar-archive.ts';
import { recordSchema } from './record-schema.ts';

/** Written beside or after the checksums, so not listed in them. */
const UNLISTED = new Set([RUN_FILE, `${LOG_FOLDER}/SHA256SUMS`, `${LOG_FOLDER}/report.html`]);
const MEMBER = /^(\d{9,})\.(jpg|png|webp|avif|tiff|gif|json|cls)$/;

export interface OutputReport {
  readonly images: number;
  readonly rejected: number;
  readonly files: number;
  /** What is wrong, one sentence each; empty when the output is as this tool leaves it. */
  readonly problems: readonly string[];
}

/**
 * Checks a finished output from its bytes alone: checksums, no foreign file, closed record schema,
 * tar headers, the same members in every sample, and that each published image is the one its record
 * speaks of and carries nothing but what its format needs.
 *
 * @throws UsageError when the folder is not an output of this tool.
 */
export async function verifyOutput(out: string): Promise<OutputReport> {
  const run = await readRun(out);
  const problems: string[] = [];
  if (run.status !== 'finished') problems.push(`Expected a finished run but its status is ${run.status}`);
  const files = await listFiles(out);
  await checkSums(out, files, problems);
  const records = await readRecords(out, files, problems);
  const images =
    run.format === 'folder'
      ? await checkFolder(out, files, records, problems)
      : await checkShards(out, files, records, problems);
  const verified = [...records.values()].filter((r) => r.status === 'verified').length;
  if (images !== verified) problems.push(`Expected ${verified} images as in the redaction log but found ${images}`);
  return { images, rejected: records.size - verified, files: files.length, problems };
}

/** @throws UsageError when the folder has no run.json of this tool. */
export async function readRun(out: string): Promise<Record<string, unknown>> {
  const text = await readFile(path.join(out, RUN_FILE), 'utf8').catch(() => '{}');
  let run: unknown;
  try {
    run = JSON.parse(text);
  } catch {
    run = {};
  }
  if (typeof run === 'object' && run !== null && (run as Record<string, unknown>).tool === TOOL) {
    return run as Record<string, unknown>;
  }
  throw new UsageError(`Expected an output folder of this tool but ${path.join(out, RUN_FILE)} is missing or not ours`);
}

/** POSIX paths relative to `out`, sorted. */
async function listFiles(out: string): Promise<string[]> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true });
  return entries
    .filter((e) => !e.isDirectory())
    .map((e) => path.relative(out, path.join(e.parentPath, e.name)).split(path.sep).join('/'))
    .sort();
}

async function checkSums(out: string, files: readonly string[], problems: string[]): Promise<void> {
  const text = await readFile(path.join(out, LOG_FOLDER, 'SHA256SUMS'), 'utf8').catch(() => undefined);
  if (text === undefined) {
    problems.push('Expected _anonymize/SHA256SUMS but it is missing');
    return;
  }
  const present = new Set(files);
  const listed = new Set<string>();
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const [, escaped, sum, name = ''] = /^(\\?)([0-9a-f]{64}) [ *](.*)$/.exec(line) ?? [];
    const file = escaped ? name.replace(/\\(n|r|\\)/g, (_, c) => (c === 'n' ? '\n' : c === 'r' ? '\r' : '\\')) : name;
    listed.add(file);
    if (!present.has(file)) problems.push(`Expected ${JSON.stringify(file)} but it is missing`);
    else if ((await sha256OfFile(path.join(out, file))) !== sum) {
      problems.push(`Expected ${JSON.stringify(file)} unchanged but its SHA-256 differs`);
    }
  }
  for (const file of files) {
    if (!listed.has(file) && !UNLISTED.has(file)) {
      problems.push(`Expected only files of this tool but found ${JSON.stringify(file)}`);
    }
  }
}

async function readRecords(
  out: string,
  files: readonly string[],
  problems: string[],
): Promise<Map<string, RedactionRecord>> {
  const records = new Map<string, RedactionRecord>();
  for (const file of files.filter((f) => /^_anonymize\/redactions\/\d+\.jsonl$/.test(f))) {
    const lines = (await readFile(path.join(out, file), 'utf8')).split('\n').filter((l) => l !== '');
    for (const [i, line] of lines.entries()) {
      const result = v.safeParse(recordSchema, parseJson(line));
      if (!result.success) {
        problems.push(`${file}:${i + 1}: ${v.getDotPath(result.issues[0]) ?? 'record'}: ${result.issues[0].message}`);
        continue;
      }
      const record = result.output as RedactionRecord;
      if (records.has(record.key))
        problems.push(`${file}:${i + 1}: Expected key ${record.key} once but found it again`);
      records.set(record.key, record);
    }
  }
  return records;
}

async function checkFolder(
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
    recorded.add(record.file).add(`${splitExtension(record.file).stem}.cls`);
    if (!present.has(record.file)) continue;
    images++;
    checkImage(record.key, await readFile(path.join(out, record.file)), record, problems);
  }
  for (const file of files) {
    if (!file.startsWith(`${LOG_FOLDER}/`) && !recorded.has(file)) {
      problems.push(`Expected a redaction record for ${JSON.stringify(file)} but found none`);
    }
  }
  return images;
}

async function checkShards(
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
    if (extension === 'json') checkRecordMember(file, key, bytes, records.get(key), problems);
    else if (extension !== 'cls') {
      seen.images++;
      checkImage(key, bytes, records.get(key), problems);
    }
  }
  for (const [key, extensions] of samples) {
    const members = extensions.sort().join(' ');
    seen.members ??= members;
    if (members !== seen.members) {
      problems.push(`${file}: Expected members ${seen.members} in ${key} but found ${members}`);
    }
  }
}

function checkRecordMember(
  file: string,
  key: string,
  bytes: Uint8Array,
  record: RedactionRecord | undefined,
  problems: string[],
): void {
  const same = JSON.stringify(parseJson(Buffer.from(bytes).toString('utf8'))) === JSON.stringify(record);
  if (!same) problems.push(`${file}: Expected ${key}.json to equal its line in the redaction log`);
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** In chunks, since a shard may be larger than memory; undefined when the file cannot be read. */
async function sha256OfFile(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}

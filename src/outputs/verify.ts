import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { checkClips } from '../clips/verify.ts';
import type { RedactionRecord } from '../core/outcome.ts';
import { UsageError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import { describeWriter, LOCK_FILE } from '../io/lock.ts';
import { partsIn, readRunFile } from '../io/parts.ts';
import { LOG_FOLDER, RUN_FILE, readSums, SUMS_FILE, VERSIONS } from '../io/run-log.ts';
import { recordSchema } from './record-schema.ts';
import { isClipRun } from './run-file.ts';
import { checkDaliIndices, checkHfMetadata } from './verify-indices.ts';
import { checkFolder, checkShards, checkSummaries, parseJson } from './verify-samples.ts';
import { checkTombstones, checkVersions } from './verify-withdrawn.ts';

/** Written beside or after the checksums, so not listed in them. A lock is told of apart. */
const UNLISTED = new Set([RUN_FILE, SUMS_FILE, VERSIONS, `${LOG_FOLDER}/report.html`, LOCK_FILE]);

/** Has times, which are the only bytes of an output in which two equal runs may differ. */
const SUMMARY = /^(\d+)_stats\.json$/;

export interface OutputReport {
  readonly kind: 'images' | 'clips';
  /** Published images, or clips. */
  readonly images: number;
  readonly rejected: number;
  readonly withdrawn: number;
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
  const writer = await describeWriter(out);
  if (writer !== undefined) problems.push(`Expected no run at work but ${writer}`);
  const files = await listFiles(out);
  await checkSums(out, files, problems);
  if (isClipRun(run)) {
    const { published, rejected, withdrawn } = await checkClips(out, files, problems);
    return { kind: 'clips', images: published, rejected, withdrawn, files: files.length, problems };
  }
  const records = await readRecords(out, files, problems);
  const images =
    run.format === 'folder'
      ? await checkFolder(out, files, records, problems)
      : await checkShards(out, files, records, problems);
  if (run.hfMetadata === true) await checkHfMetadata(out, files, records, problems);
  if (run.daliIndex === true) await checkDaliIndices(out, files, problems);
  if (run.format !== 'folder') await checkSummaries(out, files, problems);
  const verified = [...records.values()].filter((r) => r.status === 'verified').length;
  if (images !== verified) problems.push(`Expected ${verified} images as in the redaction log but found ${images}`);
  const withdrawn = [...records.values()].filter((r) => r.status === 'withdrawn').length;
  await checkTombstones(out, records, problems);
  await checkVersions(out, problems);
  return {
    kind: 'images',
    images,
    rejected: records.size - verified - withdrawn,
    withdrawn,
    files: files.length,
    problems,
  };
}

/** @throws UsageError when the folder has no run.json of this tool. */
export async function readRun(out: string): Promise<Record<string, unknown>> {
  const run = await readRunFile(out);
  if (run !== undefined) return run;
  if ((await partsIn(out)).length > 0) {
    throw new UsageError(
      `Expected a finished output but ${out} holds parts of a run that is not finalized: anonymize finalize ${out}`,
    );
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
  const sums = await readSums(out).catch(() => undefined);
  if (sums === undefined) {
    problems.push('Expected _anonymize/SHA256SUMS but it is missing');
    return;
  }
  const present = new Set(files);
  const listed = new Set<string>();
  for (const { path: file, sha256: sum } of sums) {
    listed.add(file);
    if (!present.has(file)) problems.push(`Expected ${JSON.stringify(file)} but it is missing`);
    else if ((await sha256OfFile(path.join(out, file)).catch(() => '')) !== sum) {
      problems.push(`Expected ${JSON.stringify(file)} unchanged but its SHA-256 differs`);
    }
  }
  for (const file of files) {
    const shard = SUMMARY.exec(file)?.[1];
    const isSummary = shard !== undefined && present.has(`${shard}.tar`);
    if (!listed.has(file) && !UNLISTED.has(file) && !isSummary) {
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

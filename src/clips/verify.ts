import path from 'node:path';
import * as v from 'valibot';
import { SampleError } from '../errors.ts';
import { sha256OfFile } from '../io/atomic.ts';
import { wholeLines } from '../io/lines.ts';
import { plainSegments } from '../io/target-names.ts';
import { checkTombstones, checkVersions } from '../outputs/verify-withdrawn.ts';
import { probeClip } from '../video/probe.ts';
import { findFfmpeg } from '../video/tools.ts';
import { type FfmpegTools, PUBLISHED_CONTAINERS } from '../video/types.ts';
import { verifyClip } from '../video/verify.ts';
import { type ClipRecord, clipRecordSchema, frameRecordSchema, type VerifiedClip } from './record.ts';

export interface ClipsReport {
  readonly published: number;
  readonly rejected: number;
  readonly withdrawn: number;
}

/**
 * Checks the logs of a run over clips and the clips that they speak of: closed schema, one line a frame, checksum, and
 * that each opens, has as many frames and nothing but a picture and the sound that the log tells of.
 *
 * @param files POSIX paths below `out`. @param problems gets what is wrong, one sentence each.
 * @throws UsageError without ffmpeg.
 */
export async function checkClips(out: string, files: readonly string[], problems: string[]): Promise<ClipsReport> {
  const tools = await findFfmpeg();
  const published = new Set<string>();
  const records = new Map<string, ClipRecord>();
  for (const log of files.filter((file) => /^_anonymize\/redactions\/\d+\.jsonl$/.test(file))) {
    const record = await checkLog(out, log, problems);
    if (record !== undefined) records.set(record.key, record);
    if (record?.status === 'verified') {
      published.add(record.file);
      await checkClip(tools, out, record, problems);
    }
  }
  for (const file of files) {
    const isClip = PUBLISHED_CONTAINERS.some((container) => file.endsWith(`.${container}`));
    if (isClip && !published.has(file)) problems.push(`Expected a record of ${JSON.stringify(file)} but found none`);
  }
  await checkTombstones(out, records, problems);
  await checkVersions(out, problems);
  const withdrawn = [...records.values()].filter(({ status }) => status === 'withdrawn').length;
  return { published: published.size, rejected: records.size - published.size - withdrawn, withdrawn };
}

async function checkLog(out: string, log: string, problems: string[]): Promise<ClipRecord | undefined> {
  let record: v.InferOutput<typeof clipRecordSchema> | undefined;
  let line = 0;
  for await (const text of wholeLines(path.join(out, log))) {
    line++;
    const result = v.safeParse(line === 1 ? clipRecordSchema : frameRecordSchema, parse(text));
    if (!result.success) {
      problems.push(`${log}:${line}: ${v.getDotPath(result.issues[0]) ?? 'record'}: ${result.issues[0].message}`);
      if (line === 1) return undefined;
    } else if ('status' in result.output) {
      record = result.output;
    } else if (result.output.frame !== line - 2) {
      problems.push(`${log}:${line}: Expected frame ${line - 2} but received ${result.output.frame}`);
    }
  }
  if (record === undefined) {
    problems.push(`${log}: Expected a record but the log is empty`);
    return undefined;
  }
  if (!log.endsWith(`/${record.key}.jsonl`))
    problems.push(`${log}: Expected the record of its clip but found ${record.key}`);
  const frames = record.status === 'verified' ? record.frames : 0;
  if (line !== frames + 1) problems.push(`${log}: Expected ${frames} frames but found ${line - 1}`);
  return record as ClipRecord;
}

async function checkClip(tools: FfmpegTools, out: string, record: VerifiedClip, problems: string[]): Promise<void> {
  const { file, frames, width, height, audio, out_sha256 } = record;
  const name = JSON.stringify(file);
  try {
    plainSegments(file);
    const place = path.join(out, file);
    if ((await sha256OfFile(place)) !== out_sha256) problems.push(`Expected ${name} as in its record but it differs`);
    const limits = { limitPixels: (width + 1) * (height + 1), limitFrames: frames, timeoutSeconds: 3600 };
    const clip = await probeClip(tools, place, limits);
    const { container } = clip;
    if (clip.pts.length !== frames) problems.push(`Expected ${frames} frames in ${name} but found ${clip.pts.length}`);
    const published = PUBLISHED_CONTAINERS.find((known) => known === container);
    if (published === undefined) problems.push(`Expected a published container of ${name} but found ${container}`);
    else await verifyClip(tools, place, clip, { audio, container: published });
  } catch (error) {
    const why = error instanceof SampleError ? error.reason : ((error as NodeJS.ErrnoException).code ?? 'unreadable');
    problems.push(`Expected ${name} to open as a clean clip but: ${why}`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

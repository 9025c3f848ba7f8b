import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { writeClipReport } from '../clips/report/write.ts';
import type { RecordRegion, VerifiedRecord } from '../core/outcome.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { thumbnail } from '../image/thumbnail.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { LOG_FOLDER } from '../io/run-log.ts';
import { readBody, tarEntries } from '../io/tar-archive.ts';
import { memberName } from '../io/tar-members.ts';
import { recordSchema } from './record-schema.ts';
import { type ReportData, renderReport } from './report-page.ts';
import { isClipRun } from './run-file.ts';
import { readRun } from './verify.ts';

const THUMBNAIL_SIDE = 320;
/** Images that are shown unless somebody says otherwise. */
const SAMPLES = 48;
/** Upper bounds in pixels of the classes of region heights. */
const HEIGHT_BOUNDS = [32, 64, 128, 256, Infinity];

export interface ReportOptions {
  /** Images to show, or frames of each clip. */
  readonly samples?: number | undefined;
  /** Of clips: their private folder, which gets a page that tells what it knows, too. */
  readonly privateDir?: string | undefined;
}

/**
 * Writes `_anonymize/report.html` into a finished output: what was found and redacted, what was not
 * published and why, and a sample of the published images, spread evenly over the set. Everything
 * on the page comes from public files.
 *
 * @returns the path of the page, which is one of clips for an output of clips.
 * @throws UsageError when the folder is not an output of this tool; OutputError when it cannot be written.
 */
export async function writeReport(out: string, { samples, privateDir }: ReportOptions = {}): Promise<string> {
  const run = await readRun(out);
  if (isClipRun(run)) return writeClipReport(out, run, { pictures: samples, privateDir });
  if (privateDir !== undefined) {
    throw new UsageError('Expected no --private-dir with images, whose page has what is public, but received one');
  }
  const logs = path.join(out, LOG_FOLDER, 'redactions');
  const records: VerifiedRecord[] = [];
  const reasons = new Map<string, number>();
  let withdrawn = 0;
  for (const name of (await readdir(logs)).filter((file) => file.endsWith('.jsonl')).sort()) {
    for (const line of (await readFile(path.join(logs, name), 'utf8')).split('\n').filter((l) => l !== '')) {
      const record = parseRecord(name, line);
      if (record.status === 'verified') records.push(record as VerifiedRecord);
      else if (record.status === 'withdrawn') withdrawn++;
      else
        reasons.set(`${record.stage}: ${record.reason}`, (reasons.get(`${record.stage}: ${record.reason}`) ?? 0) + 1);
    }
  }
  const shown = new Map(spread(records, samples ?? SAMPLES).map((r) => [r.key, r]));
  const data: ReportData = {
    run,
    published: records.length,
    withdrawn,
    reasons: [...reasons].sort((a, b) => b[1] - a[1]),
    classes: CLASSES.map((cls) => summarizeClass(cls, records)),
    heightBounds: HEIGHT_BOUNDS,
    images: await collectImages(out, run.format === 'folder', shown),
  };
  const page = path.join(out, LOG_FOLDER, 'report.html');
  await writeFileAtomic(page, renderReport(data));
  return page;
}

/** @throws UsageError: a log that was edited must not be summed up. */
function parseRecord(file: string, line: string): v.InferOutput<typeof recordSchema> {
  try {
    return v.parse(recordSchema, JSON.parse(line));
  } catch (error) {
    throw new UsageError(
      `Expected redaction records in ${file} but received one of another form; run anonymize verify`,
      { cause: error },
    );
  }
}

/** `n` items at even distances. */
function spread<T>(items: readonly T[], n: number): T[] {
  if (items.length <= n) return [...items];
  return Array.from({ length: n }, (_, i) => items[Math.floor((i * items.length) / n)] as T);
}

function summarizeClass(cls: ClassName, records: readonly VerifiedRecord[]): ReportData['classes'][number] {
  const heights = HEIGHT_BOUNDS.map(() => 0);
  let images = 0;
  let regions = 0;
  for (const record of records) {
    if (record.counts[cls] > 0) images++;
    regions += record.counts[cls];
    for (const region of record.regions) if (region.class === cls) addHeight(heights, region);
  }
  return { cls, regions, images, heights };
}

function addHeight(heights: number[], region: RecordRegion): void {
  const height = region.box?.[3];
  if (height === undefined) return;
  const at = HEIGHT_BOUNDS.findIndex((bound) => height <= bound);
  heights[at] = (heights[at] ?? 0) + 1;
}

async function collectImages(
  out: string,
  isFolder: boolean,
  shown: ReadonlyMap<string, VerifiedRecord>,
): Promise<ReportData['images']> {
  const images: { record: VerifiedRecord; jpeg: Uint8Array }[] = [];
  if (isFolder) {
    for (const record of shown.values()) {
      if (record.file === undefined) continue;
      images.push({ record, jpeg: await thumbnail(await readFile(path.join(out, record.file)), THUMBNAIL_SIDE) });
    }
    return images;
  }
  for (const name of (await readdir(out)).filter((n) => /^\d+\.tar$/.test(n)).sort()) {
    for await (const entry of tarEntries(path.join(out, name))) {
      const { key, extension } = memberName(entry.header.name);
      const record = shown.get(key);
      const isImage = record && ![...Object.keys(record.kept ?? {}), 'json', 'cls'].includes(extension);
      const bytes = await readBody(entry);
      if (isImage) images.push({ record, jpeg: await thumbnail(bytes, THUMBNAIL_SIDE) });
    }
  }
  return images;
}

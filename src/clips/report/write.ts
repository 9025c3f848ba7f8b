import { readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { UsageError } from '../../errors.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { privateReport, publicReport } from '../../io/report-pages.ts';
import { LOG_FOLDER } from '../../io/run-log.ts';
import { findFfmpeg } from '../../video/tools.ts';
import type { FfmpegTools } from '../../video/types.ts';
import { readClipRecord } from '../log.ts';
import type { VerifiedClip } from '../record.ts';
import { chooseMoments } from './moments.ts';
import { type ClipReportData, type ClipRow, type ContactSheet, renderClipReport } from './page.ts';
import { openPublished, takePictures } from './pictures.ts';
import { openPrivateSide, type PrivateSide } from './private.ts';
import { regionsIn, traceClip } from './trace.ts';

/** Pixels of the longer side of a picture: about 30 KB. */
const PICTURE_SIDE = 480;
/** Frames that are shown of a clip unless somebody says otherwise. */
const PICTURES = 24;
/** Clips whose frames are shown. */
const SHEETS = 40;

/**
 * Writes `_anonymize/report.html` into an output of clips, from public files alone: what was redacted, what was not
 * published and why, and of each clip the moments that most need a look. With a private folder, the page also tells
 * names, reasons in words and the lowest scores, and lies in that folder.
 *
 * Each clip that is shown is decoded twice. The page grows with the clips, not with their lengths; memory by some 200 bytes
 * a frame of one clip, and with a private folder by its detections, as where tracks are built.
 *
 * @param run what run.json tells. @param pictures of a clip, at most.
 * @returns the path of the page.
 * @throws UsageError without ffmpeg, for an output that is not as logged or a private folder of another run; OutputError.
 */
export async function writeClipReport(
  out: string,
  run: Readonly<Record<string, unknown>>,
  {
    pictures = PICTURES,
    privateDir,
  }: { readonly pictures?: number | undefined; readonly privateDir?: string | undefined },
): Promise<string> {
  const side = privateDir === undefined ? undefined : await openPrivateSide(privateDir, run);
  const page = privateDir === undefined ? publicReport(out) : privateReport(privateDir);
  const clips: ClipRow[] = [];
  const rejected: ClipReportData['rejected'][number][] = [];
  let withdrawn = 0;
  for (const key of await loggedKeys(out)) {
    const record = await readClipRecord(out, key);
    const source = side?.sources.get(Number(key));
    const named = source === undefined ? {} : { source };
    if (record === undefined) {
      throw new UsageError(`Expected the log of clip ${key} as it was written but it is damaged; run anonymize verify`);
    }
    if (record.status === 'withdrawn') withdrawn++;
    else if (record.status === 'verified') {
      const { framesWith, regions, inferred } = await traceClip(out, record);
      clips.push({ record, ...named, framesWith, regions, inferred });
    } else {
      const message = side?.messages.get(record.key);
      const why = `${record.stage}: ${record.reason}${message === undefined ? '' : ` (${message})`}`;
      rejected.push({ key: record.key, why, ...named });
    }
  }
  const sheets: ContactSheet[] = [];
  const shown = pictures === 0 ? [] : shownOf(clips);
  const tools = shown.length === 0 ? undefined : await findFfmpeg();
  for (const record of shown) sheets.push(await sheetOf(tools as FfmpegTools, out, record, { side, pictures, page }));
  const html = renderClipReport({ run, isPrivate: side !== undefined, clips, rejected, withdrawn, sheets });
  await writeFileAtomic(page, html, side === undefined ? undefined : 0o600);
  return page;
}

async function loggedKeys(out: string): Promise<string[]> {
  const names = await readdir(join(out, LOG_FOLDER, 'redactions'));
  return names.flatMap((name) => /^(\d{9,})\.jsonl$/.exec(name)?.[1] ?? []).sort();
}

/** Those of which most is covered without being seen, in the order of their keys. */
function shownOf(clips: readonly ClipRow[]): VerifiedClip[] {
  const share = ({ inferred, regions }: ClipRow): number => inferred / Math.max(1, regions);
  const worst = new Set(clips.toSorted((a, b) => share(b) - share(a)).slice(0, SHEETS));
  return clips.filter((clip) => worst.has(clip)).map(({ record }) => record);
}

interface SheetOptions {
  readonly side: PrivateSide | undefined;
  readonly pictures: number;
  readonly page: string;
}

async function sheetOf(
  tools: FfmpegTools,
  out: string,
  record: VerifiedClip,
  { side, pictures, page }: SheetOptions,
): Promise<ContactSheet> {
  const { key, file, width, height, frames } = record;
  const trace = await traceClip(out, record);
  const published = await openPublished(tools, out, record);
  const { cuts, clip } = published;
  const sightings = (await side?.sightingsIn(key)) ?? new Map();
  const moments = chooseMoments({ ...trace, width, height, frames, cuts, sightings }, pictures);
  const chosen = moments.map(({ frame }) => frame);
  const regions = await regionsIn(out, key, new Set(chosen));
  const jpegs = await takePictures(tools, published, record, chosen, PICTURE_SIDE);
  const [start = 0] = clip.pts;
  return {
    record,
    href: hrefOf(page, join(out, file)),
    pictures: moments.map((moment) => ({
      moment,
      seconds: (((clip.pts[moment.frame] as number) - start) * clip.timeBase.num) / clip.timeBase.den,
      regions: regions.get(moment.frame) ?? [],
      jpeg: jpegs.get(moment.frame) ?? new Uint8Array(),
    })),
  };
}

/** A link that works wherever both are moved together. */
function hrefOf(page: string, file: string): string {
  return relative(dirname(resolve(page)), resolve(file))
    .split(sep)
    .map(encodeURIComponent)
    .join('/');
}

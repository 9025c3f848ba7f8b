import path from 'node:path';
import type { Config } from '../config.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import type { RunSummary } from '../run.ts';
import { duration, plural, printable, table } from './terminal.ts';

const CAUTION = '\nOnly what the models detect is redacted. Look at a sample of the output before you rely on it.\n';

/** What a run found, redacted, refused, and where things are. */
export function describeSummary(summary: RunSummary, config: Config): string {
  const place = (dir: string): string => printable(path.relative(process.cwd(), dir) || '.');
  if (summary.status === 'empty') {
    return `No images in ${config.inputs.map(printable).join(', ')}: nothing was written.\n${describeDropped(summary)}`;
  }
  return [
    describeOutcome(summary),
    describeCounts(summary, config),
    '\n',
    table([
      [config.format === 'webdataset' ? 'shards' : 'images', place(summary.out)],
      ['log', `${place(path.join(summary.out, '_anonymize'))}/redactions`],
      ['private', `${place(summary.privateDir)} (names, scores, reasons: not for publication)`],
    ]),
    describePart(summary),
    CAUTION,
  ].join('');
}

/** What a filter has handed on. */
export function describeFiltered(summary: RunSummary, config: Config, isLogged: boolean): string {
  const { status, published, total, privateDir } = summary;
  if (status === 'empty')
    return `No images on standard input: an empty archive was written.\n${describeDropped(summary)}`;
  const cut = status === 'interrupted' ? 'Interrupted: the output is cut off. ' : '';
  const place = printable(path.relative(process.cwd(), privateDir) || '.');
  return [
    `${cut}${published.toLocaleString('en')} of ${plural(total, 'image')} anonymized and written ${describeSpeed(summary)}\n`,
    describeCounts(summary, config),
    isLogged
      ? `\n${table([['private', `${place} (names, scores, reasons: not for publication)`]])}`
      : '\nNothing is kept of names and reasons; --private-dir keeps them.\n',
    CAUTION,
  ].join('');
}

/** Classes, reasons, corrections and what was not taken. */
function describeCounts(summary: RunSummary, config: Config): string {
  const rows = CLASSES.filter((c) => config.classes.includes(c)).map((c) => [
    summary.models.some((m) => m.startsWith(`${c}:`) && m.endsWith('@interim')) ? `${c} (interim)` : c,
    summary.regions[c],
    summary.images[c],
    describeMode(c, summary, config),
  ]);
  const reasons = Object.entries(summary.reasons).map(([reason, n]) => [n, ...reason.split('/').reverse()]);
  const dropped = describeDropped(summary);
  return [
    '\n',
    table([['class', 'regions', 'images', 'mode'], ...rows]),
    reasons.length > 0 ? `\n${summary.rejected} not published:\n${table(reasons)}` : '',
    summary.withdrawn === undefined ? '' : `\n${plural(summary.withdrawn, 'image')} withdrawn\n`,
    describeReview(summary, 'region'),
    describeLabels(summary),
    dropped && `\n${dropped}`,
  ].join('');
}

function describeDropped(summary: RunSummary): string {
  const dropped = Object.entries(summary.dropped);
  if (dropped.length === 0) return '';
  return `Not taken from the input: ${dropped.map(([k, n]) => `${n} ${printable(k)}`).join(', ')}\n`;
}

function describeSpeed(summary: RunSummary): string {
  return `in ${duration(summary.seconds)} (${summary.imagesPerSecond.toFixed(1)} images/s, ${plural(summary.workers, 'worker')}, ${summary.device.join('+')})`;
}

/** Which part this was: `Part 1 of 4 (shards 3 to 5): ` */
function describeRange({ part }: RunSummary): string {
  if (part === undefined) return '';
  const { index, count, firstShard, shards } = part;
  const range =
    shards === 0
      ? 'no shards'
      : shards === 1
        ? `shard ${firstShard}`
        : `shards ${firstShard} to ${firstShard + shards - 1}`;
  return `Part ${index} of ${count} (${range}): `;
}

function describeOutcome(summary: RunSummary): string {
  const { status, done, kept, total, published } = summary;
  const count = (n: number): string => n.toLocaleString('en');
  const results = `${describeRange(summary)}${count(published)} of ${plural(total, 'image')} anonymized and published`;
  if (status === 'finished' && kept === total) {
    return `Complete already: ${results} by an earlier run. Nothing was changed.\n`;
  }
  const speed = describeSpeed(summary);
  const earlier = kept > 0 ? `, ${count(kept)} of them by an earlier run` : '';
  if (status === 'finished') return `${results}${earlier} ${speed}\n`;
  return `Interrupted after ${count(done)} of ${plural(total, 'image')}${earlier} ${speed}. Complete shards are kept, the unfinished one was removed. The same command goes on.\n`;
}

export function describePart({
  part,
  out,
  status,
}: Pick<RunSummary, 'out' | 'status'> & { readonly part?: { readonly count: number } }): string {
  if (part === undefined || status !== 'finished') return '';
  return `\nWhen all ${part.count} parts are done: anonymize finalize ${printable(path.relative(process.cwd(), out) || '.')}\n`;
}

/** @param what was corrected. */
export function describeReview({ review }: Pick<RunSummary, 'review'>, what: 'region' | 'track'): string {
  if (review === undefined) return '';
  const { added, removed, changed, problems } = review;
  const counts = `${plural(removed, what)} removed by review, ${added} added, ${changed} changed\n`;
  const failed = problems.map((problem) => `  ${printable(problem)}\n`).join('');
  return `\n${counts}${failed && `${plural(problems.length, 'correction')} without effect:\n${failed}`}`;
}

function describeLabels({ labels, protected: exempt = 0 }: RunSummary): string {
  const left = exempt > 0 ? `\n${plural(exempt, 'detection')} NOT redacted, in objects that labels protect\n` : '';
  if (labels === undefined || labels.categories.length === 0) return left;
  const over = `lost over ${Math.round(labels.over * 100)} %`;
  const rows = labels.categories.map(({ category, objects, lost }) => [printable(category), objects, lost]);
  return `\n${table([['label', 'objects', over], ...rows])}${left}`;
}

function describeMode(cls: ClassName, { standIns }: RunSummary, { redact }: Config): string {
  if (redact[cls] === 'none') return 'NOT redacted (mode none)';
  return standIns[cls] > 0 ? `${redact[cls]}, ${standIns[cls].toLocaleString('en')} blurred instead` : redact[cls];
}

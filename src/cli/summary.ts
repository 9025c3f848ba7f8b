import path from 'node:path';
import type { Config } from '../config.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import type { RunSummary } from '../run.ts';
import { duration, plural, printable, table } from './terminal.ts';

/** What a run found, redacted, refused, and where things are. */
export function describeSummary(summary: RunSummary, config: Config): string {
  const place = (dir: string): string => printable(path.relative(process.cwd(), dir) || '.');
  const dropped = Object.entries(summary.dropped);
  const others =
    dropped.length > 0
      ? `Not taken from the input: ${dropped.map(([k, n]) => `${n} ${printable(k)}`).join(', ')}\n`
      : '';
  if (summary.status === 'empty') {
    return `No images in ${config.inputs.map(printable).join(', ')}: nothing was written.\n${others}`;
  }
  const head = describeOutcome(summary);
  const rows = CLASSES.filter((c) => config.classes.includes(c)).map((c) => [
    summary.models.some((m) => m.startsWith(`${c}:`) && m.endsWith('@interim')) ? `${c} (interim)` : c,
    summary.regions[c],
    summary.images[c],
    describeMode(c, summary, config),
  ]);
  const reasons = Object.entries(summary.reasons).map(([reason, n]) => [n, ...reason.split('/').reverse()]);
  return [
    head,
    '\n',
    table([['class', 'regions', 'images', 'mode'], ...rows]),
    reasons.length > 0 ? `\n${summary.rejected} not published:\n${table(reasons)}` : '',
    describeReview(summary),
    describeLabels(summary),
    others && `\n${others}`,
    '\n',
    table([
      [config.format === 'webdataset' ? 'shards' : 'images', place(summary.out)],
      ['log', `${place(path.join(summary.out, '_anonymize'))}/redactions`],
      ['private', `${place(summary.privateDir)} (names, scores, reasons: not for publication)`],
    ]),
    '\nOnly what the models detect is redacted. Look at a sample of the output before you rely on it.\n',
  ].join('');
}

function describeOutcome(summary: RunSummary): string {
  const { status, done, kept, total, published } = summary;
  const count = (n: number): string => n.toLocaleString('en');
  const results = `${count(published)} of ${plural(total, 'image')} anonymized and published`;
  if (status === 'finished' && kept === total) {
    return `Complete already: ${results} by an earlier run. Nothing was changed.\n`;
  }
  const speed = `in ${duration(summary.seconds)} (${summary.imagesPerSecond.toFixed(1)} images/s, ${plural(summary.workers, 'worker')}, ${summary.device.join('+')})`;
  const earlier = kept > 0 ? `, ${count(kept)} of them by an earlier run` : '';
  if (status === 'finished') return `${results}${earlier} ${speed}\n`;
  return `Interrupted after ${count(done)} of ${plural(total, 'image')}${earlier} ${speed}. Complete shards are kept, the unfinished one was removed. The same command goes on.\n`;
}

function describeReview({ review }: RunSummary): string {
  if (review === undefined) return '';
  const { added, removed, changed, problems } = review;
  const counts = `${plural(removed, 'region')} removed by review, ${added} added, ${changed} changed\n`;
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

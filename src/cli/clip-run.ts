import path from 'node:path';
import type { ClipRunProgress } from '../clips/progress.ts';
import type { ClipRunHooks } from '../clips/run.ts';
import type { ClipRunSummary } from '../clips/summary.ts';
import type { Config } from '../config.ts';
import { CLASSES } from '../core/types.ts';
import { follow, type Telling } from './follow.ts';
import { clipCounts, ProgressLine } from './progress.ts';
import { describePart, describeReview } from './summary.ts';
import { duration, plural, printable, type Terminal, table } from './terminal.ts';

/**
 * Anonymizes clips with a progress line and a summary.
 * @param verb what the job does to the classes, for the first line.
 * @returns the exit code.
 */
export async function executeClips(
  config: Config,
  job: (hooks: ClipRunHooks) => Promise<ClipRunSummary>,
  telling: Telling,
  terminal: Terminal,
  verb?: string,
): Promise<number> {
  const progress = new ProgressLine<ClipRunProgress>(terminal, clipCounts, 'frames/s');
  const shown: ClipRunHooks = {
    onStart: (start) => terminal.err(describeStart(start, config, verb)),
    onProgress: (state) => progress.update(state),
  };
  return follow(job, telling, terminal, progress, shown, (summary) => describeClips(summary, config));
}

function describeStart(
  { total, workers, device, notices }: Pick<ClipRunSummary, 'total' | 'workers' | 'device' | 'notices'>,
  { boxes, classes, detectEvery, part }: Config,
  verb = boxes === undefined ? undefined : 'given:',
): string {
  const frames = detectEvery === 1 ? 'every frame' : `one frame in ${detectEvery}`;
  const found = classes.join(', ');
  const what = verb === undefined ? `looking for ${found} in ${frames}` : `${verb} ${found}`;
  const ofPart = part === undefined ? '' : ` (part ${part.index} of ${part.count})`;
  const head = `${plural(total, 'clip')}${ofPart}, ${plural(workers, 'worker')} on ${device.join('+')}, ${what}\n`;
  return head + notices.map((notice) => `Note: ${notice}\n`).join('');
}

/** What became of the clips, and where things are. */
export function describeClips(summary: ClipRunSummary, config: Config): string {
  const place = (dir: string): string => printable(path.relative(process.cwd(), dir) || '.');
  const reasons = Object.entries(summary.reasons).map(([reason, n]) => [n, ...reason.split('/').reverse()]);
  const dropped = Object.entries(summary.dropped);
  return [
    describeOutcome(summary, config),
    '\n',
    table([
      ['class', 'tracks', 'mode'],
      ...CLASSES.filter((cls) => config.classes.includes(cls)).map((cls) => [
        cls,
        summary.tracks[cls],
        config.redact[cls] === 'none' ? 'NOT redacted (mode none)' : config.redact[cls],
      ]),
    ]),
    reasons.length > 0 ? `\n${summary.rejected} not published:\n${table(reasons)}` : '',
    summary.withdrawn === undefined ? '' : `\n${plural(summary.withdrawn, 'clip')} withdrawn\n`,
    describeReview(summary, 'track'),
    dropped.length > 0
      ? `\nNot taken from the input: ${dropped.map(([k, n]) => `${n} ${printable(k)}`).join(', ')}\n`
      : '',
    '\n',
    table([
      ['clips', place(summary.out)],
      ['log', `${place(path.join(summary.out, '_anonymize'))}/redactions`],
      ['private', `${place(summary.privateDir)} (names, boxes, reasons: not for publication)`],
    ]),
    describePart(summary),
    '\nOnly what the models detect is redacted. Look at the clips before you rely on them: one sharp frame undoes all others.\n',
  ].join('');
}

function describeOutcome(summary: ClipRunSummary, config: Config): string {
  const { total, part, published, kept, seconds, framesPerSecond, frames, status } = summary;
  if (status === 'interrupted') {
    return `Interrupted with ${published} of ${plural(total, 'clip')} published. ${config.lookAhead === undefined ? 'Whole segments are kept; t' : 'T'}he same command goes on.\n`;
  }
  const head = `${part === undefined ? '' : `Part ${part.index} of ${part.count}: `}${published} of ${plural(total, 'clip')} anonymized and published, ${plural(frames, 'frame')}`;
  if (kept === total) return `Complete already: ${head}, by an earlier run. Nothing was changed.\n`;
  const earlier = kept > 0 ? `, ${plural(kept, 'clip')} of them by an earlier run` : '';
  return `${head}${earlier} in ${duration(seconds)} (${framesPerSecond.toFixed(1)} frames/s, ${plural(summary.workers, 'worker')}, ${summary.device.join('+')})\n`;
}

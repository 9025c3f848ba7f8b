import path from 'node:path';
import type { FrameRunHooks } from '../clips/frames/run.ts';
import type { FrameRunSummary } from '../clips/frames/tally.ts';
import type { ListedClips } from '../clips/list.ts';
import type { ClipRunProgress } from '../clips/progress.ts';
import type { Config } from '../config.ts';
import { CLASSES } from '../core/types.ts';
import { UsageError } from '../errors.ts';
import { describeFrameChoice, type FrameChoice } from '../video/frame-choice.ts';
import { follow, type Telling } from './follow.ts';
import { clipCounts, ProgressLine } from './progress.ts';
import { describeReview } from './summary.ts';
import { duration, plural, printable, type Terminal, table } from './terminal.ts';

/**
 * Publishes frames of clips as images with a progress line and a summary.
 * @param clips undefined when the inputs are images.
 * @returns the exit code.
 */
export async function executeFrames(
  config: Config,
  frames: FrameChoice,
  clips: ListedClips | undefined,
  telling: Telling,
  terminal: Terminal,
): Promise<number> {
  if (clips === undefined) throw new UsageError('Expected clips as input for --frames but received none');
  const progress = new ProgressLine<ClipRunProgress>(terminal, clipCounts, 'frames/s');
  const shown: FrameRunHooks = {
    onStart: (start) => terminal.err(describeStart(start, config, frames)),
    onProgress: (state) => progress.update(state),
  };
  const { runFrames } = await import('../clips/frames/run.ts');
  const job = (hooks: FrameRunHooks): Promise<FrameRunSummary> => runFrames({ ...config, frames }, clips, hooks);
  return follow(job, telling, terminal, progress, shown, (summary) => describeFrames(summary, config));
}

function describeStart(
  { clips, workers, device, notices }: Pick<FrameRunSummary, 'clips' | 'workers' | 'device' | 'notices'>,
  { boxes, classes, detectEvery }: Config,
  frames: FrameChoice,
): string {
  const looked = detectEvery === 1 ? 'every frame' : `one frame in ${detectEvery}`;
  const found = boxes === undefined ? `looking for ${classes.join(', ')} in ${looked}` : `given: ${classes.join(', ')}`;
  const head = `${plural(clips, 'clip')}, ${plural(workers, 'worker')} on ${device.join('+')}, ${found}, publishing ${describeFrameChoice(frames)}\n`;
  return head + notices.map((notice) => `Note: ${notice}\n`).join('');
}

/** What became of the clips, and where things are. */
export function describeFrames(summary: FrameRunSummary, config: Config): string {
  const place = (dir: string): string => printable(path.relative(process.cwd(), dir) || '.');
  const reasons = Object.entries(summary.reasons).map(([reason, n]) => [n, ...reason.split('/').reverse()]);
  const dropped = Object.entries(summary.dropped);
  return [
    describeOutcome(summary),
    '\n',
    table([
      ['class', 'regions', 'images', 'mode'],
      ...CLASSES.filter((cls) => config.classes.includes(cls)).map((cls) => [
        cls,
        summary.regions[cls],
        summary.images[cls],
        config.redact[cls] === 'none' ? 'NOT redacted (mode none)' : config.redact[cls],
      ]),
    ]),
    reasons.length > 0 ? `\n${plural(summary.rejected, 'clip')} not published:\n${table(reasons)}` : '',
    describeReview(summary, 'track'),
    dropped.length > 0
      ? `\nNot taken from the input: ${dropped.map(([k, n]) => `${n} ${printable(k)}`).join(', ')}\n`
      : '',
    '\n',
    table([
      [config.format === 'webdataset' ? 'shards' : 'images', place(summary.out)],
      ['log', `${place(path.join(summary.out, '_anonymize'))}/redactions`],
      ['private', `${place(summary.privateDir)} (names, boxes, reasons: not for publication)`],
    ]),
    '\nOnly what the models detect is redacted. Look at a sample of the output before you rely on it.\n',
  ].join('');
}

function describeOutcome(summary: FrameRunSummary): string {
  const { clips, rejected, frames, kept, isComplete, seconds, status } = summary;
  if (status === 'interrupted') {
    return `Interrupted with ${plural(frames, 'frame')} published. Whole segments and shards are kept; the same command goes on.\n`;
  }
  const head = `${plural(frames, 'frame')} of ${clips - rejected} of ${plural(clips, 'clip')} anonymized and published`;
  if (isComplete) return `Complete already: ${head}, by an earlier run. Nothing was changed.\n`;
  const earlier = kept > 0 ? `, ${kept} of them by an earlier run` : '';
  return `${head}${earlier} in ${duration(seconds)} (${plural(summary.workers, 'worker')}, ${summary.device.join('+')})\n`;
}

import { UsageError } from '../errors.ts';
import { type EvaluateClipsOptions, evaluateClips } from '../eval/clips/evaluate.ts';
import type { FoundClips } from '../eval/clips/find.ts';
import type { ClipClassReport, ClipEvaluationReport, UncoveredRun } from '../eval/clips/report.ts';
import type { Share } from '../eval/statistics.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { evalCounts, ProgressLine } from './progress.ts';
import { duration, plural, printable, type Terminal, table } from './terminal.ts';

/** Runs that are listed one by one, of every class. */
const MOST_RUNS = 5;

interface ClipEvalFlags extends EvaluateClipsOptions {
  readonly json?: string | undefined;
  readonly html?: string | undefined;
  readonly images?: string;
}

/** Measures labelled clips and prints or writes the report. @returns the exit code. */
export async function evaluateClipsAndTell(
  found: FoundClips,
  { json, html, images, ...options }: ClipEvalFlags,
  terminal: Terminal,
): Promise<number> {
  const refused = html !== undefined ? '--html' : images !== undefined ? '--images' : undefined;
  if (refused) throw new UsageError(`Expected no ${refused} with labelled clips but received one`);
  const progress = new ProgressLine(terminal, evalCounts, 'frames/s');
  const report = await evaluateClips(found, options, {
    onProgress: (state) => progress.update(state),
  }).finally(() => progress.end());
  const text = `${JSON.stringify(report, null, 2)}\n`;
  terminal.out(json === '-' ? text : describeClipEvaluation(report));
  if (json !== undefined && json !== '-') await writeFileAtomic(json, text);
  return report.failed.length > 0 ? 1 : 0;
}

/** An evaluation of clips as it is printed: whole frames, then a block per class. */
export function describeClipEvaluation(report: ClipEvaluationReport): string {
  const { clips, frames, labelledFrames, workers, device, quality, detectEvery, seconds, failed, unlabelled } = report;
  const unmapped = Object.entries(report.unmapped).map(([name, n]) => `${printable(name)} ${n}`);
  const every = detectEvery === 1 ? 'every frame' : `one frame in ${detectEvery}`;
  return [
    `${plural(clips, 'clip')}, ${plural(frames, 'frame')} of which ${labelledFrames.toLocaleString('en')} are labelled, ${plural(workers, 'worker')} on ${device.join('+')}, quality ${quality}, looking at ${every}, ${duration(seconds)}\n`,
    failed.length > 0
      ? table(
          failed.map(({ image, stage, reason }) => ['not measured:', printable(image), `${stage}: ${reason}`]),
          '',
        )
      : '',
    unlabelled.length > 0 ? `without labels: ${unlabelled.map(printable).join(', ')}\n` : '',
    unmapped.length > 0 ? `categories of no class: ${unmapped.join(', ')} (--map name=class)\n` : '',
    `\nframes in which every labelled thing is covered: ${counted(report.wholeFrames)} by its own class, ${counted(report.wholeFramesAnyClass)} by any\n`,
    ...report.classes.map(describeClass),
    '\nCovered: at least 90 % of the pixels of a label are redacted by its own class. Intervals are over things.\n',
  ].join('');
}

function describeClass(report: ClipClassReport): string {
  const { cover90, meanCoverage, anyClass, background, unlabelled, objects, ignored, outside, things, runs } = report;
  const head = [
    `\n${report.class.padEnd(6)}cover90 ${withInterval(cover90)}`,
    `mean ${two(meanCoverage)}`,
    `any class ${two(anyClass.value)}`,
    `whole frames ${counted(report.wholeFrames)}`,
    `background ${percent(background)} (${percent(unlabelled)} with what surrounds the labels)`,
  ].join('  ');
  const labels = [
    `      ${plural(objects, 'label')} in view, ${ignored.toLocaleString('en')} ignored, ${outside.toLocaleString('en')} outside the picture;`,
    `threshold ${Number(report.threshold.toPrecision(3))}, growth ${Number(report.grow.toPrecision(3))};`,
    `${printable(report.model.replace(/@sha256:([0-9a-f]{8}).*/, '@$1'))}\n`,
  ].join(' ');
  const rows = [
    ['', 'labels', 'cover90', '95 %', 'mean', 'any class'],
    ...[...report.byHeight.filter((g) => g.objects > 0), ...(report.bySource.length > 1 ? report.bySource : [])].map(
      (g) => [
        printable(g.name),
        g.objects,
        two(g.cover90.value),
        g.cover90.value === null ? '' : `${two(g.cover90.low)}–${two(g.cover90.high)}`,
        two(g.meanCoverage),
        two(g.anyClass.value),
      ],
    ),
  ];
  const covered =
    things.n === 0
      ? '      labels have no ids: nothing is known of runs of uncovered frames\n'
      : `      ${things.hits} of ${plural(things.n, 'thing')} covered in every labelled frame; longest run uncovered: ${plural(report.longestRun, 'frame')}\n`;
  return [
    `${head}\n${labels}`,
    objects > 0 ? table(rows, '      ') : '',
    covered,
    runs.length > 0 ? table(runs.slice(0, MOST_RUNS).map(describeRun), '        ') : '',
  ].join('');
}

function describeRun({ clip, id, from, frames, of, coverage }: UncoveredRun): string[] {
  const last = frames === 1 ? '' : ` on, ${frames} in a row`;
  return [printable(clip), `id ${printable(id)}`, `frame ${from}${last}`, `of ${of}`, `covered ${percent(coverage)}`];
}

function withInterval({ value, low, high }: Share): string {
  return value === null ? '–' : `${two(value)} (${two(low)}–${two(high)})`;
}

function counted({ hits, n, value }: Share): string {
  return value === null ? '–' : `${hits} of ${n} (${percent(value)})`;
}

function two(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`;
}

import type { AttributeReport, ClassReport, EvaluationReport, Group, ImageMeasures } from '../eval/report.ts';
import type { Share } from '../eval/statistics.ts';
import { duration, plural, printable, table } from './terminal.ts';

/** Failed photographs that are named one by one. */
const MOST_FAILURES = 5;

/** An evaluation as it is printed: a block per class, then where the time went. */
export function describeEvaluation(report: EvaluationReport): string {
  const { images, megapixels, failed, workers, seconds, msPerImage, classes } = report;
  const size = megapixels === null ? '' : ` of ${megapixels.toFixed(1)} megapixels on average`;
  const parts = [
    `${plural(images, 'photograph')}${size}, ${plural(workers, 'worker')} on ${report.device.join('+')}, quality ${report.quality}, ${duration(seconds)}\n`,
    ...describeFailures(report),
    ...describeUnmapped(report),
    ...classes.map(describeClass),
    ...(classes.some((c) => c.byAttribute.length > 0) ? [`\n${report.gapRule}\n`] : []),
  ];
  if (images > 0) {
    const rows = Object.entries(msPerImage).map(([stage, ms]) => [printable(stage), `${ms.toFixed(1)} ms`]);
    parts.push('\nper photograph, on average\n', table(rows));
  }
  if (failed.length > 0) parts.push(`\n${plural(failed.length, 'photograph')} could not be measured\n`);
  return parts.join('');
}

function describeFailures({ failed }: EvaluationReport): string[] {
  if (failed.length === 0) return [];
  const rows = failed
    .slice(0, MOST_FAILURES)
    .map(({ image, stage, reason }) => ['not measured:', printable(image), `${stage}: ${reason}`]);
  return [table(rows, ''), ...(failed.length > MOST_FAILURES ? [`and ${failed.length - MOST_FAILURES} more\n`] : [])];
}

function describeUnmapped({ unmapped }: EvaluationReport): string[] {
  const names = Object.entries(unmapped).sort(([, a], [, b]) => b - a);
  if (names.length === 0) return [];
  const first = names.slice(0, 6).map(([name, n]) => `${printable(name)} ${n}`);
  const more = names.length > 6 ? ` and ${names.length - 6} more` : '';
  return [`categories of no class: ${first.join(', ')}${more} (--map name=class)\n`];
}

function describeClass(report: ClassReport): string {
  const { cover90, meanCoverage, anyClass, recall, precision, background, unlabelled } = report;
  const head = [
    `\n${report.class.padEnd(6)}cover90 ${withInterval(cover90)}`,
    `mean ${two(meanCoverage)}`,
    `any class ${two(anyClass.value)}`,
    `recall ${two(recall.value)}`,
    `precision ${two(precision.value)}`,
    `background ${percent(background)} (${percent(unlabelled)} with what surrounds the labels)`,
  ].join('  ');
  const settings = `      ${plural(report.objects, 'object')} in ${plural(report.labelledImages, 'photograph')}, ${report.ignored.toLocaleString('en')} ignored; threshold ${number(report.threshold)}, growth ${number(report.grow)}; ${printable(report.model.replace(/@sha256:([0-9a-f]{8}).*/, '@$1'))}\n`;
  const rows = [
    ['', 'objects', 'cover90', '95 %', 'mean', 'any class', 'recall', 'precision', 'background'],
    ...report.byHeight.filter((g) => g.objects > 0).map((g) => groupRow(g.name, g)),
    ...(report.bySource.length > 1 ? report.bySource.map((g) => groupRow(printable(g.name), g, g)) : []),
  ];
  return [
    `${head}\n${settings}`,
    ...(report.objects > 0 ? [table(rows, '      ')] : []),
    ...report.byAttribute.map(describeAttribute),
    ...report.skippedAttributes.map((s) => `      ${printable(s.name)}: not broken down, ${s.reason}\n`),
  ].join('');
}

function describeAttribute({ name, groups, gap }: AttributeReport): string {
  const difference =
    gap.difference === undefined || gap.interval === undefined
      ? ''
      : `: ${printable(gap.best ?? '')} − ${printable(gap.worst ?? '')} = ${two(gap.difference)} (${two(gap.interval.low)} to ${two(gap.interval.high)})`;
  const rows = groups.map((g) => groupRow(printable(g.name) || '(empty)', g));
  return `      ${printable(name)}: ${gap.verdict}${difference}\n${table(rows, '        ')}`;
}

function groupRow(name: string, group: Group, images?: ImageMeasures): (string | number)[] {
  const { cover90, anyClass, recall } = group;
  return [
    name,
    group.objects,
    two(cover90.value),
    cover90.value === null ? '' : `${two(cover90.low)}–${two(cover90.high)}`,
    two(group.meanCoverage),
    two(anyClass.value),
    two(recall.value),
    ...(images ? [two(images.precision.value), percent(images.background)] : []),
  ];
}

function withInterval({ value, low, high }: Share): string {
  return value === null ? '–' : `${two(value)} (${two(low)}–${two(high)})`;
}

function two(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}

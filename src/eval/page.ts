import { CLASSES } from '../core/types.ts';
import { escapeHtml, htmlPage, htmlTable } from '../html.ts';
import type { Picture } from './class-tally.ts';
import { drawPictures } from './crops.ts';
import { curveChart } from './curve-chart.ts';
import type { Evaluation } from './evaluate.ts';
import { STYLE } from './page-style.ts';
import type { AttributeReport, ClassReport, EvaluationReport, Group, ImageMeasures } from './report.ts';
import type { Share } from './statistics.ts';

/** Failed photographs that the page names. */
const MOST_FAILURES = 50;

/**
 * An evaluation as one HTML page without scripts or outside resources. It shows pieces of the photographs as they
 * are, so it must be kept as private as they are.
 */
export async function renderEvaluation({ report, pictures }: Evaluation): Promise<string> {
  const all = CLASSES.flatMap((cls) => [...(pictures[cls]?.misses ?? []), ...(pictures[cls]?.falseAlarms ?? [])]);
  const drawn = await drawPictures(all);
  const sections = report.classes.map((c) => {
    const own = pictures[c.class] ?? { misses: [], falseAlarms: [] };
    return [
      classSection(c),
      sheet('Worst misses', own.misses, drawn),
      sheet('Largest false alarms', own.falseAlarms, drawn),
    ].join('\n');
  });
  const body = `<h1>Evaluation</h1>
<p class="note"><b>Contains unredacted photographs: not for publication.</b></p>
${summary(report)}
${overview(report.classes)}
<p class="small">cover90: share of objects of which at least 90 % of the pixels are redacted by their own class, with growth. any class: the same, by all classes that are looked for. recall: share of objects that a tight box matches at IoU 0.5; precision: share of detections that match at IoU 0.4. background: share of the pixels that are redacted, away from labels (a quarter of their size on each side is left out); unlabelled: of all pixels outside labels. Intervals (95 %) are Wilson’s with the effective sample size over photographs.</p>
${sections.join('\n')}
${footer(report)}`;
  return htmlPage('Evaluation', STYLE, body);
}

function summary(report: EvaluationReport): string {
  const size = report.megapixels === null ? '' : ` of ${report.megapixels.toFixed(1)} megapixels on average`;
  const failed = report.failed.length > 0 ? `, ${report.failed.length} could not be measured` : '';
  return `<p>${report.images.toLocaleString('en')} photographs${size}${failed} · quality ${escapeHtml(report.quality)} · ${escapeHtml(report.device.join('+'))} · anonymize ${escapeHtml(report.version)}</p>`;
}

function overview(classes: readonly ClassReport[]): string {
  return wideTable(
    ['class', 'objects', 'cover90', '', 'mean', 'any class', 'recall', 'precision', 'background', 'unlabelled'],
    classes.map((c) => groupCells(c.class, c, c)),
  );
}

function classSection(c: ClassReport): string {
  const head = ['', 'objects', 'cover90', '', 'mean', 'any class', 'recall', 'median height'];
  const withHeight = (g: Group): string[] => [
    ...groupCells(escapeHtml(g.name) || '<i>empty</i>', g),
    pixels(g.medianHeight),
  ];
  return `<h2>${c.class}</h2>
<p class="small">${c.objects.toLocaleString('en')} objects in ${c.labelledImages.toLocaleString('en')} photographs, ${c.ignored.toLocaleString('en')} ignored · threshold ${Number(c.threshold.toPrecision(3))} · growth ${Number(c.grow.toPrecision(3))} · <code>${escapeHtml(c.model)}</code></p>
${curveChart(c.curve, `Coverage of ${c.class} against redacted background over thresholds`)}
<h3>By height</h3>
${wideTable(head, c.byHeight.filter((g) => g.objects > 0).map(withHeight))}
<h3>By source</h3>
${wideTable(
  ['', 'objects', 'cover90', '', 'mean', 'any class', 'recall', 'precision', 'background', 'unlabelled'],
  c.bySource.map((g) => groupCells(escapeHtml(g.name), g, g)),
)}
${c.byAttribute.map((a) => `<h3>By ${escapeHtml(a.name)}</h3>\n${gapLine(a)}\n${wideTable(head, a.groups.map(withHeight))}`).join('\n')}
${c.skippedAttributes.map((s) => `<p class="small">${escapeHtml(s.name)}: not broken down, ${escapeHtml(s.reason)}.</p>`).join('\n')}`;
}

function gapLine({ gap }: AttributeReport): string {
  const difference =
    gap.difference === undefined || gap.interval === undefined
      ? ''
      : `: ${escapeHtml(gap.best)} − ${escapeHtml(gap.worst)} = ${two(gap.difference)} (${two(gap.interval.low)} to ${two(gap.interval.high)})`;
  return `<p><span class="verdict">${gap.verdict}</span>${difference}</p>`;
}

/** Columns from the second on are flush right. */
function wideTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `<div class="wide">${htmlTable(head, rows, (_, column) => column > 0)}</div>`;
}

function groupCells(
  name: string,
  group: Pick<Group, 'objects' | 'cover90' | 'meanCoverage' | 'anyClass' | 'recall'>,
  images?: ImageMeasures,
): string[] {
  return [
    name,
    group.objects.toLocaleString('en'),
    intervalText(group.cover90),
    intervalBar(group.cover90),
    two(group.meanCoverage),
    two(group.anyClass.value),
    two(group.recall.value),
    ...(images ? [two(images.precision.value), percent(images.background), percent(images.unlabelled)] : []),
  ];
}

function sheet(title: string, pictures: readonly Picture[], drawn: ReadonlyMap<Picture, string>): string {
  if (pictures.length === 0) return '';
  const figures = pictures.map((picture) => {
    const image = drawn.get(picture) || '<p>The photograph could not be opened again.</p>';
    return `<figure>${image}<figcaption>${caption(picture.example)}</figcaption></figure>`;
  });
  return `<h3>${title}</h3>
<p class="small"><span class="key"></span> label <span class="key of-redaction"></span> redaction</p>
<div class="grid">
${figures.join('\n')}
</div>`;
}

function caption(example: Picture['example']): string {
  const what =
    'coverage' in example
      ? `${percent(example.coverage)} covered · ${pixels(example.height)} high`
      : `score ${example.score.toFixed(2)} · ${example.outside.toLocaleString('en')} px outside labels`;
  return `${what}<br>${escapeHtml(example.image)}`;
}

function footer(report: EvaluationReport): string {
  const stages = Object.entries(report.msPerImage).map(([stage, ms]) => [escapeHtml(stage), ms.toFixed(1)]);
  const failed = report.failed
    .slice(0, MOST_FAILURES)
    .map(({ image, stage, reason }) => [escapeHtml(image), escapeHtml(`${stage}: ${reason}`)]);
  const more = report.failed.length - failed.length;
  const unmapped = Object.entries(report.unmapped).map(([name, n]) => `${escapeHtml(name)} ${n}`);
  return [
    `<h2>Time</h2>\n${wideTable(['stage', 'ms per photograph'], stages)}`,
    failed.length > 0 ? `<h2>Not measured</h2>\n${wideTable(['photograph', 'reason'], failed)}` : '',
    more > 0 ? `<p>and ${more} more</p>` : '',
    unmapped.length > 0 ? `<p class="small">Categories of no class: ${unmapped.join(', ')}</p>` : '',
    `<p class="small">Gaps: ${escapeHtml(report.gapRule)}</p>`,
  ].join('\n');
}

function intervalText({ value, low, high }: Share): string {
  return value === null ? '–' : `<b>${two(value)}</b> <span class="small">${two(low)}–${two(high)}</span>`;
}

/** The interval on a line from 0 to 1. */
function intervalBar({ value, low, high }: Share): string {
  if (value === null || low === null || high === null) return '';
  const x = (share: number): string => (4 + share * 92).toFixed(1);
  return `<svg class="ci" width="100" height="12" viewBox="0 0 100 12" role="presentation"><path d="M4 6H96" stroke="currentColor" opacity=".2"/><path d="M${x(low)} 6H${x(high)}" stroke="var(--accent)" stroke-width="3"/><circle cx="${x(value)}" cy="6" r="4" fill="var(--accent)"/></svg>`;
}

function two(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`;
}

function pixels(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(value < 10 ? 1 : 0)} px`;
}

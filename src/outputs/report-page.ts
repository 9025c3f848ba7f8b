import type { VerifiedRecord } from '../core/outcome.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import { escapeHtml, htmlPage, htmlTable } from '../html.ts';

export interface ReportData {
  /** run.json */
  readonly run: Readonly<Record<string, unknown>>;
  readonly published: number;
  readonly withdrawn: number;
  readonly reasons: readonly (readonly [reason: string, samples: number])[];
  readonly classes: readonly {
    readonly cls: ClassName;
    readonly regions: number;
    readonly images: number;
    /** Regions by height of their logged box, one count per bound. */
    readonly heights: readonly number[];
  }[];
  /** Upper bounds in pixels. */
  readonly heightBounds: readonly number[];
  readonly images: readonly { readonly record: VerifiedRecord; readonly jpeg: Uint8Array }[];
}

const STYLE = `
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
th, td { padding: .3rem .9rem .3rem 0; vertical-align: top }
.bar { display: inline-block; height: .7em; background: var(--accent); border-radius: 2px }
.grid { grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)) }
img { width: 100%; height: 180px; object-fit: contain; background: #8882; border-radius: 4px }
figcaption { opacity: .8 }
`;

/** The report as one HTML page without scripts or outside resources. */
export function renderReport(data: ReportData): string {
  const { run } = data;
  const rejected = data.reasons.reduce((sum, [, n]) => sum + n, 0);
  const finished = run.status === 'finished';
  const body = `<h1>Anonymization report</h1>
<p>${count(data.published, 'image')} published, ${rejected} not published${data.withdrawn > 0 ? `, ${data.withdrawn} withdrawn` : ''}${finished ? '' : ` · run ${escapeHtml(run.status)}`}</p>
<p class="note">Counts are what the models detected. An instance that no model saw is in no table here and is not redacted.</p>
<h2>What was redacted</h2>
${classTable(data)}
<h2>Height of redacted areas, pixels</h2>
${heightTable(data)}
${
  data.reasons.length > 0
    ? `<h2>Not published</h2>\n${table(
        ['reason', 'images'],
        data.reasons.map(([r, n]) => [escapeHtml(r), n]),
      )}`
    : ''
}
${lossTable(run)}
<h2>Models</h2>
<ul>${strings(run.models)
    .map((m) => `<li><code>${escapeHtml(m)}</code></li>`)
    .join('')}</ul>
<p>Policy <code>${escapeHtml(run.policy)}</code></p>
<h2>A sample of the published images</h2>
<div class="grid">
${data.images.map(figure).join('\n')}
</div>`;
  return htmlPage('Anonymization report', STYLE, body);
}

function classTable({ run, classes, published }: ReportData): string {
  const wanted = strings(run.classes);
  const setting = (name: string, cls: string): unknown => (run[name] as Record<string, unknown> | undefined)?.[cls];
  const rows = classes
    .filter((c) => wanted.includes(c.cls))
    .map((c) => [
      c.cls,
      c.regions,
      c.images,
      `${((100 * c.images) / Math.max(1, published)).toFixed(1)} %`,
      escapeHtml(setting('redact', c.cls)),
      escapeHtml(setting('threshold', c.cls)),
      escapeHtml(setting('grow', c.cls)),
    ]);
  return table(['class', 'regions', 'images', 'of images', 'mode', 'threshold', 'growth'], rows);
}

/** What labelled objects lost to redaction, as run.json tells it; nothing without labels. */
function lossTable(run: ReportData['run']): string {
  const { over, categories } = (run.labelLoss ?? {}) as { over?: unknown; categories?: unknown };
  if (typeof over !== 'number' || !Array.isArray(categories) || categories.length === 0) return '';
  const rows = categories.map(({ category, objects, lost }) => [escapeHtml(category), Number(objects), Number(lost)]);
  return `<h2>Labelled objects</h2>\n${table(['label', 'objects', `lost over ${Math.round(over * 100)} %`], rows)}`;
}

function heightTable({ classes, heightBounds }: ReportData): string {
  const most = Math.max(1, ...classes.flatMap((c) => c.heights));
  const labels = heightBounds.map((b, i) => (b === Infinity ? `> ${heightBounds[i - 1]}` : `≤ ${b}`));
  const cell = (n: number): string => `<span class="bar" style="width:${((n / most) * 6).toFixed(2)}rem"></span> ${n}`;
  return table(
    ['class', ...labels],
    classes.map((c) => [c.cls, ...c.heights.map(cell)]),
  );
}

function figure({ record, jpeg }: ReportData['images'][number]): string {
  const found = CLASSES.filter((c) => record.counts[c] > 0).map((c) => `${c} ${record.counts[c]}`);
  const data = Buffer.from(jpeg).toString('base64');
  return `<figure><img loading="lazy" alt="published image ${record.key}" src="data:image/jpeg;base64,${data}"><figcaption>${record.key} · ${found.join(', ') || 'nothing found'}</figcaption></figure>`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return htmlTable(head, rows, (cell) => typeof cell === 'number');
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function count(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}

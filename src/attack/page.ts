import type { Share } from '../eval/statistics.ts';
import { escapeHtml, htmlPage, htmlTable } from '../html.ts';
import type { Legibility } from './legibility.ts';
import { privacyChart } from './privacy-chart.ts';
import type { Reidentification, Tested } from './reidentification.ts';
import type { AttackReport, RedactionReport } from './report.ts';

/** An attack as one HTML page without scripts, outside resources, photographs or their names. */
export function renderAttack(report: AttackReport): string {
  const body = [
    '<h1>Attack</h1>',
    summary(report),
    privacyChart(report.redactions),
    '<h2>Who is it</h2>',
    identification(report),
    ...(report.classes.includes('face') ? ['<h2>Is it the source</h2>', similarity(report.redactions)] : []),
    ...(['plate', 'text'] as const).filter((cls) => report.classes.includes(cls)).map((cls) => strings(report, cls)),
    '<h2>Still found</h2>',
    utility(report),
    '<h2>Look of the set</h2>',
    images(report),
    leftOut(report),
    '<h2>How it was measured</h2>',
    `<ul class="small">${report.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('\n')}</ul>`,
  ].join('\n');
  return htmlPage('Attack', STYLE, body);
}

const STYLE = `
:root { --mark: #c2410c }
@media (prefers-color-scheme: dark) { :root { --accent: #6db3e8; --mark: #ff8a5c } }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem }
.wide { overflow-x: auto }
th, td { padding: .25rem .9rem .25rem 0; white-space: nowrap } th { font-weight: 600; font-size: .85em; opacity: .8 }
.small { font-size: .85rem; opacity: .85 } .above { color: var(--mark); font-weight: 600 }
.chart { max-width: 640px; width: 100%; height: auto; font-size: 12px }
`;

function summary({ photographs, people, quality, version, models }: AttackReport): string {
  return `<p>${photographs.toLocaleString('en')} photographs, ${people.people.toLocaleString('en')} known people on ${people.photographs.toLocaleString('en')} of them with a face · quality ${escapeHtml(quality)} · anonymize ${escapeHtml(version)}</p>
<p class="small"><code>${models.map((m) => escapeHtml(m.replace(/@sha256:([0-9a-f]{8}).*/, '@$1'))).join(' · ')}</code></p>`;
}

function identification({ original, originalPixels, noIdentification, redactions }: AttackReport): string {
  if (!original) return `<p>People are not told apart: ${escapeHtml(noIdentification ?? 'too few pairs')}.</p>`;
  return wide(
    ['', '', 'verdict', 'accuracy', 'threshold of originals', 'AUC', 'EER', 'rank 1', 'chance'],
    [
      identificationRow('originals', '', original),
      identificationRow('', 'pixels', originalPixels),
      ...redactions.flatMap((r) => [
        identificationRow(escapeHtml(r.name), 'naive', r.naive),
        identificationRow('', 'parrot', r.parrot),
        identificationRow('', 'pixels', r.pixels),
      ]),
    ],
    2,
  );
}

function identificationRow(name: string, attack: string, r: Reidentification | null): string[] {
  if (!r) return [name, attack, verdict('too few to conclude'), '–', '–', '–', '–', '–', '–'];
  const { accuracy, accuracyAtOriginal, auc, eer, rank1 } = r;
  const chances = `${two(accuracy.chance)} · ${two(auc.chance)} · ${two(eer.chance)} · ${two(rank1.chance)}`;
  const cells = [tested(accuracy), two(accuracyAtOriginal), tested(auc), tested(eer), tested(rank1)];
  return [name, attack, verdict(r.verdict), ...cells, `<span class="small">${chances}</span>`];
}

function similarity(redactions: readonly RedactionReport[]): string {
  const rows = redactions.map(({ name, faces, untouchedFaces, source }) => [
    escapeHtml(name),
    String(faces),
    String(untouchedFaces),
    ...(source
      ? [
          `${share(source.beyondImpostors)} <span class="small">others ${two(source.others)}</span>`,
          `${two(source.medianDistance)} <span class="small">${two(source.medianImpostor)}</span>`,
          share(source.ownNearest),
          two(source.chance),
        ]
      : ['–', '–', '–', '–']),
  ]);
  return wide(['', 'faces', 'as before', 'beyond strangers', 'distance, of strangers', 'own nearest', 'chance'], rows);
}

function strings({ strings: known, redactions }: AttackReport, cls: 'plate' | 'text'): string {
  const head = `<h2>What ${cls === 'plate' ? 'plates' : 'lines of text'} say</h2>
<p class="small">${known[cls].found} found, ${known[cls].known} with a known string</p>`;
  const rows = redactions.flatMap(({ name, legibility }) => {
    const own = legibility[cls];
    return own ? [stringRow(name, own)] : [];
  });
  if (rows.length === 0) return head;
  return `${head}\n${wide(['', 'strings', 'as before', 'recovered', '', 'of these as before', 'exact', 'control', 'likeness', 'control', 'verdict'], rows)}`;
}

function stringRow(name: string, l: Legibility): string[] {
  return [
    escapeHtml(name),
    String(l.lines),
    String(l.untouched),
    String(l.recovered.hits),
    share(l.recovered),
    String(l.recoveredUntouched),
    String(l.exact),
    `${(l.control.recovered * 100).toFixed(1)} %`,
    two(l.similarity),
    two(l.control.similarity),
    verdict(l.verdict),
  ];
}

function utility({ redactions, classes }: AttackReport): string {
  return wide(
    ['', ...classes],
    redactions.map((r) => [escapeHtml(r.name), ...classes.map((cls) => share(r.utility[cls]))]),
  );
}

function images({ redactions, frechetOfHalves }: AttackReport): string {
  const rows = redactions.flatMap(({ name, images: change }) => {
    if (!change) return [];
    const moved = (of: 'mean' | 'deviation'): string =>
      change.before[of]
        .map((before, c) => `${before.toFixed(1)} → ${(change.after[of][c] as number).toFixed(1)}`)
        .join(', ');
    return [[escapeHtml(name), moved('mean'), moved('deviation'), number(change.frechet)]];
  });
  return `${wide(['', 'mean R, G, B', 'deviation R, G, B', 'Fréchet distance'], rows)}
<p class="small">Fréchet distance of two halves of the originals: ${number(frechetOfHalves)}</p>`;
}

/** Counted, not named: what photographs are called may tell who is on them. */
function leftOut({ failed, withoutFace, redactions }: AttackReport): string {
  const counts = new Map<string, number>();
  const count = (why: string, n = 1): void => void (n > 0 && counts.set(why, (counts.get(why) ?? 0) + n));
  count('no face found', withoutFace.length);
  for (const { stage, reason } of failed) count(`original: ${stage}: ${reason}`);
  for (const { name, missing, failed: own } of redactions) {
    count(`${name}: no redacted photograph`, missing);
    for (const { stage, reason } of own) count(`${name}: ${stage}: ${reason}`);
  }
  if (counts.size === 0) return '';
  const rows = [...counts].map(([why, n]) => [escapeHtml(why), n.toLocaleString('en')]);
  return `<h2>Left out</h2>\n${wide(['', 'photographs'], rows)}`;
}

/** Columns from `left` on are flush right. */
function wide(head: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  return `<div class="wide">${htmlTable(head, rows, (_, column) => column >= left)}</div>`;
}

function verdict(text: string): string {
  return text === 'above chance' ? `<span class="above">${text}</span>` : text;
}

function tested({ value, low, high }: Tested): string {
  return `<b>${two(value)}</b> <span class="small">${two(low)}–${two(high)}</span>`;
}

function share({ value, low, high }: Share): string {
  return value === null ? '–' : `<b>${two(value)}</b> <span class="small">${two(low)}–${two(high)}</span>`;
}

function two(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function number(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}

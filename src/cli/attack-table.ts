import type { Legibility } from '../attack/legibility.ts';
import type { Reidentification, Tested } from '../attack/reidentification.ts';
import type { AttackReport, FailedPhotograph, RedactionReport } from '../attack/report.ts';
import type { SourceSimilarity } from '../attack/source-similarity.ts';
import type { Share } from '../eval/statistics.ts';
import { duration, plural, printable, table } from './terminal.ts';

/** Photographs that are named one by one. */
const MOST_NAMES = 5;

/** An attack as it is printed: a table for each kind, modes side by side. */
export function describeAttack(report: AttackReport): string {
  const { photographs, people, redactions, quality, seconds } = report;
  return [
    `${plural(photographs, 'photograph')}, ${plural(people.people, 'known person', 'known people')} on ${plural(people.photographs, 'photograph')} with a face (${people.withMates} on two or more), quality ${quality}, ${duration(seconds)}\n`,
    ...describeNames('no face:', report.withoutFace),
    ...describeFailures('not measured:', report.failed),
    ...redactions.flatMap((r) => describeFailures(`${printable(r.name)}:`, r.failed)),
    ...redactions
      .filter((r) => r.missing > 0)
      .map((r) => `${printable(r.name)}: ${plural(r.missing, 'original')} without a redacted photograph\n`),
    identification(report),
    ...(report.classes.includes('face') ? [similarity(redactions)] : []),
    strings(report),
    utility(report),
    images(report),
    `\n${report.notes.map((note) => `${note}\n`).join('')}`,
  ].join('');
}

function identification({ original, originalPixels, noIdentification, redactions }: AttackReport): string {
  if (!original) return `\nPeople are not told apart: ${noIdentification ?? 'too few pairs'}.\n`;
  const rows = [
    ['who is it', '', 'accuracy', '(threshold of originals)', 'AUC', 'EER', 'rank 1', 'verdict'],
    identificationRow('originals', '', original),
    identificationRow('', 'pixels', originalPixels),
    ...redactions.flatMap((r) => [
      identificationRow(printable(r.name), 'naive', r.naive),
      identificationRow('', 'parrot', r.parrot),
      identificationRow('', 'pixels', r.pixels),
    ]),
    [
      'chance',
      '',
      chance(original.accuracy),
      '0.50',
      chance(original.auc),
      chance(original.eer),
      chance(original.rank1),
      '',
    ],
  ];
  return `\n${table(rows)}`;
}

function identificationRow(name: string, attack: string, r: Reidentification | null): string[] {
  if (!r) return [name, attack, '–', '–', '–', '–', '–', 'too few to conclude'];
  return [
    name,
    attack,
    tested(r.accuracy),
    `(${two(r.accuracyAtOriginal)})`,
    tested(r.auc),
    tested(r.eer),
    tested(r.rank1),
    r.verdict,
  ];
}

function similarity(redactions: readonly RedactionReport[]): string {
  const rows = redactions.map((r) => sourceRow(r, r.source));
  return `\n${table([['is it the source', 'faces', 'as before', 'beyond strangers', '(others)', 'distance', '(strangers)', 'own nearest', 'chance'], ...rows])}`;
}

function sourceRow(r: RedactionReport, s: SourceSimilarity | null): (string | number)[] {
  if (!s) return [printable(r.name), r.faces, r.untouchedFaces, '–', '–', '–', '–', '–', '–'];
  return [
    printable(r.name),
    s.faces,
    r.untouchedFaces,
    share(s.beyondImpostors),
    `(${two(s.others)})`,
    two(s.medianDistance),
    `(${two(s.medianImpostor)})`,
    share(s.ownNearest),
    two(s.chance),
  ];
}

function strings({ strings: known, redactions, classes }: AttackReport): string {
  const parts = (['plate', 'text'] as const)
    .filter((cls) => classes.includes(cls))
    .map((cls) => {
      const head = `\n${cls === 'plate' ? 'plates' : 'lines of text'}: ${known[cls].found} found, ${known[cls].known} with a known string\n`;
      const rows = redactions.flatMap((r) => {
        const own = r.legibility[cls];
        return own ? [stringRow(r.name, own)] : [];
      });
      if (rows.length === 0) return head;
      return `${head}${table([['what does it say', 'strings', 'as before', 'recovered', '', 'of these as before', 'exact', 'control', 'likeness', 'control', 'verdict'], ...rows])}`;
    });
  return parts.join('');
}

function stringRow(name: string, l: Legibility): (string | number)[] {
  return [
    printable(name),
    l.lines,
    l.untouched,
    l.recovered.hits,
    share(l.recovered),
    l.recoveredUntouched,
    l.exact,
    percent(l.control.recovered),
    two(l.similarity),
    two(l.control.similarity),
    l.verdict,
  ];
}

function utility({ redactions, classes }: AttackReport): string {
  const rows = redactions.map((r) => [printable(r.name), ...classes.map((cls) => share(r.utility[cls]))]);
  return `\n${table([['still found', ...classes], ...rows])}`;
}

function images({ redactions, frechetOfHalves }: AttackReport): string {
  const rows = redactions.flatMap(({ name, images: change }) => {
    if (!change) return [];
    const moved = (of: 'mean' | 'deviation'): string =>
      change.after[of].map((value, c) => signed(value - (change.before[of][c] as number))).join(' ');
    return [[printable(name), moved('mean'), moved('deviation'), number(change.frechet)]];
  });
  const halves = `  (two halves of the originals: ${number(frechetOfHalves)})\n`;
  return `\n${table([['look of the set', 'mean R G B', 'deviation R G B', 'Fréchet'], ...rows])}${halves}`;
}

function describeNames(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return [`${what} ${names.slice(0, MOST_NAMES).map(printable).join(', ')}${more}\n`];
}

function describeFailures(what: string, failed: readonly FailedPhotograph[]): string[] {
  return describeNames(
    what,
    failed.map((f) => `${f.photograph} (${f.stage}: ${f.reason})`),
  );
}

function tested({ value, low, high }: Tested): string {
  return `${two(value)} (${two(low)}–${two(high)})`;
}

function chance({ chance: mean, limit }: Tested): string {
  return `${two(mean)} (shown from ${two(limit)})`;
}

function share({ value, low, high }: Share): string {
  return value === null ? '–' : `${two(value)} (${two(low)}–${two(high)})`;
}

function two(value: number | null): string {
  return value === null ? '–' : value.toFixed(2);
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function number(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(3)));
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;
}

import { escapeHtml } from '../html.ts';
import type { Tested } from './reidentification.ts';
import type { RedactionReport } from './report.ts';

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 62;
const RIGHT = 24;
const TOP = 16;
const BOTTOM = 48;

/** Where the axis ends: chance is rarely more than half. */
const LOWEST = -0.5;

/** Names are moved apart by so many pixels. */
const LINE = 15;

interface Mark {
  readonly name: string;
  /** Share of faces still found, 0…1. */
  readonly utility: number;
  readonly attack: 'naive' | 'parrot';
  readonly rank1: Tested;
}

/**
 * Privacy against utility as inline SVG: rank 1 above chance, with its interval, over the share of faces that are
 * still found; a dot for the naive attack and a ring for the parrot. Empty when nobody was told apart.
 */
export function privacyChart(redactions: readonly RedactionReport[]): string {
  const marks = redactions.flatMap(({ name, utility, naive, parrot }): Mark[] => {
    const { value } = utility.face;
    if (value === null) return [];
    return [
      ...(naive ? [{ name, utility: value, attack: 'naive' as const, rank1: naive.rank1 }] : []),
      ...(parrot ? [{ name, utility: value, attack: 'parrot' as const, rank1: parrot.rank1 }] : []),
    ];
  });
  if (marks.length === 0) return '';
  const x = (utility: number): number => LEFT + 8 + utility * (WIDTH - LEFT - RIGHT - 16);
  const y = (above: number): number =>
    TOP + ((1 - Math.min(1, Math.max(LOWEST, above))) / (1 - LOWEST)) * (HEIGHT - TOP - BOTTOM);
  const base = HEIGHT - BOTTOM;
  const parts = [
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (t) =>
        `<path d="M${x(t).toFixed(1)} ${TOP}V${base}" stroke="currentColor" opacity=".12"/><text x="${x(t).toFixed(1)}" y="${base + 18}" text-anchor="middle" fill="currentColor">${t.toFixed(1)}</text>`,
    ),
    ...[LOWEST, 0, 0.5, 1].map(
      (t) =>
        `<path d="M${LEFT} ${y(t).toFixed(1)}H${WIDTH - RIGHT}" stroke="currentColor" opacity="${t === 0 ? 0.6 : 0.12}"/><text x="${LEFT - 8}" y="${(y(t) + 4).toFixed(1)}" text-anchor="end" fill="currentColor">${t > 0 ? '+' : ''}${t.toFixed(1)}</text>`,
    ),
    `<path d="M${LEFT} ${TOP}V${base}" stroke="currentColor" opacity=".6"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle" fill="currentColor">utility: share of faces still found</text>`,
    `<text transform="translate(16 ${(TOP + base) / 2}) rotate(-90)" text-anchor="middle" fill="currentColor">rank 1 above chance (0 is private)</text>`,
    ...drawMarks(marks, x, y),
    ...legend(base),
  ];
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg"><title>Privacy against utility by mode</title>\n${parts.join('\n')}\n</svg>`;
}

/** Modes that lie at one place are spread a little, and their names listed below each other. */
function drawMarks(marks: readonly Mark[], x: (v: number) => number, y: (v: number) => number): string[] {
  const taken: { x: number; y: number }[] = [];
  const beside = new Map<number, number>();
  return marks.map((mark) => {
    const column = Math.round(mark.utility * 20);
    const nth = beside.get(column) ?? 0;
    beside.set(column, nth + 1);
    const side = mark.utility > 0.5 ? -1 : 1;
    const cx = x(mark.utility) + side * nth * 9;
    const cy = y(mark.rank1.value - mark.rank1.chance);
    const bar = `<path d="M${cx.toFixed(1)} ${y(mark.rank1.low - mark.rank1.chance).toFixed(1)}V${y(mark.rank1.high - mark.rank1.chance).toFixed(1)}" stroke="var(--accent)" opacity=".5"/>`;
    const fill = mark.attack === 'naive' ? 'var(--accent)' : 'none';
    const dot = `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="4" fill="${fill}" stroke="var(--accent)" stroke-width="2"><title>${describe(mark)}</title></circle>`;
    if (mark.attack === 'naive') return bar + dot;
    const label = place(cx + side * 9, cy, taken);
    const anchor = side > 0 ? 'start' : 'end';
    return `${bar}${dot}<text x="${label.x.toFixed(1)}" y="${(label.y + 4).toFixed(1)}" text-anchor="${anchor}" fill="currentColor">${escapeHtml(mark.name)}</text>`;
  });
}

function place(x: number, y: number, taken: { x: number; y: number }[]): { x: number; y: number } {
  let at = y;
  while (taken.some((other) => Math.abs(other.x - x) < 90 && Math.abs(other.y - at) < LINE)) at += LINE;
  const label = { x, y: at };
  taken.push(label);
  return label;
}

function legend(base: number): string[] {
  const line = base - 12;
  return [
    `<circle cx="${LEFT + 20}" cy="${line - 4}" r="4" fill="var(--accent)" stroke="var(--accent)" stroke-width="2"/><text x="${LEFT + 30}" y="${line}" fill="currentColor">naive</text>`,
    `<circle cx="${LEFT + 86}" cy="${line - 4}" r="4" fill="none" stroke="var(--accent)" stroke-width="2"/><text x="${LEFT + 96}" y="${line}" fill="currentColor">parrot</text>`,
  ];
}

function describe({ name, utility, attack, rank1 }: Mark): string {
  return `${escapeHtml(name)}, ${attack}: rank 1 ${rank1.value.toFixed(2)} (${rank1.low.toFixed(2)}–${rank1.high.toFixed(2)}), chance ${rank1.chance.toFixed(2)}, faces still found ${utility.toFixed(2)}`;
}

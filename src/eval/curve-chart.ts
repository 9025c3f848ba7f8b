import type { CurvePoint } from './report.ts';

const WIDTH = 640;
const HEIGHT = 340;
const LEFT = 62;
const RIGHT = 20;
const TOP = 16;
const BOTTOM = 48;

/** A curve of coverage against background, over thresholds, as inline SVG; empty when one of them is unknown. */
export function curveChart(curve: readonly CurvePoint[], title: string): string {
  const points = curve.flatMap(({ threshold, cover90, background, operating }) =>
    cover90 === null || background === null ? [] : [{ threshold, cover90, background, operating }],
  );
  if (points.length === 0) return '';
  const right = Math.max(0.01, ...points.map((p) => p.background)) * 1.08;
  const x = (background: number): number => LEFT + (background / right) * (WIDTH - LEFT - RIGHT);
  const y = (cover90: number): number => TOP + (1 - cover90) * (HEIGHT - TOP - BOTTOM);
  const at = (p: { background: number; cover90: number }): string =>
    `${x(p.background).toFixed(1)},${y(p.cover90).toFixed(1)}`;
  const base = y(0);
  const parts = [
    ...ticks(right).map(
      (t) =>
        `<path d="M${x(t).toFixed(1)} ${TOP}V${base}" stroke="currentColor" opacity=".12"/><text x="${x(t).toFixed(1)}" y="${base + 18}" text-anchor="middle" fill="currentColor">${tickLabel(t, right)}</text>`,
    ),
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (t) =>
        `<path d="M${LEFT} ${y(t).toFixed(1)}H${WIDTH - RIGHT}" stroke="currentColor" opacity=".12"/><text x="${LEFT - 8}" y="${(y(t) + 4).toFixed(1)}" text-anchor="end" fill="currentColor">${t.toFixed(1)}</text>`,
    ),
    `<path d="M${LEFT} ${TOP}V${base}H${WIDTH - RIGHT}" fill="none" stroke="currentColor" opacity=".6"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle" fill="currentColor">background that is redacted, % of pixels away from labels</text>`,
    `<text transform="translate(16 ${(TOP + base) / 2}) rotate(-90)" text-anchor="middle" fill="currentColor">cover90, share of objects</text>`,
    `<polyline points="${points.map(at).join(' ')}" fill="none" stroke="var(--accent)" stroke-width="2"/>`,
    ...points
      .filter((p) => !p.operating)
      .map(
        (p) =>
          `<circle cx="${x(p.background).toFixed(1)}" cy="${y(p.cover90).toFixed(1)}" r="3" fill="var(--accent)"><title>${describe(p)}</title></circle>`,
      ),
    ...points.filter((p) => p.operating).map((p) => operatingMark(p, x(p.background), y(p.cover90))),
  ];
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg"><title>${title}</title>\n${parts.join('\n')}\n</svg>`;
}

interface Point {
  readonly threshold: number;
  readonly cover90: number;
  readonly background: number;
}

/** A ring, explained in the corner that a rising curve leaves free. */
function operatingMark(point: Point, x: number, y: number): string {
  const ring = (cx: number, cy: number): string =>
    `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="6" fill="none" stroke="var(--mark)" stroke-width="2.5"/>`;
  const line = HEIGHT - BOTTOM - 14;
  return `${ring(x, y)}<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="var(--accent)"/>${ring(LEFT + 190, line - 4)}<text x="${LEFT + 204}" y="${line}" fill="currentColor" font-weight="600">${describe(point)}</text>`;
}

function describe({ threshold, cover90, background }: Point): string {
  return `threshold ${Number(threshold.toPrecision(3))}: cover90 ${cover90.toFixed(2)}, background ${(background * 100).toFixed(1)} %`;
}

/** Round steps from 0, four to nine of them. */
function ticks(right: number): number[] {
  const rough = right / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((s) => s * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(right / step) + 1 }, (_, i) => i * step);
}

function tickLabel(tick: number, right: number): string {
  return (tick * 100).toFixed(right < 0.06 ? 1 : 0);
}

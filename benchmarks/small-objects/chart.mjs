import { counts } from './curve.mjs';

const PANEL = { width: 460, height: 300, left: 64, right: 16, top: 64, bottom: 56 };
/** Told apart without colour too: by dashes and marks. */
const STYLES = [
  { colour: '#0072b2', dash: '', mark: (x, y) => `<circle cx="${x}" cy="${y}" r="3.5"/>` },
  { colour: '#d55e00', dash: '7 3', mark: (x, y) => `<path d="M${x - 4},${y + 3}h8l-4,-7z"/>` },
  { colour: '#009e73', dash: '2 3', mark: (x, y) => `<rect x="${x - 3}" y="${y - 3}" width="6" height="6"/>` },
];
const TITLES = { face: 'Faces', plate: 'Licence plates' };

/**
 * One panel per class, one line per level, whiskers for the 95 % interval, hollow marks for heights that do not count.
 * @param {Map<string, Map<string, import('./curve.mjs').Point[]>>} classes curves by class and level
 * @returns {string} SVG
 */
export function drawCurves(classes) {
  const heights = [...classes.values()].flatMap((curves) =>
    [...curves.values()].flatMap((curve) => curve.map(({ height }) => height)),
  );
  const ticks = [...new Set(heights)].sort((a, b) => a - b);
  const width = PANEL.left + PANEL.width + PANEL.right;
  const height = PANEL.top + PANEL.height + PANEL.bottom;
  const panels = [...classes].map(
    ([cls, curves], i) => `<g transform="translate(${i * width} 0)">${panel(cls, curves, ticks)}</g>`,
  );
  const size = `width="${width * classes.size}" height="${height}" viewBox="0 0 ${width * classes.size} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel(cls, curves, ticks) {
  const [least, most] = [Math.log(ticks[0] / 1.1), Math.log(ticks.at(-1) * 1.1)];
  const right = PANEL.left + PANEL.width;
  const bottom = PANEL.top + PANEL.height;
  const x = (height) => round(PANEL.left + (PANEL.width * (Math.log(height) - least)) / (most - least));
  const y = (share) => round(bottom - PANEL.height * share);
  const middle = PANEL.left + PANEL.width / 2;
  const parts = [
    `<text x="${middle}" y="20" text-anchor="middle" font-size="15">${TITLES[cls]}</text>`,
    `<text x="${middle}" y="${bottom + 42}" text-anchor="middle">height of the object in pixels (log scale)</text>`,
    `<text transform="translate(18 ${PANEL.top + PANEL.height / 2}) rotate(-90)" text-anchor="middle">share with at least 90 % of the area redacted</text>`,
  ];
  for (const share of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    parts.push(
      `<path d="M${PANEL.left},${y(share)}H${right}" stroke="#ddd"/>`,
      `<text x="${PANEL.left - 8}" y="${y(share) + 4}" text-anchor="end">${share.toFixed(1)}</text>`,
    );
  }
  for (const height of ticks) {
    parts.push(
      `<path d="M${x(height)},${bottom}v5" stroke="#000"/>`,
      `<text x="${x(height)}" y="${bottom + 19}" text-anchor="middle">${height}</text>`,
    );
  }
  parts.push(
    `<path d="M${PANEL.left},${PANEL.top}V${bottom}H${right}" fill="none" stroke="#000"/>`,
    `<path d="M${PANEL.left},${y(0.9)}H${right}" stroke="#666" stroke-dasharray="4 4"/>`,
    `<text x="${PANEL.left + 6}" y="${y(0.9) - 4}" fill="#666">9 of 10</text>`,
  );
  [...curves].forEach(([level, curve], i) => {
    const { colour, dash, mark } = STYLES[i % STYLES.length];
    // Whiskers side by side.
    const shift = (i - (curves.size - 1) / 2) * 3;
    const at = curve.map((point) => ({ ...point, x: round(x(point.height) + shift) }));
    const line = at.map((point) => `${point.x},${y(point.cover90)}`).join(' ');
    const legend = PANEL.left + i * 120;
    parts.push(
      `<g stroke="${colour}" fill="${colour}">`,
      `<polyline points="${line}" fill="none" stroke-width="2" stroke-dasharray="${dash}"/>`,
      ...at.map(
        (point) =>
          `<path d="M${point.x},${y(point.interval[0])}V${y(point.interval[1])}" opacity=".6"/>` +
          `<g${counts(point) ? '' : ' fill="#fff"'}>${mark(point.x, y(point.cover90))}</g>`,
      ),
      `<path d="M${legend},42h26" stroke-width="2" stroke-dasharray="${dash}"/>${mark(legend + 13, 42)}`,
      `</g><text x="${legend + 32}" y="46">${level}</text>`,
    );
  });
  return parts.join('\n');
}

const round = (value) => Math.round(value * 10) / 10;

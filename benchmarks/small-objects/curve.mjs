/** Share of cases in which a height must be found to count as found. */
const FOUND = 0.9;
/** Distinct objects below which a height says more about them than about their size. */
const LEAST_SOURCES = 10;

/**
 * @typedef {object} Point one height of one curve
 * @property {number} height pixels
 * @property {number} objects
 * @property {number} sources distinct objects that the copies come from
 * @property {number} cover90 share of objects of which at least 90 % of the area is redacted by their own class
 * @property {[number, number]} interval 95 %
 */

/** Whether a point counts for `smallestFound`. */
export function counts(point) {
  return point.sources >= LEAST_SOURCES;
}

/**
 * The smallest height from which on every larger one is found in 9 of 10 cases, among those that count.
 * @param {Point[]} curve by rising height
 * @returns {number | 'none' | 'too few sources'} pixels; 'none' when even the largest is missed too often
 */
export function smallestFound(curve) {
  const counted = curve.filter(counts);
  if (counted.length === 0) return 'too few sources';
  let smallest = 'none';
  for (const { height, cover90 } of counted.toReversed()) {
    if (cover90 < FOUND) break;
    smallest = height;
  }
  return smallest;
}

/**
 * The curves of one class side by side as text.
 * @param {string} cls
 * @param {Map<string, Point[]>} curves by level, all over the same heights
 */
export function table(cls, curves) {
  const levels = [...curves.keys()];
  const [first] = curves.values();
  const rows = first.map((point, i) => [
    `${point.height} px`,
    `${point.objects} of ${point.sources}${counts(point) ? '' : ' (too few)'}`,
    ...levels.map((level) => {
      const { cover90, interval } = curves.get(level)[i];
      return `${cover90.toFixed(2)} [${interval.map((end) => end.toFixed(2)).join(', ')}]`;
    }),
  ]);
  rows.unshift([cls, 'copies of', ...levels]);
  const found = levels.map((level) => {
    const height = smallestFound(curves.get(level));
    return typeof height === 'number' ? `${height} px` : height;
  });
  rows.push(['9 of 10 from', '', ...found]);
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] + 2))
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

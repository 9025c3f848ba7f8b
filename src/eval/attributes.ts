import { type ImageRecord, measureObjects } from './groups.ts';
import type { AttributeReport, ClassReport, Gap, Group } from './report.ts';
import { newcombe, zOfTests } from './statistics.ts';

/** More values than this are no subgroups. */
const MOST_VALUES = 12;
/** What a group needs to be compared. */
const LEAST_OBJECTS = 30;
const LEAST_IMAGES = 10;
/** Half the width of an interval around 0 from which it says nothing. */
const WIDEST = 0.1;
/** Values that say that nothing is known. */
const UNKNOWN = /^(|none|null|nan|n\/?a|unknown|unsure|not[ _-]?sure|not[ _-]?known|undefined|unspecified)$/i;

export const GAP_RULE = `Compared are values with at least ${LEAST_OBJECTS} objects in ${LEAST_IMAGES} photographs; unknown values take no part. The best and the worst differ by the interval of Newcombe (1998) with effective sample sizes, widened for the number of pairs (Bonferroni). "gap": it excludes 0. "no gap shown": it holds 0 and reaches at most ${WIDEST} either way. Otherwise "too few to conclude".`;

/** Breaks a class down by every attribute of its labels. */
export function byAttribute(images: readonly ImageRecord[]): Pick<ClassReport, 'byAttribute' | 'skippedAttributes'> {
  const values = new Map<string, Set<string>>();
  for (const { objects } of images) {
    for (const { attributes } of objects) {
      for (const [name, value] of Object.entries(attributes)) {
        const known = values.get(name);
        if (known) known.add(value);
        else values.set(name, new Set([value]));
      }
    }
  }
  const reports: AttributeReport[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const [name, known] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if ([...known].every((value) => value.trim() !== '' && Number.isFinite(Number(value)))) {
      skipped.push({ name, reason: 'its values are numbers' });
    } else if (known.size > MOST_VALUES) {
      skipped.push({ name, reason: `${known.size} values, more than ${MOST_VALUES}` });
    } else {
      const groups = [...known]
        .map((value) => ({ name: value, ...measureObjects(images, (o) => o.attributes[name] === value) }))
        .sort((a, b) => b.objects - a.objects || (a.name < b.name ? -1 : 1));
      reports.push({ name, groups, gap: gapOf(groups) });
    }
  }
  return { byAttribute: reports, skippedAttributes: skipped };
}

/** Compares the best and the worst of an attribute's values, as `GAP_RULE` says. */
export function gapOf(groups: readonly Group[]): Gap {
  const compared = groups
    .filter((g) => !UNKNOWN.test(g.name.trim()) && g.objects >= LEAST_OBJECTS && g.images >= LEAST_IMAGES)
    .sort((a, b) => (b.cover90.value ?? 0) - (a.cover90.value ?? 0));
  const best = compared[0];
  const worst = compared.at(-1);
  if (!best || !worst || compared.length < 2) return { verdict: 'too few to conclude' };
  const [p1, p2] = [best.cover90.value ?? 0, worst.cover90.value ?? 0];
  const z = zOfTests((compared.length * (compared.length - 1)) / 2);
  const interval = newcombe(p1, best.cover90.effective, p2, worst.cover90.effective, z);
  const isGap = interval.low > 0;
  const isNarrow = Math.max(interval.high, -interval.low) <= WIDEST;
  return {
    verdict: isGap ? 'gap' : isNarrow ? 'no gap shown' : 'too few to conclude',
    best: best.name,
    worst: worst.name,
    difference: p1 - p2,
    interval,
  };
}

import { type Cluster, clusteredShare, type Share } from '../eval/statistics.ts';
import { randomFrom } from '../redact/random.ts';
import { shuffle } from './reidentification.ts';
import { isRecovered, normalise, similarity } from './strings.ts';

/** Mean probability of its characters from which a string of the original counts as read. */
export const LEAST_CONFIDENCE = 0.6;

/** How often the strings are dealt out anew for the control. */
const SHUFFLES = 20;

/** A plate or a line of text whose source is known, and what was read where it was. */
export interface ReadLine {
  readonly photograph: number;
  /** Normalised strings of the original, recognised or labelled, each of three characters or more. */
  readonly sources: readonly string[];
  /** Whatever was read from the redacted line, in all attempts. */
  readonly readings: readonly string[];
  /** Whether the line looks as before. */
  readonly isUntouched: boolean;
}

export interface Legibility {
  readonly lines: number;
  /** Lines of which three characters in a row were read again. */
  readonly recovered: Share;
  /** Of these, those that look as before: nothing was redacted there. */
  readonly recoveredUntouched: number;
  readonly untouched: number;
  /** Lines that were read again letter by letter. */
  readonly exact: number;
  /** Mean over lines of the best similarity of a reading (1 − edit distance / length). */
  readonly similarity: number;
  /** The same two, with the sources of other lines in the place of each line's own: what chance gives. */
  readonly control: { readonly recovered: number; readonly similarity: number };
  readonly verdict: 'none recovered' | 'at chance' | 'above chance' | 'too few to conclude';
}

/** Below so many lines nothing is concluded. */
const LEAST_LINES = 10;

/** @returns nothing without lines */
export function legibility(lines: readonly ReadLine[]): Legibility | undefined {
  if (lines.length === 0) return undefined;
  const readings = lines.map((line) => line.readings.map(normalise));
  const isRead = (sources: number, i: number): boolean =>
    (lines[sources] as ReadLine).sources.some((source) =>
      (readings[i] as string[]).some((read) => isRecovered(source, read)),
    );
  const closeness = (sources: number, i: number): number =>
    Math.max(
      0,
      ...(lines[sources] as ReadLine).sources.flatMap((s) => (readings[i] as string[]).map((r) => similarity(s, r))),
    );
  const hits = lines.map((_, i) => isRead(i, i));
  const control = shuffled(lines, isRead, closeness);
  const recovered = clusteredShare(clusters(lines, hits));
  const redacted = lines.filter((line) => !line.isUntouched).length;
  const recoveredUntouched = lines.filter((line, i) => line.isUntouched && hits[i]).length;
  return {
    lines: lines.length,
    recovered,
    recoveredUntouched,
    untouched: lines.length - redacted,
    exact: lines.filter((line, i) => line.sources.some((s) => readings[i]?.includes(s))).length,
    similarity: mean(lines.map((_, i) => closeness(i, i))),
    control,
    verdict: verdictOf(recovered, control.recovered),
  };
}

function verdictOf({ hits, n, low }: Share, chance: number): Legibility['verdict'] {
  if (hits > 0 && (low ?? 0) > chance) return 'above chance';
  if (n < LEAST_LINES) return 'too few to conclude';
  return hits === 0 ? 'none recovered' : 'at chance';
}

/** Lines with one source in common are no control for each other. */
function shuffled(
  lines: readonly ReadLine[],
  isRead: (sources: number, i: number) => boolean,
  closeness: (sources: number, i: number) => number,
): Legibility['control'] {
  const random = randomFrom(0x6c_65_67);
  let [reads, near, compared] = [0, 0, 0];
  for (let round = 0; round < SHUFFLES; round++) {
    for (const [i, sources] of shuffle(lines.length, random).entries()) {
      const [own, other] = [(lines[i] as ReadLine).sources, (lines[sources] as ReadLine).sources];
      if (sources === i || own.some((s) => other.some((o) => isRecovered(s, o)))) continue;
      compared++;
      near += closeness(sources, i);
      if (isRead(sources, i)) reads++;
    }
  }
  return compared === 0
    ? { recovered: 0, similarity: 0 }
    : { recovered: reads / compared, similarity: near / compared };
}

function clusters(lines: readonly ReadLine[], hits: readonly boolean[]): Cluster[] {
  const found = new Map<number, Cluster>();
  for (const [i, { photograph }] of lines.entries()) {
    const { hits: before, n } = found.get(photograph) ?? { hits: 0, n: 0 };
    found.set(photograph, { hits: before + (hits[i] ? 1 : 0), n: n + 1 });
  }
  return [...found.values()];
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

import { type Random, randomFrom } from '../redact/random.ts';
import type { Identities } from './identities.ts';
import { accuracyAt, type Trials, type Verification, verify } from './trials.ts';

export const MEASURES = ['accuracy', 'auc', 'eer', 'rank1'] as const;
export type Measure = (typeof MEASURES)[number];

/** Those that decide, each tested at a third of 5 %, one-sided (Bonferroni). */
const DECISIVE = ['accuracy', 'auc', 'rank1'] as const;
const LEVEL = 0.05 / DECISIVE.length;

/** Comparisons that all rounds of a resampling may look at together, and limits of the rounds. */
const MOST_COMPARISONS = 2e8;
const ROUNDS = { least: 200, most: 2000 } as const;

/** From so many people on, people are drawn, not photographs of each. */
const ENOUGH_PEOPLE = 10;

/** A measure with its 95 % interval, and what shuffled people give. */
export interface Tested {
  readonly value: number;
  /** Percentile bootstrap (Efron, 1979). */
  readonly low: number;
  readonly high: number;
  /** Mean over shuffled people, and the value that they reach or exceed in 1 of 60 (EER: stay below). */
  readonly chance: number;
  readonly limit: number;
  /** Share of shufflings that do as well (permutation test; Phipson and Smyth, 2010). */
  readonly p: number;
}

export type Verdict = 'at chance' | 'above chance' | 'too few to conclude';

export interface Reidentification extends Readonly<Record<Measure, Tested>> {
  /** The greatest distance of one person at the best threshold. */
  readonly threshold: number;
  /** Accuracy at the threshold that was best on originals. */
  readonly accuracyAtOriginal: number;
  readonly verdict: Verdict;
}

export interface Enough {
  /** Photographs with a face and a person, people, and those of them with two photographs or more. */
  readonly photographs: number;
  readonly people: number;
  readonly withMates: number;
}

export function countPeople({ people }: Identities): Enough {
  const counts = new Map<number, number>();
  for (const person of people) if (person !== undefined) counts.set(person, (counts.get(person) ?? 0) + 1);
  const sizes = [...counts.values()];
  return {
    photographs: sizes.reduce((a, b) => a + b, 0),
    people: sizes.length,
    withMates: sizes.filter((n) => n > 1).length,
  };
}

/**
 * How well people are told apart by these distances, tested against the same distances with people shuffled.
 * Deterministic.
 *
 * @param original what was measured on originals; absent when these are they
 * @returns nothing when there is no pair of one person, or none of two
 */
export function reidentify(
  trials: Trials,
  identities: Identities,
  original?: Pick<Reidentification, 'threshold' | 'verdict'>,
): Reidentification | undefined {
  const { relation } = identities;
  const observed = verify(trials, relation);
  if (!observed) return undefined;
  const budget = Math.floor(MOST_COMPARISONS / Math.max(1, trials.distance.length));
  const rounds = Math.min(ROUNDS.most, Math.max(ROUNDS.least, budget));
  const shuffled = resample(rounds, 1, (random) =>
    verify(trials, relation, { places: shuffle(trials.photographs, random) }),
  );
  const drawn = resample(rounds, 2, (random) => verify(trials, relation, { weights: draw(identities, random) }));
  const tested = Object.fromEntries(
    MEASURES.map((measure) => [measure, test(measure, observed, shuffled, drawn)]),
  ) as Record<Measure, Tested>;
  const isAbove = DECISIVE.some((measure) => tested[measure].p <= LEVEL);
  const blunt =
    countPeople(identities).withMates < 2 || (original !== undefined && original.verdict !== 'above chance');
  return {
    ...tested,
    threshold: observed.threshold,
    accuracyAtOriginal: original ? accuracyAt(trials, relation, original.threshold) : observed.accuracy,
    verdict: isAbove ? 'above chance' : blunt || original === undefined ? 'too few to conclude' : 'at chance',
  };
}

function resample(rounds: number, seed: number, once: (random: Random) => Verification | undefined): Verification[] {
  const random = randomFrom(0x61_74_74, seed);
  return Array.from({ length: rounds }, () => once(random)).filter((v) => v !== undefined);
}

function test(
  measure: Measure,
  observed: Verification,
  shuffled: readonly Verification[],
  drawn: readonly Verification[],
): Tested {
  const value = observed[measure];
  const sign = measure === 'eer' ? -1 : 1;
  const chances = shuffled.map((v) => v[measure]).sort((a, b) => a - b);
  const values = drawn.map((v) => v[measure]).sort((a, b) => a - b);
  const asGood = chances.filter((c) => sign * c >= sign * value - 1e-12).length;
  return {
    value,
    low: quantile(values, 0.025) ?? value,
    high: quantile(values, 0.975) ?? value,
    chance: chances.length === 0 ? value : chances.reduce((a, b) => a + b, 0) / chances.length,
    limit: quantile(chances, sign > 0 ? 1 - LEVEL : LEVEL) ?? value,
    p: (1 + asGood) / (1 + chances.length),
  };
}

/** @param sorted ascending @returns nothing when empty */
export function quantile(sorted: readonly number[], q: number): number | undefined {
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === undefined || high === undefined ? undefined : low + (high - low) * (at - Math.floor(at));
}

/** Fisher and Yates (1938). */
export function shuffle(n: number, random: Random): Uint32Array {
  const places = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.int(0, i);
    [places[i], places[j]] = [places[j] as number, places[i] as number];
  }
  return places;
}

/** How often each photograph is drawn: with its person or, where people are few, within those of its person. */
function draw({ people }: Identities, random: Random): Float64Array {
  const weights = new Float64Array(people.length);
  const groups = new Map<number, number[]>();
  for (const [i, person] of people.entries()) {
    if (person !== undefined) groups.set(person, [...(groups.get(person) ?? []), i]);
  }
  const members = [...groups.values()];
  const add = (i: number): void => {
    weights[i] = (weights[i] as number) + 1;
  };
  for (const own of members) {
    if (members.length >= ENOUGH_PEOPLE) for (const i of random.pick(members)) add(i);
    else for (const _ of own) add(random.pick(own));
  }
  return weights;
}

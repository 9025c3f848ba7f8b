import { describe, expect, it } from 'vitest';
import { knownPeople } from '../../src/attack/identities.ts';
import { countPeople, quantile, reidentify } from '../../src/attack/reidentification.ts';
import { trialsOf } from '../../src/attack/trials.ts';
import { randomFrom } from '../../src/redact/random.ts';

const PEOPLE = Array.from({ length: 24 }, (_, i) => i >> 2);
const identities = knownPeople(PEOPLE);
const ORIGINAL = { threshold: 0.1, verdict: 'above chance' } as const;

function trials(point: (i: number) => number) {
  const points = PEOPLE.map((_, i) => point(i));
  return trialsOf(points.length, (g, p) => Math.abs((points[g] as number) - (points[p] as number)));
}

const apart = trials((i) => (PEOPLE[i] as number) + (i % 4) * 0.01);
const random = randomFrom(5);
const mixed = trials(() => random.next());
const alike = trials(() => 1);

describe('the verdict', () => {
  it.each([
    ['people who are apart', apart, ORIGINAL, 'above chance'],
    ['originals who are apart', apart, undefined, 'above chance'],
    ['people at random', mixed, ORIGINAL, 'at chance'],
    ['people who all look the same', alike, ORIGINAL, 'at chance'],
    ['originals at random', mixed, undefined, 'too few to conclude'],
    [
      'redacted people whose originals were not told apart',
      mixed,
      { ...ORIGINAL, verdict: 'too few to conclude' } as const,
      'too few to conclude',
    ],
  ] as const)('%s', (_, given, original, verdict) => {
    expect(reidentify(given, identities, original)?.verdict).toBe(verdict);
  });

  it('six photographs of three people cannot show anything', () => {
    const people = [0, 0, 1, 1, 2, 2];
    const few = trialsOf(6, (g, p) => (people[g] === people[p] ? 0 : 1));
    const found = reidentify(few, knownPeople(people));
    expect(found?.rank1.value).toBe(1);
    // One of fifteen ways to pair them.
    expect(found?.rank1.p).toBeGreaterThan(0.04);
    expect(found?.verdict).toBe('too few to conclude');
  });
});

describe('intervals and chance', () => {
  it('hold the value and lie where shuffled people lie', () => {
    const found = reidentify(mixed, identities, ORIGINAL);
    for (const measure of ['auc', 'eer', 'rank1'] as const) {
      const { value, low, high } = found?.[measure] ?? { value: 0, low: 1, high: 0 };
      expect(low).toBeLessThanOrEqual(value + 1e-9);
      expect(high).toBeGreaterThanOrEqual(value - 1e-9);
    }
    expect(found?.auc.chance).toBeCloseTo(0.5, 1);
    expect(found?.rank1.chance).toBeCloseTo(3 / 23, 1);
    expect(found?.auc.limit).toBeGreaterThan(found?.auc.chance ?? 1);
    expect(found?.eer.limit).toBeLessThan(found?.eer.chance ?? 0);
  });

  it('are the same every time', () => {
    expect(reidentify(mixed, identities, ORIGINAL)).toEqual(reidentify(mixed, identities, ORIGINAL));
  });

  it('leave no width where every draw gives the same', () => {
    expect(reidentify(apart, identities)?.auc).toMatchObject({ value: 1, low: 1, high: 1 });
    expect(reidentify(alike, identities, ORIGINAL)?.auc).toMatchObject({ value: 0.5, low: 0.5, high: 0.5 });
  });
});

it.each([
  [[], undefined],
  [[7], 7],
  [[0, 10], 5],
  [[0, 1, 2], 1],
])('the median of %j is %s', (values, expected) => {
  expect(quantile(values, 0.5)).toBe(expected);
});

it('people are counted', () => {
  expect(countPeople(knownPeople([0, 0, 1, undefined]))).toEqual({ photographs: 3, people: 2, withMates: 1 });
  expect(countPeople(knownPeople([]))).toEqual({ photographs: 0, people: 0, withMates: 0 });
});

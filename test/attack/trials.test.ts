import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromPairs, knownPeople, subset } from '../../src/attack/identities.ts';
import { accuracyAt, trialsOf, type Verification, verify } from '../../src/attack/trials.ts';

/** Photographs as points on a line. */
function onLine(points: readonly number[], people: readonly (number | undefined)[]): Verification | undefined {
  const trials = trialsOf(points.length, (g, p) => Math.abs((points[g] as number) - (points[p] as number)));
  return verify(trials, knownPeople(people).relation);
}

describe('telling people apart', () => {
  it('people far from each other are told without an error', () => {
    expect(onLine([0, 1, 10, 12], [0, 0, 1, 1])).toEqual({ accuracy: 1, threshold: 2, auc: 1, eer: 0, rank1: 1 });
  });

  it('people whose photographs are farther apart than strangers are always told wrong', () => {
    const { auc, rank1, accuracy } = onLine([0, 10, 0.5, 9.5], [0, 0, 1, 1]) ?? {};
    expect([rank1, accuracy]).toEqual([0, 0.5]);
    expect(auc).toBeLessThan(0.5);
  });

  it('where all look the same, ties share the credit', () => {
    const people = [0, 0, 0, 1, 1];
    expect(onLine([3, 3, 3, 3, 3], people)).toEqual({
      accuracy: 0.5,
      threshold: -Infinity,
      auc: 0.5,
      eer: 0.5,
      // Two of four others for three probes, one of four for two.
      rank1: (3 * (2 / 4) + 2 * (1 / 4)) / 5,
    });
  });

  it.each<[string, (number | undefined)[]]>([
    ['one person', [0, 0, 0]],
    ['nobody twice', [0, 1, 2]],
    ['nobody known', [undefined, undefined, undefined]],
    ['a pair of one person and a stranger to all', [0, 0, undefined]],
    ['no photograph', []],
  ])('%s gives no figure', (_, people) => {
    expect(
      onLine(
        people.map((_, i) => i),
        people,
      ),
    ).toBeUndefined();
  });

  it('every figure is the same in whatever order photographs come', () => {
    const photograph = fc.record({ at: fc.integer({ min: 0, max: 9 }), person: fc.integer({ min: 0, max: 2 }) });
    fc.assert(
      fc.property(fc.array(photograph, { maxLength: 9 }), (set) => {
        const measure = (photographs: typeof set) =>
          onLine(
            photographs.map((p) => p.at),
            photographs.map((p) => p.person),
          );
        const [a, b] = [measure(set), measure([...set].reverse())];
        expect(a === undefined).toBe(b === undefined);
        for (const key of ['accuracy', 'auc', 'eer', 'rank1'] as const)
          expect(b?.[key] ?? 0).toBeCloseTo(a?.[key] ?? 0);
        for (const key of ['auc', 'eer', 'rank1'] as const) {
          expect(a?.[key] ?? 0).toBeGreaterThanOrEqual(0);
          expect(a?.[key] ?? 0).toBeLessThanOrEqual(1);
        }
        expect(a?.accuracy ?? 1).toBeGreaterThanOrEqual(0.5);
      }),
    );
  });

  it('weights count a photograph as often as it is drawn', () => {
    const points = [0, 1, 4, 5, 2];
    const people = [0, 0, 1, 1, 1];
    const trials = trialsOf(5, (g, p) => Math.abs((points[g] as number) - (points[p] as number)));
    const { relation } = knownPeople(people);
    const without = verify(trials, relation, { weights: [1, 1, 1, 1, 0] });
    expect(without).toEqual(onLine(points.slice(0, 4), people.slice(0, 4)));
    expect(verify(trials, relation, { weights: [2, 2, 2, 2, 2] })).toEqual(verify(trials, relation));
  });

  it('the accuracy at a given threshold is the best one at the best threshold only', () => {
    const points = [0, 1, 10, 12];
    const trials = trialsOf(4, (g, p) => Math.abs((points[g] as number) - (points[p] as number)));
    const { relation } = knownPeople([0, 0, 1, 1]);
    expect([-1, 1, 2, 100].map((t) => accuracyAt(trials, relation, t))).toEqual([0.5, 0.75, 1, 0.5]);
  });
});

describe('who is known', () => {
  it('pairs: the same as the same is the same, and what no pair sets apart is unknown', () => {
    const { relation, contradiction } = fromPairs(5, [
      { a: 0, b: 1, same: true },
      { a: 1, b: 2, same: true },
      { a: 2, b: 3, same: false },
    ]);
    expect(contradiction).toBeUndefined();
    expect([relation(0, 2), relation(3, 0), relation(0, 4), relation(3, 4)]).toEqual([
      'same',
      'different',
      'unknown',
      'unknown',
    ]);
  });

  it('pairs that contradict each other are named', () => {
    const wrong = { a: 0, b: 2, same: false };
    const { contradiction } = fromPairs(3, [{ a: 0, b: 1, same: true }, { a: 1, b: 2, same: true }, wrong]);
    expect(contradiction).toEqual(wrong);
  });

  it('a part keeps its people', () => {
    const { relation, people } = subset(knownPeople([0, 1, 0, undefined]), [0, 2, 3]);
    expect(people).toEqual([0, 0, undefined]);
    expect([relation(0, 1), relation(0, 2)]).toEqual(['same', 'unknown']);
  });
});

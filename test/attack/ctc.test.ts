import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { greedyDecode } from '../../src/attack/ctc.ts';

const CHARACTERS = ['a', 'b', '字'];

/** Probabilities whose best class at each step is given: 0 is the blank. */
function path(classes: readonly number[], p = 0.7): Float32Array {
  const rest = (1 - p) / CHARACTERS.length;
  return Float32Array.from(classes.flatMap((best) => [0, 1, 2, 3].map((c) => (c === best ? p : rest))));
}

describe('the best path', () => {
  it.each<[string, number[], string]>([
    ['nothing but blanks', [0, 0, 0], ''],
    ['no step at all', [], ''],
    ['repeats are one character', [1, 1, 2, 2, 2], 'ab'],
    ['a blank between repeats makes two', [1, 0, 1], 'aa'],
    ['characters beyond the Latin script', [3, 0, 0, 3, 1], '字字a'],
    ['a change without a blank', [1, 2, 1], 'aba'],
  ])('%s', (_, classes, text) => {
    expect(greedyDecode(path(classes), classes.length, CHARACTERS).text).toBe(text);
  });

  it('is as sure as its characters are on average, blanks and repeats left out', () => {
    const probabilities = Float32Array.from([
      ...path([1], 0.9),
      ...path([1], 0.5),
      ...path([0], 0.4),
      ...path([2], 0.7),
    ]);
    expect(greedyDecode(probabilities, 4, CHARACTERS).confidence).toBeCloseTo(0.8);
    expect(greedyDecode(path([0, 0]), 2, CHARACTERS).confidence).toBe(0);
  });

  it('reads back any string written with a blank after each character', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 })), (classes) => {
        const steps = classes.flatMap((c) => [c, 0]);
        const { text } = greedyDecode(path(steps), steps.length, CHARACTERS);
        expect(text).toBe(classes.map((c) => CHARACTERS[c - 1]).join(''));
      }),
    );
  });
});

it('sizes that do not fit are refused', () => {
  expect(() => greedyDecode(new Float32Array(7), 2, CHARACTERS)).toThrow('Expected 2 × 4 probabilities but received 7');
});

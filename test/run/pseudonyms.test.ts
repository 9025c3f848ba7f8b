import { expect, it } from 'vitest';
import { Groups, numbersOf } from '../../src/run/pseudonyms.ts';

it('gives every sample a number of its own, whatever its name', () => {
  const groups = new Groups('fresh');
  expect(['a', 'b', 'a'].map((name) => groups.numberOf(name))).toEqual([0, 1, 2]);
});

// A number made from the name would let anyone try out names.
it('numbers names by when they first come, not by what they are', () => {
  const groups = new Groups('stable');
  expect(['zoe', 'ann', 'zoe', 'bob', 'ann'].map((name) => groups.numberOf(name))).toEqual([0, 1, 0, 2, 1]);
});

it.each(['fresh', 'stable'] as const)(
  'numbers a sample alike whether those before it are done or left out: %s',
  (which) => {
    const names = ['zoe', 'ann', 'zoe', 'bob', 'ann'];
    const numbers = (indices: readonly number[]): number[] =>
      indices.map(numbersOf(new Groups(which), (index) => names[index] as string));
    const all = numbers([0, 1, 2, 3, 4]);
    expect(numbers([3, 4])).toEqual(all.slice(3));
    expect(numbers([2, 4])).toEqual([all[2], all[4]]);
  },
);

import { expect, it } from 'vitest';
import { Groups } from '../src/pseudonyms.ts';

it('gives every sample a number of its own, whatever its name', () => {
  const groups = new Groups('fresh');
  expect(['a', 'b', 'a'].map((name) => groups.numberOf(name))).toEqual([0, 1, 2]);
});

// A number made from the name would let anyone try out names.
it('numbers names by when they first come, not by what they are', () => {
  const groups = new Groups('stable');
  expect(['zoe', 'ann', 'zoe', 'bob', 'ann'].map((name) => groups.numberOf(name))).toEqual([0, 1, 0, 2, 1]);
});

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Repeatable random numbers: the same parts of a seed give the same sequence on every machine. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number;
  /** Mean 0, standard deviation 1 (Box and Muller, 1958). */
  normal(): number;
  pick<T>(choices: readonly T[]): T;
}

/** @param seed whole numbers of up to 32 bits; any change of one gives an unrelated sequence. */
export function randomFrom(...seed: readonly number[]): Random {
  const generator = xoroshiro128plus(seed.reduce(mix, 0x9e3779b9));
  const next = (): number => uniformFloat64(generator);
  const int = (least: number, most: number): number => uniformInt(generator, least, most);
  return {
    next,
    int,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    pick: (choices) => {
      if (choices.length === 0) throw new RangeError('Expected at least one choice to pick from');
      return choices[int(0, choices.length - 1)] as (typeof choices)[number];
    },
  };
}

/** Spreads every bit of `value` over the state (the finalizer of MurmurHash3). */
function mix(state: number, value: number): number {
  let h = Math.imul(state ^ value, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

/** Which samples share their synthetic replacements. */
export type Pseudonyms = 'fresh' | 'stable';

/**
 * Numbers groups of samples in the order in which they come, so that what a group looks like says nothing of its
 * name: a look made from the name could be tried out against a list of names.
 */
export class Groups {
  readonly #pseudonyms: Pseudonyms;
  readonly #numbers = new Map<string, number>();
  #samples = 0;

  constructor(pseudonyms: Pseudonyms) {
    this.#pseudonyms = pseudonyms;
  }

  /** @param name what samples of one group have in common, such as their folder; not used when every sample is fresh. */
  numberOf(name: string): number {
    if (this.#pseudonyms === 'fresh') return this.#samples++;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(name, number);
    return number;
  }
}

/**
 * The group numbers of samples by index, which must come in ascending order but may be left out: a run that
 * goes on gives the same numbers as one that was never interrupted.
 *
 * @param nameOf what `numberOf` gets for a sample.
 */
export function numbersOf(groups: Groups, nameOf: (index: number) => string): (index: number) => number {
  let next = 0;
  let number = 0;
  return (index) => {
    for (; next <= index; next++) number = groups.numberOf(nameOf(next));
    return number;
  };
}

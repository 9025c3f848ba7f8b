import type { Relation } from './trials.ts';

/** Who is on which photograph, as far as that is known. */
export interface Identities {
  /** By photograph: the number of its person; `undefined` when nothing is known of it. */
  readonly people: readonly (number | undefined)[];
  readonly relation: (a: number, b: number) => Relation;
}

/** People are known: photographs of two people show different ones. */
export function knownPeople(people: readonly (number | undefined)[]): Identities {
  return {
    people,
    relation: (a, b) => {
      const [p, q] = [people[a], people[b]];
      if (p === undefined || q === undefined) return 'unknown';
      return p === q ? 'same' : 'different';
    },
  };
}

export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly same: boolean;
}

/**
 * Only pairs are known: what is the same as the same is the same, while two photographs that no pair sets apart may
 * show one person.
 * @returns `contradiction` names a pair that is said to be different but follows to be the same
 */
export function fromPairs(photographs: number, pairs: readonly Pair[]): Identities & { readonly contradiction?: Pair } {
  const root = Array.from({ length: photographs }, (_, i) => i);
  const find = (i: number): number => {
    let at = i;
    while (root[at] !== at) at = root[at] as number;
    return at;
  };
  for (const { a, b, same } of pairs) if (same) root[find(a)] = find(b);
  const named = new Set(pairs.flatMap(({ a, b }) => [a, b]));
  const people = root.map((_, i) => (named.has(i) ? find(i) : undefined));
  const key = (p: number, q: number): string => (p < q ? `${p},${q}` : `${q},${p}`);
  const apart = new Set(pairs.filter((p) => !p.same).map(({ a, b }) => key(find(a), find(b))));
  const contradiction = pairs.find(({ a, b, same }) => !same && find(a) === find(b));
  return {
    people,
    relation: (a, b) => {
      const [p, q] = [people[a], people[b]];
      if (p === undefined || q === undefined) return 'unknown';
      if (p === q) return 'same';
      return apart.has(key(p, q)) ? 'different' : 'unknown';
    },
    ...(contradiction ? { contradiction } : {}),
  };
}

/** The same for some of the photographs, renumbered. */
export function subset({ people, relation }: Identities, kept: readonly number[]): Identities {
  return {
    people: kept.map((i) => people[i]),
    relation: (a, b) => relation(kept[a] as number, kept[b] as number),
  };
}

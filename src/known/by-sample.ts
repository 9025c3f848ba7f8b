import type { ClassName } from '../core/types.ts';
import type { Address } from './corrections.ts';

/** The samples of a run by the names that files of boxes and corrections have for them. */
export interface NamedSamples {
  readonly total: number;
  readonly at: (index: number) => { readonly relativePath: string };
}

/** Index of each of the named samples. */
export function indexByName(source: NamedSamples, names: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  for (let index = 0; index < source.total; index++) {
    const { relativePath } = source.at(index);
    if (names.has(relativePath)) found.set(relativePath, index);
  }
  return found;
}

/** @typeParam C a correction. */
export interface SampleCorrections<C> {
  /** By index of the sample. */
  readonly bySample: ReadonlyMap<number, readonly { readonly where: string; readonly correction: C }[]>;
  /** Of samples that do not exist, or of classes that are left alone, one sentence each. */
  readonly stray: readonly string[];
}

/** @param what a sample is called in messages. */
export function correctionsBySample<C extends { readonly class: ClassName }>(
  rows: readonly (Address & { readonly correction: C })[],
  source: NamedSamples,
  isRedacted: (cls: ClassName) => boolean,
  what: 'image' | 'clip' = 'image',
): SampleCorrections<C> {
  const indices = indexByName(source, new Set(rows.flatMap(({ file }) => file ?? [])));
  const bySample = new Map<number, { where: string; correction: C }[]>();
  const stray: string[] = [];
  for (const { where, key, file, correction } of rows) {
    if (!isRedacted(correction.class)) {
      stray.push(`${where}: ${correction.class} is not redacted in this run`);
      continue;
    }
    const index = file === undefined ? Number(key) : indices.get(file);
    if (index === undefined || index >= source.total) {
      stray.push(
        `${where}: ${file === undefined ? `no sample has the key ${key}` : `no ${what} is called ${JSON.stringify(file)}`}`,
      );
      continue;
    }
    const list = bySample.get(index) ?? [];
    if (list.length === 0) bySample.set(index, list);
    list.push({ where, correction });
  }
  return { bySample, stray };
}

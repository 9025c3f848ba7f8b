import type { Correction } from '../core/corrections.ts';
import type { ClassName } from '../core/types.ts';
import type { Source } from '../io/source.ts';
import type { AddressedCorrection } from './corrections.ts';

/** Index of each of the named samples. */
export function indexByName(source: Source, names: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  for (let index = 0; index < source.total; index++) {
    const { relativePath } = source.at(index);
    if (names.has(relativePath)) found.set(relativePath, index);
  }
  return found;
}

export interface SampleCorrections {
  /** By index of the sample. */
  readonly bySample: ReadonlyMap<number, readonly { readonly where: string; readonly correction: Correction }[]>;
  /** Of samples that do not exist, or of classes that are left alone, one sentence each. */
  readonly stray: readonly string[];
}

export function correctionsBySample(
  rows: readonly AddressedCorrection[],
  source: Source,
  isRedacted: (cls: ClassName) => boolean,
): SampleCorrections {
  const indices = indexByName(source, new Set(rows.flatMap(({ file }) => file ?? [])));
  const bySample = new Map<number, { where: string; correction: Correction }[]>();
  const stray: string[] = [];
  for (const { where, key, file, correction } of rows) {
    if (!isRedacted(correction.class)) {
      stray.push(`${where}: ${correction.class} is not redacted in this run`);
      continue;
    }
    const index = file === undefined ? Number(key) : indices.get(file);
    if (index === undefined || index >= source.total) {
      stray.push(
        `${where}: ${file === undefined ? `no sample has the key ${key}` : `no image is called ${JSON.stringify(file)}`}`,
      );
      continue;
    }
    const list = bySample.get(index) ?? [];
    if (list.length === 0) bySample.set(index, list);
    list.push({ where, correction });
  }
  return { bySample, stray };
}

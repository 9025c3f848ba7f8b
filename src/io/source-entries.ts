import { UsageError } from '../errors.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, privatePath } from './private-files.ts';
import { privateLines } from './private-lines.ts';
import type { Seal } from './seal.ts';
import type { SampleOrigin } from './source.ts';
import type { StoredKept } from './stored-kept.ts';

/** What a private directory tells of where a sample came from. */
export interface SourceEntry {
  readonly index: number;
  readonly origin: SampleOrigin;
  /** What the image is called in a folder of outputs; the first versions kept none. */
  readonly name?: string;
  readonly cls?: string;
  /** What a list of inputs calls it. */
  readonly listedKey?: string;
  /** SHA-256 of the bytes that came in. */
  readonly sha256?: string;
  /** Extensions of what was published with it; those that the folder keeps. */
  readonly kept?: { readonly all: readonly string[]; readonly stored: readonly string[] };
}

/** A line of the log. */
type SourceLine = Readonly<Partial<Record<'source' | 'member' | 'name' | 'cls' | 'listed_key' | 'sha256', string>>> & {
  readonly kept?: StoredKept;
};

/** The sources in a private directory, as they stand there. @throws UsageError for other lines. */
export async function* readSources(folder: string, seal: Seal | undefined): AsyncGenerator<SourceEntry> {
  const path = privatePath(folder, LEDGER.sources, seal !== undefined);
  for await (const line of privateLines(folder, LEDGER.sources, seal)) {
    const { source, member, name, cls, listed_key, sha256, kept } = JSON.parse(line) as SourceLine;
    if (source === undefined) throw new UsageError(`Expected a source in every line of ${path} but one has none`);
    yield {
      index: indexOf(line, path),
      origin: { path: source, ...(member === undefined ? {} : { member }) },
      ...(name === undefined ? {} : { name }),
      ...(cls === undefined ? {} : { cls }),
      ...(listed_key === undefined ? {} : { listedKey: listed_key }),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(kept === undefined ? {} : { kept: membersIn(kept) }),
    };
  }
}

function membersIn(kept: StoredKept): NonNullable<SourceEntry['kept']> {
  const all = Object.keys(kept);
  return { all, stored: all.filter((extension) => kept[extension] !== null) };
}

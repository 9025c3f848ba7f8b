import { UsageError } from '../errors.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, privatePath } from './private-files.ts';
import { privateLines } from './private-lines.ts';
import type { Seal } from './seal.ts';
import type { SampleOrigin } from './source.ts';

/** What a private directory tells of where a sample came from. */
export interface SourceEntry {
  readonly index: number;
  readonly origin: SampleOrigin;
  /** What the image is called in a folder of outputs; the first versions kept none. */
  readonly name?: string;
  readonly cls?: string;
  /** SHA-256 of the bytes that came in. */
  readonly sha256?: string;
}

/** The sources in a private directory, as they stand there. @throws UsageError for other lines. */
export async function* readSources(folder: string, seal: Seal | undefined): AsyncGenerator<SourceEntry> {
  const path = privatePath(folder, LEDGER.sources, seal !== undefined);
  for await (const line of privateLines(folder, LEDGER.sources, seal)) {
    const { source, member, name, cls, sha256 } = JSON.parse(line) as Record<string, string | undefined>;
    if (source === undefined) throw new UsageError(`Expected a source in every line of ${path} but one has none`);
    yield {
      index: indexOf(line, path),
      origin: { path: source, ...(member === undefined ? {} : { member }) },
      ...(name === undefined ? {} : { name }),
      ...(cls === undefined ? {} : { cls }),
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  }
}

import type { KeptMembers } from './inputs/kept.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, privatePath } from './private-files.ts';
import { privateLines } from './private-lines.ts';
import type { Seal } from './seal.ts';

/** Bytes of a member that the private folder keeps, so that a replay has it. Larger ones would double the set. */
const STORED_BYTES = 64 * 1024;

/** What was published with a sample, in base64, by extension; null for what is too large to be kept. */
export type StoredKept = Readonly<Record<string, string | null>>;

export function storedKept(kept: KeptMembers): StoredKept {
  const sorted = [...kept].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([extension, bytes]) => [
      extension,
      bytes.length <= STORED_BYTES ? Buffer.from(bytes).toString('base64') : null,
    ]),
  );
}

/** Reads what was published with samples from the log of sources, in ascending order of index. */
export class StoredKeptLines {
  readonly #path: string;
  readonly #members: readonly string[];
  readonly #lines: AsyncGenerator<string>;
  /** The line that was read last, of a sample that was not asked for yet. */
  #line: string | undefined;

  /** @param members extensions of what is wanted. @param seal of a folder that is encrypted. */
  constructor(folder: string, members: readonly string[], seal: Seal | undefined) {
    this.#path = privatePath(folder, LEDGER.sources, seal !== undefined);
    this.#members = members;
    this.#lines = privateLines(folder, LEDGER.sources, seal);
  }

  /** Undefined when the sample has none, or the log does not know it any more. */
  async of(index: number): Promise<KeptMembers | undefined> {
    if (this.#members.length === 0) return undefined;
    for (;;) {
      const line = this.#line ?? (await this.#lines.next()).value;
      if (line === undefined) return undefined;
      const at = indexOf(line, this.#path);
      this.#line = at > index ? line : undefined;
      if (at > index) return undefined;
      if (at < index) continue;
      const { kept } = JSON.parse(line) as { kept?: StoredKept };
      if (kept === undefined) return undefined;
      return new Map(this.#members.map((extension) => [extension, Buffer.from(kept[extension] ?? '', 'base64')]));
    }
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}

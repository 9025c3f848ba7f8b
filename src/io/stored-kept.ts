import type { KeptMembers } from './inputs/kept.ts';
import { indexOf } from './ledger-files.ts';
import { wholeLines } from './lines.ts';

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

/** Reads what was published with samples from the lines of `sources.jsonl`, in ascending order of index. */
export class StoredKeptLines {
  readonly #path: string;
  readonly #members: readonly string[];
  readonly #lines: AsyncGenerator<string>;

  /** @param members extensions of what is wanted. */
  constructor(path: string, members: readonly string[]) {
    this.#path = path;
    this.#members = members;
    this.#lines = wholeLines(path);
  }

  /** Undefined when the sample has none. */
  async of(index: number): Promise<KeptMembers | undefined> {
    if (this.#members.length === 0) return undefined;
    for (;;) {
      const { value: line, done } = await this.#lines.next();
      if (done || line === undefined) return undefined;
      if (indexOf(line, this.#path) !== index) continue;
      const { kept } = JSON.parse(line) as { kept?: StoredKept };
      if (kept === undefined) return undefined;
      return new Map(this.#members.map((extension) => [extension, Buffer.from(kept[extension] ?? '', 'base64')]));
    }
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}

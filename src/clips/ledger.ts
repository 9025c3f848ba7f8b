import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../io/atomic.ts';
import { FOLDER_KEY, LEDGER, PRIVATE_FILES } from '../io/private-files.ts';
import { privateLines, replacePrivateLines } from '../io/private-lines.ts';
import { type PrivateRun, readPrivateRun, writePrivateRun } from '../io/private-run.ts';
import type { Seal } from '../io/seal.ts';
import { differingPrivateRuns } from '../io/settings.ts';
import { writeSourceIdKey } from '../io/source-id-key.ts';
import type { ListedClip } from './list.ts';

/**
 * What the private folder (0700, files 0600) tells of a run over clips besides the work on them: which clip came from
 * where, why some were held back, and how to redact them again. Encrypted where there is a seal.
 */
export class ClipLedger {
  readonly #folder: string;
  readonly #seal: Seal | undefined;
  /** Lines on clips that are not published, by key. */
  readonly #quarantine: Map<string, string>;
  /** Clips end at the same time; their lines are written one after the other. */
  #written: Promise<void> = Promise.resolve();

  private constructor(folder: string, seal: Seal | undefined, quarantine: Map<string, string>) {
    this.#folder = folder;
    this.#seal = seal;
    this.#quarantine = quarantine;
  }

  /**
   * What is not as in the earlier run, such as `seed: 0 → 7`; nothing for a folder that does not tell.
   * @throws UsageError for a folder of something else.
   */
  static async differences(folder: string, run: PrivateRun, seal: Seal | undefined): Promise<string[]> {
    const earlier = await readPrivateRun(folder, seal);
    return earlier === undefined ? [] : differingPrivateRuns(earlier, run);
  }

  /** Whether the folder knows these very clips. Undefined when it knows none yet. */
  static async knows(
    folder: string,
    clips: readonly ListedClip[],
    seal: Seal | undefined,
  ): Promise<boolean | undefined> {
    const known: string[] = [];
    for await (const line of privateLines(folder, LEDGER.sources, seal)) known.push(line);
    return known.length === 0 && clips.length > 0 ? undefined : known.join('\n') === clips.map(sourceLine).join('\n');
  }

  /** Makes the folder of a new run; what was left of one that was killed before its first word goes. @throws OutputError */
  static async create(folder: string, seal: Seal | undefined, sourceIdKey: string | undefined): Promise<void> {
    await makeFolder(folder, 0o700);
    for (const name of PRIVATE_FILES) await rm(join(folder, name), { recursive: true, force: true });
    if (seal) await writeFileAtomic(join(folder, FOLDER_KEY), seal.folderKey, 0o600);
    if (sourceIdKey !== undefined) await writeSourceIdKey(folder, sourceIdKey, seal);
  }

  /** Opens the folder of a run, and writes what it tells of these clips unless that is there. @throws OutputError */
  static async open(
    folder: string,
    clips: readonly ListedClip[],
    run: PrivateRun,
    seal: Seal | undefined,
  ): Promise<ClipLedger> {
    await chmod(folder, 0o700);
    if ((await ClipLedger.knows(folder, clips, seal)) === undefined) {
      await writePrivateRun(folder, run, seal);
      const sources = async function* (): AsyncGenerator<string> {
        for (const clip of clips) yield sourceLine(clip);
      };
      await replacePrivateLines(folder, LEDGER.sources, sources, seal);
    }
    const quarantine = new Map<string, string>();
    for await (const line of privateLines(folder, LEDGER.quarantine, seal))
      quarantine.set((JSON.parse(line) as { readonly key: string }).key, line);
    return new ClipLedger(folder, seal, quarantine);
  }

  /** A clip is held back. @throws OutputError */
  async hold({ key, path }: ListedClip, why: Readonly<Record<string, unknown>>): Promise<void> {
    this.#quarantine.set(key, JSON.stringify({ key, source: path, ...why }));
    await this.#writeQuarantine();
  }

  /** A clip is published that may have been held back before. @throws OutputError */
  async release({ key }: ListedClip): Promise<void> {
    if (this.#quarantine.delete(key)) await this.#writeQuarantine();
  }

  #writeQuarantine(): Promise<void> {
    const write = async (): Promise<void> => {
      const sorted = [...this.#quarantine].sort(([a], [b]) => (a < b ? -1 : 1));
      const lines = async function* (): AsyncGenerator<string> {
        for (const [, line] of sorted) yield line;
      };
      await replacePrivateLines(this.#folder, LEDGER.quarantine, lines, this.#seal);
    };
    const written = this.#written.then(write);
    this.#written = written.catch(() => {});
    return written;
  }
}

function sourceLine({ key, path, relativePath }: ListedClip): string {
  return JSON.stringify({ key, source: path, name: relativePath });
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { makeFolder, type WrittenFile, writeFileAtomic } from './atomic.ts';
import { jsonLines } from './records.ts';

/** Folder of the public logs, below the output folder. */
export const LOG_FOLDER = '_anonymize';
/** Marks a folder as written by this program. */
export const RUN_FILE = `${LOG_FOLDER}/run.json`;
export const TOOL = 'anonymize';

export type RunStatus = 'running' | 'finished' | 'interrupted' | 'failed';

/** The public logs of a run: its settings and state, the redaction records, the checksums. */
export class RunLog {
  readonly #out: string;
  #run: Record<string, unknown>;
  readonly #files: WrittenFile[] = [];
  #pending: string | undefined;

  /** Creates the folder and writes run.json. @throws OutputError */
  static async create(out: string, run: Record<string, unknown>): Promise<RunLog> {
    await makeFolder(join(out, LOG_FOLDER, 'redactions'));
    const log = new RunLog(out, run);
    await log.setStatus('running');
    return log;
  }

  private constructor(out: string, run: Record<string, unknown>) {
    this.#out = out;
    this.#run = run;
  }

  async setStatus(status: RunStatus, more: Record<string, unknown> = {}): Promise<void> {
    this.#run = { ...this.#run, ...more };
    const ours = { tool: TOOL, v: 1, status };
    // Ours come first for the reader, and again so that nothing replaces them.
    const json = JSON.stringify({ ...ours, ...this.#run, ...ours }, undefined, 2);
    await writeFileAtomic(join(this.#out, RUN_FILE), `${json}\n`);
  }

  /** Writes the log of a shard; `commit` or `rollback` must follow. */
  async writeRedactions(shard: string, records: readonly RedactionRecord[]): Promise<WrittenFile> {
    const path = `${LOG_FOLDER}/redactions/${shard}.jsonl`;
    const digest = await writeFileAtomic(join(this.#out, path), jsonLines(records));
    this.#pending = path;
    return { path, sha256: digest };
  }

  /** Takes the files of a whole shard into the checksums. */
  commit(files: readonly WrittenFile[]): void {
    this.#pending = undefined;
    this.#files.push(...files);
  }

  /** Removes the log that was not committed. */
  async rollback(): Promise<void> {
    if (this.#pending !== undefined) await rm(join(this.#out, this.#pending), { force: true });
    this.#pending = undefined;
  }

  /**
   * Writes SHA256SUMS (for `sha256sum -c` in the output folder) over everything but itself and
   * run.json, whose status `finished` is written after it.
   */
  async finish(more: Record<string, unknown>): Promise<void> {
    const files = this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
    await writeFileAtomic(join(this.#out, LOG_FOLDER, 'SHA256SUMS'), files.map(checksumLine).join(''));
    await this.setStatus('finished', more);
  }
}

/** A line as GNU coreutils writes it: a leading backslash says that the name is escaped. */
function checksumLine({ path, sha256 }: WrittenFile): string {
  const escaped = path.replace(/[\\\n\r]/g, (c) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r' })[c] as string);
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}\n`;
}

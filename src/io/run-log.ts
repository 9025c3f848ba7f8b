import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { makeFolder, sha256OfFile, syncFolder, type WrittenFile, writeFileAtomic } from './atomic.ts';
import { jsonLines } from './records.ts';
import { recordVersion } from './versions.ts';

/** Folder of the public logs, below the output folder. */
export const LOG_FOLDER = '_anonymize';
/** Marks a folder as written by this program. */
export const RUN_FILE = `${LOG_FOLDER}/run.json`;
export const TOOL = 'anonymize';
export const SUMS_FILE = `${LOG_FOLDER}/SHA256SUMS`;
/** Which samples were withdrawn, and when. */
export const TOMBSTONES = `${LOG_FOLDER}/withdrawn.jsonl`;
/** What has changed in an output since it was published; absent when nothing has. */
export const VERSIONS = `${LOG_FOLDER}/versions.jsonl`;

export type RunStatus = 'running' | 'finished' | 'interrupted' | 'failed' | 'withdrawing';

/** The redaction log of a shard, below the output folder. */
export function logFile(shard: string): string {
  return `${LOG_FOLDER}/redactions/${shard}.jsonl`;
}

/** The same before its shard is published: it names the files that get their final names meanwhile. */
function pendingLog(shard: string): string {
  return `${logFile(shard)}.pending`;
}

/** The public logs of a run: its settings and state, the redaction records, the checksums. */
export class RunLog {
  readonly #out: string;
  readonly #runFile: string;
  #run: Record<string, unknown>;
  readonly #files: WrittenFile[] = [];
  /** Log of the shard at hand. */
  #staged: WrittenFile | undefined;
  #leftovers: string[] = [];

  /**
   * Creates the folder and writes run.json.
   * @param runFile where that is, below `out`.
   * @throws OutputError
   */
  static async create(out: string, run: Record<string, unknown>, runFile: string = RUN_FILE): Promise<RunLog> {
    await makeFolder(join(out, LOG_FOLDER, 'redactions'));
    const log = new RunLog(out, run, runFile);
    await log.setStatus('running');
    return log;
  }

  /** Of an output that is written already. @param run what its run.json tells. */
  static over(out: string, run: Record<string, unknown>): RunLog {
    return new RunLog(out, run, RUN_FILE);
  }

  private constructor(out: string, run: Record<string, unknown>, runFile: string) {
    this.#out = out;
    this.#run = run;
    this.#runFile = runFile;
  }

  async setStatus(status: RunStatus, more: Record<string, unknown> = {}): Promise<void> {
    this.#run = { ...this.#run, ...more };
    const ours = { tool: TOOL, v: 1, status };
    // Ours come first for the reader, and again so that nothing replaces them.
    const json = JSON.stringify({ ...ours, ...this.#run, ...ours }, undefined, 2);
    await writeFileAtomic(join(this.#out, this.#runFile), `${json}\n`);
  }

  /** Writes the log of a shard apart; `publish` or `rollback` must follow. */
  async stage(shard: string, records: readonly RedactionRecord[]): Promise<void> {
    this.#leftovers = [pendingLog(shard)];
    const digest = await writeFileAtomic(join(this.#out, pendingLog(shard)), jsonLines(records));
    this.#staged = { path: logFile(shard), sha256: digest };
  }

  /** Gives the staged log its name; `commit` or `rollback` must follow. */
  async publish(): Promise<WrittenFile> {
    const { path } = this.#staged as WrittenFile;
    const [pending] = this.#leftovers as [string];
    await rename(join(this.#out, pending), join(this.#out, path));
    this.#leftovers.push(path);
    await syncFolder(join(this.#out, LOG_FOLDER, 'redactions'));
    return this.#staged as WrittenFile;
  }

  /** Takes the files of a whole shard into the checksums. */
  commit(files: readonly WrittenFile[]): void {
    this.#leftovers = [];
    this.#files.push(...files);
  }

  /** Removes the log that was not committed. */
  async rollback(): Promise<void> {
    for (const path of this.#leftovers) await rm(join(this.#out, path), { force: true });
    this.#leftovers = [];
  }

  /** Of a part of a run: the checksums are those of the whole and come with it. */
  async finishPart(result: Record<string, unknown>): Promise<void> {
    await this.setStatus('finished', { result });
  }

  /**
   * Writes SHA256SUMS (for `sha256sum -c` in the output folder) over everything but itself,
   * run.json, whose status `finished` is written after it, and the shards' summaries, whose times
   * would make two outputs of the same bytes look different.
   */
  async finish(more: Record<string, unknown>): Promise<void> {
    const tombstones = await sha256OfFile(join(this.#out, TOMBSTONES)).catch(() => undefined);
    if (tombstones !== undefined) this.#files.push({ path: TOMBSTONES, sha256: tombstones });
    await writeSums(this.#out, this.#files);
    await recordVersion(this.#out, { change: 'completed' });
    await this.setStatus('finished', more);
  }
}

/** Writes the checksums of an output, for `sha256sum -c` in its folder. @throws OutputError */
export async function writeSums(out: string, files: readonly WrittenFile[]): Promise<void> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  await writeFileAtomic(join(out, SUMS_FILE), sorted.map(checksumLine).join(''));
}

/** The checksums of an output. @throws Error when they cannot be read. */
export async function readSums(out: string): Promise<WrittenFile[]> {
  const lines = (await readFile(join(out, SUMS_FILE), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [, escaped, sum = '', name = ''] = /^(\\?)([0-9a-f]{64}) [ *](.*)$/.exec(line) ?? [];
    const path = escaped ? name.replace(/\\(n|r|\\)/g, (_, c) => ({ n: '\n', r: '\r' })[c as string] ?? '\\') : name;
    return { path, sha256: sum };
  });
}

/** A line as GNU coreutils writes it: a leading backslash says that the name is escaped. */
function checksumLine({ path, sha256 }: WrittenFile): string {
  const escaped = path.replace(/[\\\n\r]/g, (c) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r' })[c] as string);
  return `${escaped === path ? '' : '\\'}${sha256}  ${escaped}\n`;
}

import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedOutcome, VerifiedRecord } from '../core/outcome.ts';
import { allSteps, asOutputError, syncFolder, type WrittenFile, writeFileAtomic } from './atomic.ts';
import { extensionFor } from './extensions.ts';
import { verifiedRecord } from './records.ts';
import type { Shard, ShardFactory, ShardRow, SinkSample } from './shard.ts';
import { shardParquet, summarizeShard } from './shard-tables.ts';
import { TarWriter } from './tar-writer.ts';

const now = (): number => Date.now() / 1000;

class WebdatasetShard implements Shard {
  readonly path: string;
  readonly #out: string;
  readonly #name: string;
  readonly #hasCls: boolean;
  readonly #startTime = now();
  readonly #tar: TarWriter;
  /** What is at its final name. */
  readonly #files: WrittenFile[] = [];
  #closed = false;
  #sha256 = '';

  constructor(out: string, name: string, hasCls: boolean, tar: TarWriter) {
    this.path = join(out, `${name}.tar`);
    this.#out = out;
    this.#name = name;
    this.#hasCls = hasCls;
    this.#tar = tar;
  }

  async add(key: string, sample: SinkSample, outcome: PublishedOutcome): Promise<VerifiedRecord> {
    const record = verifiedRecord(key, undefined, outcome.record);
    const image = `${key}.${extensionFor(outcome.format)}`;
    const members = new Map([
      [image, outcome.bytes],
      [`${key}.json`, Buffer.from(JSON.stringify(record))],
    ]);
    if (sample.cls !== undefined) members.set(`${key}.cls`, Buffer.from(sample.cls));
    for (const [name, bytes] of [...members].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // The digest from the worker: what is on the disk in the end must be what was verified there.
      await this.#tar.add(name, bytes, name === image ? record.out_sha256 : undefined);
    }
    return record;
  }

  skip(): void {}

  async verify(): Promise<void> {
    this.#closed = true;
    await this.#tar.close();
    this.#sha256 = await this.#tar.verify();
  }

  async publish(): Promise<readonly WrittenFile[]> {
    await rename(join(this.#out, `${this.#name}.tar.tmp`), this.path);
    const file = this.#published(`${this.#name}.tar`, this.#sha256);
    await syncFolder(this.#out);
    return [file];
  }

  async seal(rows: readonly ShardRow[]): Promise<readonly WrittenFile[]> {
    const parquet = await this.#write('.parquet', shardParquet(rows, this.#hasCls));
    const summary = summarizeShard(rows, this.#startTime, now());
    return [parquet, await this.#write('_stats.json', `${JSON.stringify(summary, undefined, 2)}\n`)];
  }

  async #write(suffix: string, data: string | Uint8Array): Promise<WrittenFile> {
    const path = this.#name + suffix;
    return this.#published(path, await writeFileAtomic(join(this.#out, path), data));
  }

  #published(path: string, digest: string): WrittenFile {
    const file = { path, sha256: digest };
    this.#files.push(file);
    return file;
  }

  async discard(): Promise<void> {
    // Last written, first removed: a remainder must never look like a whole shard.
    const paths = [...this.#files.map((file) => file.path).reverse(), `${this.#name}.tar.tmp`];
    await allSteps(
      async () => this.#closed || this.#tar.abort(),
      ...paths.map((path) => () => rm(join(this.#out, path), { force: true })),
    );
  }
}

/** Shards as WebDataset tars with img2dataset's sidecars, in `out`. */
export function webdatasetShards(out: string, hasCls: boolean): ShardFactory {
  return async (name) => {
    const path = join(out, `${name}.tar.tmp`);
    try {
      return new WebdatasetShard(out, name, hasCls, await TarWriter.create(path));
    } catch (error) {
      throw asOutputError(path, error);
    }
  };
}

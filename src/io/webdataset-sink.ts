import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedOutcome, VerifiedRecord } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { allSteps, asOutputError, syncFolder, type WrittenFile, writeFileAtomic } from './atomic.ts';
import { daliIndex } from './dali-index.ts';
import { extensionFor } from './extensions.ts';
import type { KeptMembers } from './inputs/kept.ts';
import { keptDigests, sampleRecord, verifiedRecord } from './records.ts';
import type { Shard, ShardExtras, ShardFormat, ShardRow, SinkSample } from './shard.ts';
import { shardParquet, summarizeShard } from './shard-tables.ts';
import { readBody, skipBody, type TarEntry, tarEntries } from './tar-archive.ts';
import { memberName } from './tar-members.ts';
import { TarWriter } from './tar-writer.ts';
import { checkWebdatasetShard } from './webdataset-check.ts';

const now = (): number => Date.now() / 1000;

class WebdatasetShard implements Shard {
  readonly path: string;
  readonly #out: string;
  readonly #name: string;
  readonly #hasCls: boolean;
  readonly #extras: ShardExtras;
  readonly #startTime = now();
  readonly #tar: TarWriter;
  /** Paths of what is at its final name. */
  readonly #written: string[] = [];
  /** The shard of an earlier run that this one takes the place of. */
  #published: AsyncGenerator<TarEntry> | undefined;
  #closed = false;
  #sha256 = '';

  constructor(out: string, name: string, hasCls: boolean, extras: ShardExtras, tar: TarWriter) {
    this.path = join(out, `${name}.tar`);
    this.#out = out;
    this.#name = name;
    this.#hasCls = hasCls;
    this.#extras = extras;
    this.#tar = tar;
  }

  async add(key: string, sample: SinkSample, outcome: PublishedOutcome): Promise<VerifiedRecord> {
    const record = verifiedRecord(key, undefined, { ...outcome.record, ...keptDigests(sample.kept) });
    await this.#addMembers(record, extensionFor(outcome.format), outcome.bytes, sample.cls, sample.kept);
    return record;
  }

  async keep(sample: SinkSample, record: VerifiedRecord): Promise<void> {
    this.#published ??= tarEntries(this.path);
    const kept = new Map<string, Uint8Array>();
    let image: { readonly extension: string; readonly bytes: Uint8Array } | undefined;
    const isWhole = (): boolean => kept.size === Object.keys(record.kept ?? {}).length;
    while (image === undefined || !isWhole()) {
      const { value: entry, done } = await this.#published.next();
      if (done) throw new OutputError(`Expected ${record.key} in ${this.path} but it is gone`);
      const { key, extension } = memberName(entry.header.name);
      const isKept = record.kept !== undefined && Object.hasOwn(record.kept, extension);
      if (key !== record.key || (!isKept && (extension === 'json' || extension === 'cls'))) await skipBody(entry);
      else if (isKept) kept.set(extension, await readBody(entry));
      else image = { extension, bytes: await readBody(entry) };
    }
    return this.#addMembers(record, image.extension, image.bytes, sample.cls, kept);
  }

  async #addMembers(
    record: VerifiedRecord,
    extension: string,
    bytes: Uint8Array,
    cls: string | undefined,
    kept: KeptMembers = new Map(),
  ): Promise<void> {
    for (const { name, body, digest } of sampleMembers(record, extension, bytes, cls, kept)) {
      await this.#tar.add(name, body, digest);
    }
  }

  skip(): void {}

  async verify(): Promise<void> {
    await this.#published?.return(undefined);
    this.#closed = true;
    await this.#tar.close();
    this.#sha256 = await this.#tar.verify();
  }

  async publish(): Promise<readonly WrittenFile[]> {
    await rm(join(this.#out, markerOf(this.#name)), { force: true });
    await rename(join(this.#out, `${this.#name}.tar.tmp`), this.path);
    this.#written.push(this.path);
    await syncFolder(this.#out);
    return [{ path: `${this.#name}.tar`, sha256: this.#sha256 }];
  }

  async seal(rows: readonly ShardRow[]): Promise<readonly WrittenFile[]> {
    const index = await this.#writeIndex();
    const parquet = { path: `${this.#name}.parquet`, data: shardParquet(rows, this.#hasCls, this.#extras) };
    const digest = await this.#write(parquet.path, parquet.data);
    const summary = summarizeShard(rows, this.#startTime, now());
    await this.#write(markerOf(this.#name), `${JSON.stringify(summary, undefined, 2)}\n`);
    return [...index, { path: parquet.path, sha256: digest }];
  }

  async #writeIndex(): Promise<WrittenFile[]> {
    if (!this.#extras.daliIndex) return [];
    const path = `${this.#name}.idx`;
    return [{ path, sha256: await this.#write(path, daliIndex(this.#tar.members)) }];
  }

  async #write(path: string, data: string | Uint8Array): Promise<string> {
    const file = join(this.#out, path);
    const digest = await writeFileAtomic(file, data);
    this.#written.push(file);
    return digest;
  }

  async discard(): Promise<void> {
    // Last written, first removed: a remainder must never look like a whole shard.
    const paths = [...this.#written.reverse(), `${this.path}.tmp`];
    await allSteps(
      async () => this.#published?.return(undefined),
      async () => this.#closed || this.#tar.abort(),
      ...paths.map((path) => () => rm(path, { force: true })),
    );
  }
}

/** A member of a sample. */
export interface SampleMember {
  readonly name: string;
  readonly body: Uint8Array;
  /** SHA-256 that the body must have, hex, where it is known from before. */
  readonly digest?: string;
}

/**
 * The members of a published sample, sorted by name.
 * @param extension of the image.
 * @param kept what passes with it, by extension.
 */
export function sampleMembers(
  record: VerifiedRecord,
  extension: string,
  image: Uint8Array,
  cls: string | undefined,
  kept: KeptMembers = new Map(),
): SampleMember[] {
  const members: SampleMember[] = [
    // The digest from the worker: what is written in the end must be what was verified there.
    { name: `${record.key}.${extension}`, body: image, digest: record.out_sha256 },
    { name: `${record.key}.json`, body: Buffer.from(sampleRecord(record)) },
    ...(cls === undefined ? [] : [{ name: `${record.key}.cls`, body: Buffer.from(cls) }]),
    ...[...kept].map(([name, body]) => ({
      name: `${record.key}.${name}`,
      body,
      digest: record.kept?.[name] as string,
    })),
  ];
  return members.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function markerOf(name: string): string {
  return `${name}_stats.json`;
}

/** Shards as WebDataset tars with img2dataset's sidecars, in `out`. */
export function webdatasetShards(out: string, hasCls: boolean, extras: ShardExtras = {}): ShardFormat {
  return {
    async open(name) {
      const path = join(out, `${name}.tar.tmp`);
      try {
        return new WebdatasetShard(out, name, hasCls, extras, await TarWriter.create(path));
      } catch (error) {
        throw asOutputError(path, error);
      }
    },
    markerOf,
    check: (name, rows) => checkWebdatasetShard(out, name, rows, hasCls, extras),
    adopt() {},
    passOver() {},
    closing: [],
    close: async () => [],
  };
}

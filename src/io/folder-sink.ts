import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { PublishedOutcome, VerifiedRecord } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { isWithin } from '../paths.ts';
import { allSteps, makeFolder, sha256, syncFolder, type WrittenFile, withFile } from './atomic.ts';
import { withExtensionFor } from './extensions.ts';
import { verifiedRecord } from './records.ts';
import type { Shard, ShardFactory, SinkSample } from './shard.ts';
import { plainSegments, stagingName, TargetNames } from './target-names.ts';

class FolderShard implements Shard {
  readonly path: string;
  readonly #out: string;
  readonly #staging: string;
  readonly #names: TargetNames;
  readonly #staged: WrittenFile[] = [];
  readonly #published: string[] = [];
  /** Folders of the mirrored tree that this shard made, outermost first. */
  readonly #made: string[] = [];

  constructor(out: string, staging: string, names: TargetNames) {
    this.path = staging;
    this.#out = out;
    this.#staging = staging;
    this.#names = names;
  }

  async add(key: string, sample: SinkSample, outcome: PublishedOutcome): Promise<VerifiedRecord> {
    plainSegments(sample.relativePath);
    const wanted = withExtensionFor(sample.relativePath, outcome.format);
    const { path, sidecar } = this.#names.claim(wanted, sample.cls === undefined ? undefined : 'cls');
    // The digest from the worker: what is on the disk in the end must be what was verified there.
    await this.#stage(path, outcome.bytes, outcome.record.out_sha256);
    if (sidecar !== undefined) await this.#stage(sidecar, Buffer.from(sample.cls as string));
    return verifiedRecord(key, path, outcome.record);
  }

  async #stage(path: string, bytes: Uint8Array, digest = sha256(bytes)): Promise<void> {
    const target = join(this.#staging, path);
    if (!isWithin(resolve(target), this.#staging)) {
      throw new OutputError(`Expected an output file below ${this.#out} but received ${JSON.stringify(path)}`);
    }
    await makeFolder(dirname(target));
    await withFile(target, 'wx', (handle) => handle.writeFile(bytes));
    this.#staged.push({ path, sha256: digest });
  }

  /** The name of a sample that failed stays free: nothing else may pass for it. */
  skip(sample: SinkSample): void {
    this.#names.claim(sample.relativePath);
  }

  async verify(): Promise<void> {
    for (const { path, sha256: expected } of this.#staged) {
      const file = join(this.#staging, path);
      const bytes = await withFile(file, 'r+', async (handle) => {
        await handle.sync();
        return handle.readFile();
      });
      if (sha256(bytes) !== expected)
        throw new OutputError(`Expected ${file} to hold what was written but its bytes differ`);
    }
  }

  async publish(): Promise<readonly WrittenFile[]> {
    const folders = new Set<string>();
    for (const { path } of this.#staged) {
      const target = join(this.#out, path);
      const first = await mkdir(dirname(target), { recursive: true });
      if (first !== undefined) this.#made.push(first);
      await rename(join(this.#staging, path), target);
      this.#published.push(target);
      for (let folder = dirname(target); isWithin(folder, this.#out); folder = dirname(folder)) folders.add(folder);
    }
    for (const folder of folders) await syncFolder(folder);
    await rm(this.#staging, { recursive: true, force: true });
    return this.#staged;
  }

  async seal(): Promise<readonly WrittenFile[]> {
    return [];
  }

  async discard(): Promise<void> {
    const remove = (path: string) => () => rm(path, { recursive: true, force: true });
    await allSteps(...[...this.#published, ...this.#made.reverse(), this.#staging].map(remove));
  }
}

/** Shards as a mirror of the input tree in `out` (absolute); each is staged apart and moved in when it is whole. */
export function folderShards(out: string): ShardFactory {
  const names = new TargetNames();
  return async (name) => {
    const staging = join(out, stagingName(name));
    await makeFolder(staging);
    return new FolderShard(out, staging, names);
  };
}

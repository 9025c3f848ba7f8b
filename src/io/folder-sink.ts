import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { PublishedOutcome, VerifiedRecord } from '../core/outcome.ts';
import { OutputError } from '../errors.ts';
import { isWithin } from '../paths.ts';
import { allSteps, makeFolder, sha256, sha256OfFile, syncFolder, type WrittenFile, withFile } from './atomic.ts';
import { withExtensionFor } from './extensions.ts';
import { HF_METADATA, writeHfMetadata } from './hf-metadata.ts';
import { keptDigests, verifiedRecord } from './records.ts';
import { logFile } from './run-log.ts';
import type { Shard, ShardFormat, SinkSample } from './shard.ts';
import { plainSegments, sidecarOf, stagingName, TargetNames } from './target-names.ts';

class FolderShard implements Shard {
  readonly path: string;
  readonly #out: string;
  readonly #staging: string;
  readonly #names: TargetNames;
  readonly #staged: WrittenFile[] = [];
  readonly #kept: WrittenFile[] = [];
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
    const beside = new Map(sample.kept);
    if (sample.cls !== undefined) beside.set('cls', Buffer.from(sample.cls));
    const { path } = this.#names.claim(wanted, [...beside.keys()]);
    // The digest from the worker: what is on the disk in the end must be what was verified there.
    await this.#stage(path, outcome.bytes, outcome.record.out_sha256);
    for (const [extension, bytes] of beside) await this.#stage(sidecarOf(path, extension), bytes);
    return verifiedRecord(key, path, { ...outcome.record, ...keptDigests(sample.kept) });
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

  /** The file stays where it is. */
  async keep(sample: SinkSample, record: VerifiedRecord): Promise<void> {
    this.#kept.push(...filesOf(record, sample.cls));
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
      const move = async (): Promise<void> => {
        const first = await mkdir(dirname(target), { recursive: true });
        if (first !== undefined) this.#made.push(first);
        await rename(join(this.#staging, path), target);
      };
      await move().catch((error: NodeJS.ErrnoException) => {
        // Another part of the run may have removed a folder that it left empty.
        if (error.code !== 'ENOENT') throw error;
        return move();
      });
      this.#published.push(target);
      for (let folder = dirname(target); isWithin(folder, this.#out); folder = dirname(folder)) folders.add(folder);
    }
    for (const folder of folders) await syncFolder(folder);
    await rm(this.#staging, { recursive: true, force: true });
    return [...this.#kept, ...this.#staged];
  }

  async seal(): Promise<readonly WrittenFile[]> {
    return [];
  }

  async discard(): Promise<void> {
    const remove = (path: string) => () => rm(path, { recursive: true, force: true });
    await allSteps(...[...this.#published, this.#staging].map(remove));
    // As far as they are empty: another part of the run may have put its images there meanwhile.
    for (const { path } of this.#staged) {
      const isMade = (folder: string): boolean => this.#made.some((first) => isWithin(folder, first));
      for (let folder = dirname(join(this.#out, path)); isMade(folder); folder = dirname(folder)) {
        await rmdir(folder).catch(() => undefined);
      }
    }
  }
}

/** The files of a published sample. @throws OutputError for a record that no folder output has. */
function filesOf({ key, file, kept = {}, out_sha256 }: VerifiedRecord, cls: string | undefined): WrittenFile[] {
  if (file === undefined) throw new OutputError(`Expected the file of ${key} in its record but received none`);
  plainSegments(file);
  return [
    { path: file, sha256: out_sha256 },
    ...(cls === undefined ? [] : [{ path: sidecarOf(file, 'cls'), sha256: sha256(cls) }]),
    ...Object.entries(kept).map(([extension, digest]) => ({ path: sidecarOf(file, extension), sha256: digest })),
  ];
}

/** Shards as a mirror of the input tree in `out` (absolute); each is staged apart and moved in when it is whole. */
export function folderShards(out: string, hfMetadata = false): ShardFormat {
  const names = new TargetNames();
  return {
    async open(name) {
      const staging = join(out, stagingName(name));
      await makeFolder(staging);
      return new FolderShard(out, staging, names);
    },
    markerOf: logFile,
    async check(_, rows) {
      const files = rows.flatMap(({ record, cls }) => (record.status === 'verified' ? filesOf(record, cls) : []));
      for (const { path, sha256: expected } of files) {
        if ((await sha256OfFile(join(out, path))) !== expected) throw new Error(`${path} differs from its record`);
      }
      return files;
    },
    adopt: ({ cls }, record) => {
      const [image, ...sidecars] = filesOf(record, cls).map(({ path }) => path);
      names.adopt({ path: image as string, sidecars });
    },
    passOver: (sample) => void names.claim(sample.relativePath),
    closing: hfMetadata ? [HF_METADATA] : [],
    close: async (shards, at) => (hfMetadata ? [await writeHfMetadata(out, shards, at)] : []),
  };
}

import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { SampleRef } from '../core/sample.ts';
import { UsageError } from '../errors.ts';
import { assertDisjoint, type OutputPlaces } from './disjoint.ts';
import { countExtensions, extensionOf, looksLikeVideo } from './extensions.ts';
import { listImages } from './folder-source.ts';
import { scanTar, tarImages } from './tar-source.ts';

/** What the sample is called at the source. For the private directory only. */
export interface SampleOrigin {
  /** Absolute path of the file, or of the tar archive. */
  readonly path: string;
  readonly member?: string;
}

export interface Sample {
  /** 0, 1, 2… without gaps, in the order of the inputs. */
  readonly index: number;
  readonly ref: SampleRef;
  readonly origin: SampleOrigin;
  /** POSIX path for `--format folder`. */
  readonly relativePath: string;
  /** Class index, when every sample of the run has one. */
  readonly cls?: string;
}

/** Everything that one run reads, known before its work begins. Nothing in it is fit for public files. */
export interface Source {
  readonly total: number;
  /** Samples by lower-case extension. */
  readonly extensions: ReadonlyMap<string, number>;
  /** What was not taken, by extension or kind (`hidden`, `repeated folder`, `symlink`…). */
  readonly dropped: ReadonlyMap<string, number>;
  readonly hasCls: boolean;
  /** The samples in order of index. Ends early, without an error, when `signal` is aborted. */
  samples(signal?: AbortSignal): AsyncGenerator<Sample>;
}

export interface SourceOptions {
  /** Folders, image files and WebDataset `.tar` shards. */
  readonly inputs: readonly string[];
  readonly out: string;
  readonly privateDir: string;
  /** Larger tar members are refused; default 512 MiB. */
  readonly memberLimitBytes?: number;
}

type Input = { readonly path: string; readonly kind: 'folder' | 'tar' | 'file' };
type Entry = Omit<Sample, 'index'>;

/** One input, listed. */
interface Part {
  /** Relative paths of its samples, in order. */
  readonly names: readonly string[];
  readonly dropped: ReadonlyMap<string, number>;
  readonly clsMembers: number;
  readonly labelled: boolean;
  entries(withCls: boolean): AsyncIterable<Entry> | Iterable<Entry>;
}

/**
 * Lists the inputs and checks all that can be checked without decoding an image.
 *
 * @throws UsageError for an input that is missing, unreadable or not supported, for places that
 * overlap, and for two samples of the same relative path.
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { memberLimitBytes = 512 * 2 ** 20 } = options;
  if (options.inputs.length === 0) throw new UsageError('Expected at least one input but received none');
  const inputs = await Promise.all(options.inputs.map(inspect));
  const places = await assertDisjoint(
    inputs.map((input) => input.path),
    resolve(options.out),
    resolve(options.privateDir),
  );
  const parts: Part[] = [];
  for (const input of inputs) {
    const prefix = inputs.length > 1 && input.kind !== 'file' ? `${stemOf(input)}/` : '';
    parts.push(await listInput(input, prefix, places, memberLimitBytes));
  }
  if (parts.length > 1) assertDistinct(parts);

  const hasCls = parts.every((part) => part.labelled || part.names.length === 0) && parts.some((part) => part.labelled);
  const dropped = new Map<string, number>();
  for (const part of parts) {
    for (const [label, n] of part.dropped) dropped.set(label, (dropped.get(label) ?? 0) + n);
    if (!hasCls && part.clsMembers > 0) dropped.set('cls', (dropped.get('cls') ?? 0) + part.clsMembers);
  }
  return {
    total: parts.reduce((sum, part) => sum + part.names.length, 0),
    extensions: countExtensions(parts.flatMap((part) => part.names)),
    dropped,
    hasCls,
    async *samples(signal) {
      let index = 0;
      for (const part of parts) {
        for await (const entry of part.entries(hasCls)) {
          if (signal?.aborted) return;
          yield { index, ...entry };
          index += 1;
        }
      }
    },
  };
}

async function inspect(input: string): Promise<Input> {
  if (input === '-')
    throw new UsageError('Expected a path as input but received "-": stdin is not supported by this version');
  if (input === '') throw new UsageError('Expected a path as input but received an empty string');
  const path = resolve(input);
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const what = error.code === 'ENOENT' ? 'does not exist' : `cannot be opened (${error.code})`;
    throw new UsageError(`Expected an existing file or folder as input but received ${input}, which ${what}`);
  });
  if (stats.isDirectory()) return { path, kind: 'folder' };
  if (!stats.isFile())
    throw new UsageError(`Expected a file or folder as input but received ${input}, which is neither`);
  if (looksLikeVideo(path)) {
    throw new UsageError(`Expected images as input but received ${input}: video is not supported by this version`);
  }
  if (/\.(tgz|txz|tbz2?|tar\.\w+)$/i.test(path)) {
    throw new UsageError(`Expected an uncompressed .tar as input but received ${input}: decompress it first`);
  }
  return { path, kind: extensionOf(basename(path)) === 'tar' ? 'tar' : 'file' };
}

function stemOf(input: Input): string {
  const name = basename(input.path);
  return input.kind === 'tar' ? name.slice(0, -'.tar'.length) : name;
}

async function listInput(input: Input, prefix: string, places: OutputPlaces, limit: number): Promise<Part> {
  const { path, kind } = input;
  const none = { clsMembers: 0, labelled: false };
  if (kind === 'file') {
    const name = basename(path);
    const entry: Entry = { ref: { kind: 'file', path }, origin: { path }, relativePath: name };
    return { ...none, names: [name], dropped: new Map(), entries: () => [entry] };
  }
  if (kind === 'folder') {
    const { images, dropped } = await listImages(path, places);
    const names = images.map((image) => prefix + image);
    return {
      ...none,
      names,
      dropped,
      *entries() {
        for (const [i, image] of images.entries()) {
          const file = join(path, image);
          yield { ref: { kind: 'file', path: file }, origin: { path: file }, relativePath: names[i] as string };
        }
      },
    };
  }
  const scan = await scanTar(path);
  return {
    names: scan.images.map((image) => prefix + image),
    dropped: scan.dropped,
    clsMembers: scan.clsMembers,
    labelled: scan.labels !== undefined,
    async *entries(withCls) {
      for await (const { name, size, bytes, label } of tarImages(scan, limit)) {
        const message = `Expected a member of at most ${limit} bytes but received ${size}`;
        yield {
          ref: bytes === undefined ? { kind: 'refused', reason: 'too-large', message } : { kind: 'bytes', bytes },
          origin: { path, member: name },
          relativePath: prefix + name,
          ...(withCls && label !== undefined ? { cls: String(label) } : {}),
        };
      }
    },
  };
}

function assertDistinct(parts: readonly Part[]): void {
  const seen = new Set<string>();
  for (const part of parts) {
    for (const name of part.names) {
      if (seen.has(name)) {
        throw new UsageError(`Expected inputs without names in common but received ${JSON.stringify(name)} twice`);
      }
      seen.add(name);
    }
  }
}

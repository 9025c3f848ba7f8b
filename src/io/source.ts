import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { SampleRef } from '../core/sample.ts';
import { UsageError } from '../errors.ts';
import { classFolders, type Labels } from './class-folders.ts';
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

/** A sample as the inputs are listed: its bytes have not been looked at. */
export interface ListedSample {
  /** 0, 1, 2… without gaps, in the order of the inputs. */
  readonly index: number;
  readonly origin: SampleOrigin;
  /** POSIX path for `--format folder`. */
  readonly relativePath: string;
  /** Class index, when every sample of the run has one. */
  readonly cls?: string;
}

export interface Sample extends ListedSample {
  readonly ref: SampleRef;
}

export interface Wanted {
  /** Samples that are read; default all. */
  readonly isWanted?: (index: number) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Everything that one run reads, known before its work begins. Nothing in it is fit for public files. */
export interface Source {
  readonly total: number;
  /** Samples by lower-case extension. */
  readonly extensions: ReadonlyMap<string, number>;
  /** What was not taken, by extension or kind (`hidden`, `repeated folder`, `symlink`…). */
  readonly dropped: ReadonlyMap<string, number>;
  readonly hasCls: boolean;
  /** What class indices mean, when they come from folders. */
  readonly classNames?: readonly string[];
  /** What is known of a sample without reading it. @throws RangeError for an index beyond the last. */
  at(index: number): ListedSample;
  /** The wanted samples in order of index. Ends early, without an error, when `signal` is aborted. */
  samples(wanted?: Wanted): AsyncGenerator<Sample>;
}

export interface SourceOptions {
  /** Folders, image files and WebDataset `.tar` shards. */
  readonly inputs: readonly string[];
  readonly out: string;
  readonly privateDir: string;
  /** `folders`: the class index of the uppermost folder that an image lies in; default `none`. */
  readonly labels?: Labels;
  /** Larger tar members are refused; default 512 MiB. */
  readonly memberLimitBytes?: number;
}

type Input = { readonly path: string; readonly kind: 'folder' | 'tar' | 'file' };
/** One sample of an input, by its position there. */
type Read = { readonly at: number; readonly ref: SampleRef };

/** One input, listed. */
interface Part {
  /** Relative paths of its samples, in order. */
  readonly names: readonly string[];
  readonly dropped: ReadonlyMap<string, number>;
  readonly clsMembers: number;
  readonly labelled: boolean;
  originOf(at: number): SampleOrigin;
  /** POSIX path within the input. */
  pathOf(at: number): string;
  labelOf(at: number): number | undefined;
  /** The wanted samples, in order. */
  read(isWanted: (at: number) => boolean): AsyncIterable<Read> | Iterable<Read>;
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
  let parts: Part[] = [];
  for (const input of inputs) {
    const prefix = inputs.length > 1 && input.kind !== 'file' ? `${stemOf(input)}/` : '';
    parts.push(await listInput(input, prefix, places, memberLimitBytes));
  }
  const classes = options.labels === 'folders' ? classFolders(pathsInFolders(inputs, parts)) : undefined;
  if (classes)
    parts = parts.map((part) => ({ ...part, labelled: true, labelOf: (at) => classes.indexOf(part.pathOf(at)) }));
  if (parts.length > 1) assertDistinct(parts, options.inputs);

  const hasCls = parts.every((part) => part.labelled || part.names.length === 0) && parts.some((part) => part.labelled);
  const dropped = new Map<string, number>();
  for (const part of parts) {
    for (const [label, n] of part.dropped) dropped.set(label, (dropped.get(label) ?? 0) + n);
    if (!hasCls && part.clsMembers > 0) dropped.set('cls', (dropped.get('cls') ?? 0) + part.clsMembers);
  }
  /** Index of the first sample of each part, and after the last one. */
  const starts = [0];
  for (const part of parts) starts.push((starts.at(-1) as number) + part.names.length);
  const listed = (part: Part, start: number, at: number): ListedSample => {
    const label = hasCls ? part.labelOf(at) : undefined;
    return {
      index: start + at,
      origin: part.originOf(at),
      relativePath: part.names[at] as string,
      ...(label === undefined ? {} : { cls: String(label) }),
    };
  };
  return {
    total: starts.at(-1) as number,
    extensions: countExtensions(parts.flatMap((part) => part.names)),
    dropped,
    hasCls,
    ...(classes ? { classNames: classes.classNames } : {}),
    at(index) {
      const i = lastUpTo(starts, index);
      const part = parts[i];
      if (part === undefined) throw new RangeError(`Expected an index below ${starts.at(-1)} but received ${index}`);
      const start = starts[i] as number;
      return listed(part, start, index - start);
    },
    async *samples({ isWanted = () => true, signal } = {}) {
      for (const [i, part] of parts.entries()) {
        const start = starts[i] as number;
        const isWantedHere = (at: number): boolean => isWanted(start + at);
        // A part of which nothing is wanted is not even opened.
        if (!part.names.some((_, at) => isWantedHere(at))) continue;
        for await (const { at, ref } of part.read(isWantedHere)) {
          if (signal?.aborted) return;
          yield { ...listed(part, start, at), ref };
        }
      }
    },
  };
}

/** Position of the last of the ascending numbers that is not above `limit`; −1 for none. */
function lastUpTo(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
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
    throw new UsageError(`Expected images as input but received ${input}: clips need a run of their own`);
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
  if (kind === 'tar') return listTar(path, prefix, limit);
  const files = kind === 'file' ? { images: [basename(path)], dropped: new Map() } : await listImages(path, places);
  const fileOf = (at: number): string => (kind === 'file' ? path : join(path, files.images[at] as string));
  return {
    names: files.images.map((image) => prefix + image),
    dropped: files.dropped,
    clsMembers: 0,
    labelled: false,
    originOf: (at) => ({ path: fileOf(at) }),
    pathOf: (at) => files.images[at] as string,
    labelOf: () => undefined,
    *read(isWanted) {
      for (const at of files.images.keys()) if (isWanted(at)) yield { at, ref: { kind: 'file', path: fileOf(at) } };
    },
  };
}

async function listTar(path: string, prefix: string, limit: number): Promise<Part> {
  const scan = await scanTar(path);
  return {
    names: scan.images.map((image) => prefix + image),
    dropped: scan.dropped,
    clsMembers: scan.clsMembers,
    labelled: scan.labels !== undefined,
    originOf: (at) => ({ path, member: scan.images[at] as string }),
    pathOf: (at) => scan.images[at] as string,
    labelOf: (at) => scan.labels?.[at],
    async *read(isWanted) {
      for await (const { at, size, bytes } of tarImages(scan, limit, isWanted)) {
        const message = `Expected a member of at most ${limit} bytes but received ${size}`;
        yield {
          at,
          ref: bytes === undefined ? { kind: 'refused', reason: 'too-large', message } : { kind: 'bytes', bytes },
        };
      }
    },
  };
}

/** @throws UsageError for an input that is no folder. */
function pathsInFolders(inputs: readonly Input[], parts: readonly Part[]): string[] {
  return parts.flatMap((part, i) => {
    const input = inputs[i] as Input;
    if (input.kind !== 'folder') {
      throw new UsageError(
        `Expected folders as input for --labels folders but received the ${input.kind} ${input.path}`,
      );
    }
    return part.names.map((_, at) => part.pathOf(at));
  });
}

/** Says which inputs, not which name: that is the source's, and messages are printed. */
function assertDistinct(parts: readonly Part[], inputs: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const [i, part] of parts.entries()) {
    for (const name of part.names) {
      const other = seen.get(name);
      if (other !== undefined) {
        throw new UsageError(
          `Expected inputs without names in common but received one in both ${inputs[other]} and ${inputs[i]}`,
        );
      }
      seen.set(name, i);
    }
  }
}

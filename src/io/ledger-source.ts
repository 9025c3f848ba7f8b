import { basename, dirname, resolve } from 'node:path';
import type { RejectedOutcome } from '../core/outcome.ts';
import type { SampleRef } from '../core/sample.ts';
import { UsageError } from '../errors.ts';
import { isWithin } from '../paths.ts';
import { assertDisjoint, realTarget } from './disjoint.ts';
import { countExtensions } from './extensions.ts';
import { indexOf } from './ledger-files.ts';
import { LEDGER, privatePath } from './private-files.ts';
import { privateLines } from './private-lines.ts';
import { readPrivateWithdrawn } from './private-withdrawn.ts';
import type { Seal } from './seal.ts';
import { keyOf } from './shard-plan.ts';
import type { ListedSample, Sample, Source } from './source.ts';
import { readSources, type SourceEntry } from './source-entries.ts';
import { StoredKeptLines } from './stored-kept.ts';
import { scanTar, type TarImage, tarImages } from './tar-source.ts';

/** Larger tar members are refused. */
const MEMBER_LIMIT = 512 * 2 ** 20;

export interface LedgerSource extends Source {
  /** Of the image that was redacted; undefined where the folder does not tell. */
  sha256Of(index: number): string | undefined;
  /** Samples that were withdrawn: nothing is known of them but their place. */
  readonly withdrawn: ReadonlySet<number>;
  /** Every sample has the name that it has in a folder of outputs. */
  readonly isNamed: boolean;
  /** Extensions of what was published with images and is too large for the folder to keep. */
  readonly lostMembers: readonly string[];
}

/**
 * The samples of an earlier run, as its private folder names them, in their order.
 *
 * @param total samples of that run; undefined when nobody knows.
 * @throws UsageError when the folder is not of a finished run, or the new output would lie upon what is read.
 */
export async function openLedgerSource(
  folder: string,
  total: number | undefined,
  { out, privateDir }: { readonly out: string; readonly privateDir: string },
  seal?: Seal,
): Promise<LedgerSource> {
  const withdrawn = await readPrivateWithdrawn(folder, seal);
  const entries = await readEntries(folder, seal);
  for (const index of withdrawn) entries[index] = { index, origin: { path: '' }, name: `withdrawn/${keyOf(index)}` };
  const expected = total ?? entries.length;
  const missing = Array.from({ length: expected }).findIndex((_, index) => entries[index] === undefined);
  if (entries.length === 0 || missing >= 0 || entries.length > expected) {
    throw new UsageError(
      `Expected the private folder of a finished run, ${expected} images, but ${privatePath(folder, LEDGER.sources, seal !== undefined)} knows ${entries.filter(Boolean).length}: let the run finish first`,
    );
  }
  const paths = entries.filter(({ origin }) => origin.path !== '').map(({ origin }) => origin.path);
  await assertApart(folder, paths, resolve(out), resolve(privateDir));
  const nameOf = ({ name, origin }: SourceEntry): string => name ?? origin.member ?? basename(origin.path);
  const { keptMembers, lostMembers } = membersOf(entries);
  const hasCls = entries.every(({ index, cls }) => cls !== undefined || withdrawn.has(index));
  const at = (index: number): ListedSample => {
    const entry = entries[index];
    if (entry === undefined) throw new RangeError(`Expected an index below ${entries.length} but received ${index}`);
    const { origin, cls, listedKey } = entry;
    return {
      index,
      origin,
      relativePath: nameOf(entry),
      ...(hasCls && cls !== undefined ? { cls } : {}),
      ...(listedKey === undefined ? {} : { listedKey }),
    };
  };
  return {
    total: entries.length,
    extensions: countExtensions(entries.filter(({ index }) => !withdrawn.has(index)).map(nameOf)),
    dropped: new Map(),
    hasCls,
    withdrawn,
    keptMembers,
    lostMembers,
    isNamed: entries.every(({ name }) => name !== undefined),
    sha256Of: (index) => entries[index]?.sha256,
    at,
    async *samples({ isWanted = () => true, signal } = {}): AsyncGenerator<Sample> {
      const stored = new StoredKeptLines(folder, keptMembers, seal);
      try {
        for (let start = 0; start < entries.length; ) {
          const { origin } = at(start);
          let end = start + 1;
          if (origin.member !== undefined) while (entries[end]?.origin.path === origin.path) end++;
          const wanted = range(start, end).filter(isWanted).map(at);
          start = end;
          if (wanted.length === 0) continue;
          for await (const [sample, ref] of origin.member === undefined
            ? files(wanted)
            : members(origin.path, wanted)) {
            if (signal?.aborted) return;
            const kept = await stored.of(sample.index);
            yield { ...sample, ref, ...(kept ? { kept } : {}) };
          }
        }
      } finally {
        await stored.close();
      }
    },
  };
}

/** What every image of the run was published with, as far as the folder keeps all of it. */
function membersOf(entries: readonly SourceEntry[]): Pick<LedgerSource, 'keptMembers' | 'lostMembers'> {
  const all = new Set(entries.flatMap(({ kept }) => kept?.all ?? []));
  const isStored = (extension: string): boolean =>
    entries.every(({ kept }) => kept === undefined || kept.stored.includes(extension));
  const sorted = [...all].sort();
  return { keptMembers: sorted.filter(isStored), lostMembers: sorted.filter((extension) => !isStored(extension)) };
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

async function readEntries(folder: string, seal: Seal | undefined): Promise<SourceEntry[]> {
  const entries: SourceEntry[] = [];
  // A sample that was done again stands there twice until its run is finished: the last line counts.
  for await (const entry of readSources(folder, seal)) entries[entry.index] = entry;
  return entries;
}

/**
 * Nothing that is read may lie where the output is written, and perhaps replaced.
 * @param paths of the sources.
 * @throws UsageError
 */
export async function assertApart(
  folder: string,
  paths: readonly string[],
  out: string,
  privateDir: string,
): Promise<void> {
  const places = await assertDisjoint([folder], out, privateDir);
  for (const source of new Set(paths.map((path) => dirname(path)))) {
    const real = await realTarget(source);
    for (const [option, place] of [
      ['--out', places.out],
      ['--private-dir', places.privateDir],
    ] as const) {
      if (isWithin(real, place))
        throw new UsageError(`Expected the sources outside ${option} ${place}, but ${source} is in it`);
    }
  }
}

async function* files(samples: readonly ListedSample[]): AsyncGenerator<[ListedSample, SampleRef]> {
  for (const sample of samples) yield [sample, { kind: 'file', path: sample.origin.path }];
}

function refused(reason: 'source-gone' | 'source-changed' | 'too-large'): SampleRef {
  return { kind: 'refused', reason, message: `Expected the image of the earlier run but received: ${reason}` };
}

/** Samples of one archive, which may have changed since: what is not in its place any more is refused. */
async function* members(path: string, samples: readonly ListedSample[]): AsyncGenerator<[ListedSample, SampleRef]> {
  const scan = await scanTar(path).catch(() => undefined);
  const places = new Map(scan?.images.map((name, at) => [name, at]));
  const wanted = new Set<number>();
  let last = -1;
  const isThere = samples.map(({ origin }) => {
    const at = places.get(origin.member as string);
    if (at === undefined || at <= last) return false;
    last = at;
    wanted.add(at);
    return true;
  });
  const images: AsyncGenerator<TarImage> | undefined = scan && tarImages(scan, MEMBER_LIMIT, (at) => wanted.has(at));
  try {
    for (const [i, sample] of samples.entries()) {
      const image = isThere[i] ? await images?.next() : undefined;
      if (image === undefined || image.done) yield [sample, refused('source-gone')];
      else yield [sample, image.value.bytes ? { kind: 'bytes', bytes: image.value.bytes } : refused('too-large')];
    }
  } finally {
    await images?.return(undefined);
  }
}

/** Why the samples were held back that the earlier run did not publish, by index. */
export async function readQuarantine(folder: string, seal?: Seal): Promise<Map<number, RejectedOutcome>> {
  const path = privatePath(folder, LEDGER.quarantine, seal !== undefined);
  const found = new Map<number, RejectedOutcome>();
  for await (const line of privateLines(folder, LEDGER.quarantine, seal)) {
    const { status, stage, reason, message } = JSON.parse(line) as RejectedOutcome;
    found.set(indexOf(line, path), { status, stage, reason, message });
  }
  return found;
}

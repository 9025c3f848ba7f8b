import { stat } from 'node:fs/promises';
import type { ParsedTarEntry } from 'modern-tar';
import { UsageError } from '../errors.ts';
import { readBody, skipBody } from './tar-archive.ts';
import { tarMembers } from './tar-members.ts';

/** Longest content of a `.cls` member that can be a class index, with room for blanks. */
const CLS_BYTES = 32;

/** What a WebDataset shard holds, known before any work begins. */
export interface TarScan {
  readonly path: string;
  /** Size and time of the file that was scanned: it is read a second time and must not have changed. */
  readonly size: number;
  readonly mtimeMs: number;
  /** Member names of the images, in order. */
  readonly images: readonly string[];
  /** What is not taken, by extension or kind, but for `.cls` members of samples that have an image. */
  readonly dropped: ReadonlyMap<string, number>;
  readonly clsMembers: number;
  /** Class index per image; absent unless each of them has one. */
  readonly labels?: readonly number[];
}

export interface TarImage {
  /** Position among the scanned images. */
  readonly at: number;
  readonly size: number;
  /** Absent when the member is larger than the limit. */
  readonly bytes?: Uint8Array;
}

/** The class index that a `.cls` member holds; undefined when its content is anything else. */
function parseCls(bytes: Uint8Array): number | undefined {
  const text = new TextDecoder().decode(bytes).trim();
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Reads a `.cls` member to its end. */
export async function readCls(entry: ParsedTarEntry): Promise<number | undefined> {
  if (entry.header.size <= CLS_BYTES) return parseCls(await readBody(entry));
  await skipBody(entry);
  return undefined;
}

async function identify(path: string): Promise<{ size: number; mtimeMs: number }> {
  const { size, mtimeMs } = await stat(path);
  return { size, mtimeMs };
}

function unreadable(path: string, error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  const { message } = error as Error;
  return new UsageError(`Expected a whole tar archive but received ${path}: ${message}`, { cause: error });
}

/**
 * Reads a WebDataset shard once, keeps no image, and decides what of it will be taken.
 *
 * @throws UsageError for an archive that is damaged or cut short, and for unsafe or duplicate names.
 */
export async function scanTar(path: string): Promise<TarScan> {
  const images: string[] = [];
  const dropped = new Map<string, number>();
  const drop = (label: string): void => void dropped.set(label, (dropped.get(label) ?? 0) + 1);
  const labels: number[] = [];
  let allLabelled = true;
  let clsMembers = 0;
  let sample = { images: 0, cls: 0, label: undefined as number | undefined };
  const endSample = (): void => {
    if (sample.images === 0) {
      if (sample.cls > 0) drop('cls');
      return;
    }
    clsMembers += sample.cls;
    if (sample.label === undefined) allLabelled = false;
    else for (let image = 0; image < sample.images; image++) labels.push(sample.label);
  };
  try {
    const identity = await identify(path);
    for await (const { member, entry, startsSample } of tarMembers(path)) {
      if (startsSample) {
        endSample();
        sample = { images: 0, cls: 0, label: undefined };
      }
      if (member.kind === 'dropped') drop(member.label);
      if (member.kind === 'image') {
        sample.images += 1;
        images.push(member.name);
      }
      if (member.kind === 'cls') {
        sample.cls += 1;
        sample.label = await readCls(entry);
      } else {
        await skipBody(entry);
      }
    }
    endSample();
    const labelled = allLabelled && images.length > 0;
    return { path, ...identity, images, dropped, clsMembers, ...(labelled ? { labels } : {}) };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * The wanted images of a scanned shard, in order, one in memory at a time.
 *
 * @param memberLimitBytes A larger image comes without its bytes.
 * @param isWanted whether the image at this position among the scanned ones is.
 * @throws UsageError when the file is no longer the one that was scanned.
 */
export async function* tarImages(
  scan: TarScan,
  memberLimitBytes: number,
  isWanted: (at: number) => boolean = () => true,
): AsyncGenerator<TarImage> {
  const { path } = scan;
  const changed = new UsageError(`Expected ${path} to stay as it was when the run began, but it changed`);
  let next = 0;
  try {
    const identity = await identify(path);
    if (identity.size !== scan.size || identity.mtimeMs !== scan.mtimeMs) throw changed;
    for await (const { member, entry } of tarMembers(path)) {
      if (member.kind !== 'image') {
        await skipBody(entry);
        continue;
      }
      const at = next++;
      if (member.name !== scan.images[at]) throw changed;
      const { size } = entry.header;
      if (isWanted(at) && size <= memberLimitBytes) {
        yield { at, size, bytes: await readBody(entry) };
      } else {
        await skipBody(entry);
        if (isWanted(at)) yield { at, size };
      }
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  if (next !== scan.images.length) throw changed;
}

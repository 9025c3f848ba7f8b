import { stat } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { type KeepPlan, ReadKept } from './inputs/kept.ts';
import { readBody, skipBody, type TarEntry } from './tar-archive.ts';
import { type Member, tarMembers } from './tar-members.ts';

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
  /** What may pass of the sample; absent when nothing does. */
  readonly kept?: ReadKept;
}

/** The class index that a `.cls` member holds; undefined when its content is anything else. */
function parseCls(bytes: Uint8Array): number | undefined {
  const text = new TextDecoder().decode(bytes).trim();
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Reads a `.cls` member to its end. */
export async function readCls(entry: TarEntry): Promise<number | undefined> {
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
 * @param plan of what passes besides images, which takes note of what there is.
 * @throws UsageError for an archive that is damaged or cut short, and for unsafe or duplicate names.
 */
export async function scanTar(path: string, plan?: KeepPlan): Promise<TarScan> {
  const images: string[] = [];
  const dropped = new Map<string, number>();
  const drop = (label: string, n = 1): void => void dropped.set(label, (dropped.get(label) ?? 0) + n);
  const labels: number[] = [];
  let allLabelled = true;
  let clsMembers = 0;
  let sample = emptySample();
  const endSample = (): void => {
    if (sample.images === 0) {
      if (sample.cls > 0) drop('cls');
      for (const { label } of sample.kept) drop(label);
      return;
    }
    for (const { extension } of sample.kept) plan?.noteMember(extension);
    clsMembers += sample.cls;
    if (sample.label === undefined) allLabelled = false;
    else for (let image = 0; image < sample.images; image++) labels.push(sample.label);
  };
  try {
    const identity = await identify(path);
    for await (const { member, entry, startsSample } of tarMembers(path)) {
      if (startsSample) {
        endSample();
        sample = emptySample();
      }
      if (member.kind === 'dropped') {
        const extension = keptExtension(member, plan);
        if (extension === undefined) drop(member.label);
        else sample.kept.push({ extension, label: member.label });
        if (extension === 'json') {
          const others = await plan?.noteFields(entry);
          if (others) drop('json fields', others);
          continue;
        }
      }
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

/** What was seen of the sample at hand. */
function emptySample(): {
  images: number;
  cls: number;
  label: number | undefined;
  readonly kept: { readonly extension: string; readonly label: string }[];
} {
  return { images: 0, cls: 0, label: undefined, kept: [] };
}

/** The extension of a member that passes, or of which something does. */
function keptExtension(member: Member, plan: KeepPlan | undefined): string | undefined {
  if (member.kind !== 'dropped' || member.extension === undefined) return undefined;
  return plan?.takes(member.extension) ? member.extension : undefined;
}

/**
 * The wanted images of a scanned shard, in order, one in memory at a time; with a plan, all of one sample, since what
 * passes with them may come last.
 *
 * @param memberLimitBytes A larger image comes without its bytes; so do those beyond it in one sample.
 * @param isWanted whether the image at this position among the scanned ones is.
 * @throws UsageError when the file is no longer the one that was scanned.
 */
export async function* tarImages(
  scan: TarScan,
  memberLimitBytes: number,
  isWanted: (at: number) => boolean = () => true,
  plan?: KeepPlan,
): AsyncGenerator<TarImage> {
  const { path } = scan;
  const changed = new UsageError(`Expected ${path} to stay as it was when the run began, but it changed`);
  let next = 0;
  let images: TarImage[] = [];
  let held = 0;
  let kept = new ReadKept();
  try {
    const identity = await identify(path);
    if (identity.size !== scan.size || identity.mtimeMs !== scan.mtimeMs) throw changed;
    for await (const { member, entry, startsSample } of tarMembers(path)) {
      if (startsSample) {
        for (const image of images) yield { ...image, kept };
        [images, held, kept] = [[], 0, new ReadKept()];
      }
      if (member.kind !== 'image') {
        const extension = keptExtension(member, plan);
        if (plan === undefined || extension === undefined) await skipBody(entry);
        else await kept.take(extension, entry, plan.keep);
        continue;
      }
      const at = next++;
      if (member.name !== scan.images[at]) throw changed;
      const { size } = entry.header;
      if (!isWanted(at) || held + size > memberLimitBytes) await skipBody(entry);
      if (!isWanted(at)) continue;
      const image = { at, size, ...(held + size > memberLimitBytes ? {} : { bytes: await readBody(entry) }) };
      if (plan === undefined) {
        yield image;
      } else {
        images.push(image);
        held += image.bytes ? size : 0;
      }
    }
    for (const image of images) yield { ...image, kept };
  } catch (error) {
    throw unreadable(path, error);
  }
  if (next !== scan.images.length) throw changed;
}

import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { SampleError, UsageError } from '../errors.ts';
import { scanContainer } from '../image/container.ts';
import { assertDisjoint } from '../io/disjoint.ts';
import { extensionLabel, extensionOf, looksLikeImage, looksLikeVideo } from '../io/extensions.ts';
import { keyOf } from '../io/shard-plan.ts';
import { readFolder } from '../paths.ts';

/** A clip as the inputs are listed. Nothing of it but the key is fit for public files. */
export interface ListedClip {
  readonly index: number;
  readonly key: string;
  /** Absolute. */
  readonly path: string;
  /** POSIX path for `--format folder`. */
  readonly relativePath: string;
}

export interface ListedClips {
  readonly clips: readonly ListedClip[];
  /** What was not taken, by extension or kind. */
  readonly dropped: ReadonlyMap<string, number>;
}

/** Extensions of images that may move. */
const ANIMATIONS = ['gif', 'webp'];

/** Larger files of these are taken for clips without looking. */
const LARGEST_STILL = 64 * 2 ** 20;

/**
 * The clips of a run, or nothing when it is a run over images.
 *
 * Clips are video files and animated GIF and WebP files that are named, and the videos of folders that hold no image. Links
 * in folders are not followed. A folder with both is one of images, whose videos are counted as left out.
 *
 * @throws UsageError for inputs that are missing, or clips and images in one run.
 */
export async function listClips({ inputs, out, privateDir }: Config): Promise<ListedClips | undefined> {
  const found = await Promise.all(inputs.map(inspect));
  if (!found.some((input) => input.videos.length > 0)) return undefined;
  const other = found.findIndex((input) => input.isForImages);
  if (other >= 0) {
    const isThere = await stat(resolve(inputs[other] as string)).catch(() => undefined);
    if (isThere === undefined) {
      throw new UsageError(
        `Expected an existing file or folder as input but received ${inputs[other]}, which does not exist`,
      );
    }
    throw new UsageError(
      `Expected either images or clips as input but received both (images in ${inputs[other]}): use a run for each`,
    );
  }
  await assertDisjoint(
    found.map(({ path }) => path),
    out,
    privateDir,
  );
  const dropped = new Map<string, number>();
  const names: { readonly path: string; readonly relativePath: string }[] = [];
  for (const { kind, path, videos, others } of found) {
    for (const label of others) dropped.set(label, (dropped.get(label) ?? 0) + 1);
    const prefix = kind === 'folder' && inputs.length > 1 ? `${basename(path)}/` : '';
    for (const video of videos) {
      names.push({ path: kind === 'file' ? path : join(path, video), relativePath: prefix + video });
    }
  }
  return { clips: names.map((name, index) => ({ index, key: keyOf(index), ...name })), dropped };
}

interface Inspected {
  readonly kind: 'file' | 'folder';
  readonly path: string;
  /** POSIX paths below the folder, or the name of the file. */
  readonly videos: readonly string[];
  /** It is, or has, what a run over images takes; nothing is said of its videos then. */
  readonly isForImages: boolean;
  /** Kinds of what is neither. */
  readonly others: readonly string[];
}

async function inspect(input: string): Promise<Inspected> {
  const path = resolve(input);
  const stats = await stat(path).catch(() => undefined);
  // What is wrong with it is told by the run over images.
  if (input === '-' || input === '' || stats === undefined)
    return { kind: 'file', path, videos: [], isForImages: true, others: [] };
  if (stats.isDirectory()) return { kind: 'folder', path, ...(await inspectFolder(path)) };
  const isClip =
    looksLikeVideo(path) || (ANIMATIONS.includes(extensionOf(path)) && (await isAnimated(path, stats.size)));
  return { kind: 'file', path, videos: isClip ? [basename(path)] : [], isForImages: !isClip, others: [] };
}

async function inspectFolder(root: string): Promise<Pick<Inspected, 'videos' | 'isForImages' | 'others'>> {
  const videos: string[] = [];
  const others: string[] = [];
  const visited = new Set<string>();
  const pending = [''];
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    const folder = join(root, prefix);
    const real = await realpath(folder);
    if (visited.has(real)) continue;
    visited.add(real);
    for (const entry of await readFolder(folder)) {
      const { name } = entry;
      if (name.startsWith('.')) others.push('hidden');
      else if (entry.isDirectory()) pending.push(`${prefix}${name}/`);
      else if (looksLikeVideo(name) && !entry.isSymbolicLink()) videos.push(prefix + name);
      else if (looksLikeImage(name)) return { videos: [], isForImages: true, others: [] };
      else others.push(entry.isSymbolicLink() ? 'symlink' : extensionLabel(name));
    }
  }
  return { videos: videos.sort(), isForImages: false, others };
}

async function isAnimated(path: string, size: number): Promise<boolean> {
  if (size > LARGEST_STILL) return true;
  try {
    return scanContainer(await readFile(path)).frames > 1;
  } catch (error) {
    // What is no sound image is told by the run over images.
    if (error instanceof SampleError) return false;
    throw error;
  }
}

import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { readFolder } from '../../paths.ts';

/** What may be a clip by its name. */
const CLIPS = /\.(mp4|m4v|mov|avi|mkv|webm|gif|webp)$/i;
/** Levels of folders below the data folder. */
const MAX_DEPTH = 32;

export interface LabelledClip {
  /** Absolute. */
  readonly path: string;
  /** POSIX path below the data folder. */
  readonly name: string;
  /** Absolute path of its label file. */
  readonly labels: string;
}

export interface FoundClips {
  /** Sorted by name. */
  readonly clips: readonly LabelledClip[];
  /** Videos without a label file. */
  readonly unlabelled: readonly string[];
}

/**
 * Clips with their labels beside them: `street.jsonl`, `street.gt.txt` or `street/gt/gt.txt` for `street.mp4`.
 * Hidden files and links are left out.
 * @param data a clip, or a folder of clips at any depth.
 * @throws UsageError for a folder that cannot be read, and for a clip without labels.
 */
export async function findLabelledClips(data: string): Promise<FoundClips> {
  const root = resolve(data);
  const status = await stat(root).catch(() => undefined);
  if (status?.isFile() && CLIPS.test(root)) {
    const found = await sortOut(dirname(root), [basename(root)]);
    if (found.clips.length > 0) return found;
    const stem = basename(root).replace(CLIPS, '');
    throw new UsageError(
      `Expected labels beside ${data} (${stem}.jsonl, ${stem}.gt.txt or ${stem}/gt/gt.txt) but found none`,
    );
  }
  return status?.isDirectory() ? sortOut(root, await clipsBelow(root)) : { clips: [], unlabelled: [] };
}

async function clipsBelow(root: string): Promise<string[]> {
  const names: string[] = [];
  const pending = [{ prefix: '', depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await readFolder(join(root, next.prefix))) {
      const name = next.prefix + entry.name;
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory() && next.depth < MAX_DEPTH) pending.push({ prefix: `${name}/`, depth: next.depth + 1 });
      if (entry.isFile() && CLIPS.test(entry.name)) names.push(name);
    }
  }
  return names.sort();
}

async function sortOut(root: string, names: readonly string[]): Promise<FoundClips> {
  const clips: LabelledClip[] = [];
  const unlabelled: string[] = [];
  for (const name of names) {
    const path = join(root, name);
    const labels = await labelsOf(path);
    if (labels !== undefined) clips.push({ path, name, labels });
    // Images may move, too: one without labels of its own says nothing.
    else if (!/\.(gif|webp)$/i.test(name)) unlabelled.push(name);
  }
  return { clips, unlabelled };
}

async function labelsOf(path: string): Promise<string | undefined> {
  const stem = path.replace(CLIPS, '');
  for (const file of [`${stem}.jsonl`, `${stem}.gt.txt`, join(stem, 'gt', 'gt.txt')]) {
    if ((await stat(file).catch(() => undefined))?.isFile()) return file;
  }
  return undefined;
}

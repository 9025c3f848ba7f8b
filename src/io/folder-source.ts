import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { isWithin, readFolder } from '../paths.ts';
import type { OutputPlaces } from './disjoint.ts';
import { extensionLabel, looksLikeImage } from './extensions.ts';

/** The images of a folder. */
export interface FolderListing {
  /** POSIX paths below the folder, sorted by UTF-16 code units. */
  readonly images: readonly string[];
  /** Files and folders that were not taken, counted by extension or kind. */
  readonly dropped: ReadonlyMap<string, number>;
}

interface Folder {
  readonly path: string;
  readonly real: string;
  /** Empty, or ends in `/`. */
  readonly prefix: string;
}

/**
 * Lists the images below `root`. Links to files and folders are followed; every real folder is
 * walked once, so loops end. A broken link that is named like an image is listed: it must show up
 * as a sample that failed.
 *
 * @param root Absolute path of a folder.
 * @throws UsageError for a folder that cannot be read, or a link that leads to where the run writes.
 */
export async function listImages(root: string, places: OutputPlaces): Promise<FolderListing> {
  const images: string[] = [];
  const dropped = new Map<string, number>();
  const visited = new Set<string>();
  const links: Folder[] = [];
  const drop = (label: string): void => void dropped.set(label, (dropped.get(label) ?? 0) + 1);

  async function takeLink(folder: Folder, name: string): Promise<void> {
    const path = join(folder.path, name);
    const target = await stat(path).catch(() => undefined);
    if (target?.isDirectory()) {
      links.push({ path, real: await realpath(path), prefix: `${folder.prefix}${name}/` });
    } else if (target !== undefined && !target.isFile()) {
      drop('special file');
    } else if (looksLikeImage(name)) {
      if (target !== undefined) assertApart(path, await realpath(path), places);
      images.push(folder.prefix + name);
    } else {
      drop(extensionLabel(name));
    }
  }

  async function walk(start: Folder): Promise<void> {
    const pending = [start];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      if (visited.has(folder.real)) {
        drop('repeated folder');
        continue;
      }
      visited.add(folder.real);
      assertApart(folder.path, folder.real, places);
      for (const entry of await readFolder(folder.path)) {
        const { name } = entry;
        if (name.startsWith('.')) drop('hidden');
        else if (entry.isSymbolicLink()) await takeLink(folder, name);
        else if (entry.isDirectory())
          pending.push({
            path: join(folder.path, name),
            real: join(folder.real, name),
            prefix: `${folder.prefix}${name}/`,
          });
        else if (!entry.isFile()) drop('special file');
        else if (looksLikeImage(name)) images.push(folder.prefix + name);
        else drop(extensionLabel(name));
      }
    }
  }

  await walk({ path: root, real: await realpath(root), prefix: '' });
  // Real folders first: a link never takes the place of the folder that it points to.
  while (links.length > 0) {
    links.sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
    await walk(links.shift() as Folder);
  }
  return { images: images.sort(), dropped };
}

function assertApart(path: string, real: string, places: OutputPlaces): void {
  for (const place of [places.out, places.privateDir]) {
    if (isWithin(real, place)) throw new UsageError(`Expected the input outside ${place}, but ${path} leads into it`);
  }
}

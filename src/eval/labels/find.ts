import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { UsageError } from '../../errors.ts';
import { isWithin, readFolder } from '../../paths.ts';

/** Levels of folders below the data folder. */
const MAX_DEPTH = 32;

/** Files that may hold labels, as absolute paths, each list sorted. */
export interface LabelFiles {
  /** Absolute; every label file lies in it. */
  readonly root: string;
  readonly json: readonly string[];
  readonly xml: readonly string[];
  readonly yaml: readonly string[];
  readonly txt: readonly string[];
  /** One category name per line: `classes.txt`, `obj.names`. */
  readonly lists: readonly string[];
}

type Kind = Exclude<keyof LabelFiles, 'root'>;

const KINDS: Readonly<Record<string, Kind>> = {
  '.json': 'json',
  '.xml': 'xml',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.txt': 'txt',
};
const NAME_LISTS = new Set(['classes.txt', 'obj.names']);

function kindOf(name: string): Kind | undefined {
  return NAME_LISTS.has(name.toLowerCase()) ? 'lists' : KINDS[extname(name).toLowerCase()];
}

/**
 * Lists what may hold labels below a folder. Hidden files are left out, links that lead out of the folder are not
 * followed, and every real folder is walked once, so loops end.
 *
 * @param data Absolute path of a folder, or of one json file: then no other counts.
 * @throws UsageError for a path that cannot be read, is of another kind, or is nested too deeply.
 */
export async function findLabelFiles(data: string): Promise<LabelFiles> {
  const found: Record<Kind, string[]> = { json: [], xml: [], yaml: [], txt: [], lists: [] };
  const status = await stat(data).catch((error: Error) => {
    throw new UsageError(`Expected a folder of labelled images but received ${data}: ${error.message}`);
  });
  if (status.isFile()) {
    if (kindOf(data) !== 'json')
      throw new UsageError(`Expected a folder or a json file of labels but received ${data}`);
    return { root: rootOf(data), ...found, json: [data] };
  }
  if (!status.isDirectory()) throw new UsageError(`Expected a folder of labelled images but received ${data}`);

  const realRoot = await realpath(data);
  const visited = new Set<string>();
  const pending = [data];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const real = await realpath(folder);
    if (visited.has(real)) continue;
    visited.add(real);
    if (relative(data, folder).split(sep).length > MAX_DEPTH) {
      throw new UsageError(`Expected at most ${MAX_DEPTH} levels of folders below ${data} but received ${folder}`);
    }
    for (const entry of await readFolder(folder)) {
      if (entry.name.startsWith('.')) continue;
      const path = join(folder, entry.name);
      const target = entry.isSymbolicLink() ? await linked(path, realRoot) : entry;
      if (target?.isDirectory()) pending.push(path);
      const kind = kindOf(entry.name);
      if (kind !== undefined && target?.isFile()) found[kind].push(path);
    }
  }
  for (const list of Object.values(found)) list.sort();
  return { root: data, ...found };
}

/** By COCO habit the images lie beside the folder of the annotations. */
function rootOf(json: string): string {
  const folder = dirname(json);
  return /^(annotations?|labels?)$/i.test(basename(folder)) ? dirname(folder) : folder;
}

/** What a link points to, unless that is nothing or outside the data folder. */
async function linked(path: string, realRoot: string) {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && isWithin(real, realRoot) ? stat(real) : undefined;
}

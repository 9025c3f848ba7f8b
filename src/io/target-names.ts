import { OutputError } from '../errors.ts';
import { splitExtension } from './extensions.ts';
import { LOG_FOLDER } from './run-log.ts';

/** The folder below the output in which `--format folder` stages a shard. */
export function stagingName(shard: string): string {
  return `.staging-${shard}`;
}

/** Name of the shard that is staged in a folder of this name; undefined when none is. */
export function shardOfStaging(folded: string): string | undefined {
  return /^\.staging-(\d+)$/.exec(folded)?.[1];
}

/** Most file systems allow 255 bytes per segment; some are left for what makes a name unique. */
const SEGMENT_BYTES = 240;

/** Equal for names that some file system takes for the same (Windows and macOS ignore case and composition). */
export function fold(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

/** Cuts a segment to what file systems take, and keeps its extension. @param most bytes. */
function shorten(segment: string, most = SEGMENT_BYTES): string {
  if (Buffer.byteLength(segment) <= most) return segment;
  const { extension } = splitExtension(segment);
  const kept = Buffer.byteLength(extension) <= 16 ? extension : '';
  let left = most - Buffer.byteLength(kept);
  let stem = '';
  for (const character of segment) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    stem += character;
  }
  return stem + kept;
}

/** Puts a number before the extension; 0 leaves the name alone. */
function numbered(name: string, n: number): string {
  const { stem, extension } = splitExtension(name);
  return n === 0 ? name : `${stem}~${n}${extension}`;
}

/**
 * The segments of a relative POSIX path.
 *
 * @throws OutputError for a path that could lead out of the folder that it is joined to.
 */
export function plainSegments(path: string): string[] {
  const segments = path.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || segment.includes('\0'))) {
    throw new OutputError(`Expected a plain relative path for an output file but received ${JSON.stringify(path)}`);
  }
  return segments;
}

/** The path of the file beside another one: `a/b.jpg`, `cls` → `a/b.cls`. */
export function sidecarOf(path: string, extension: string): string {
  return `${splitExtension(path).stem}.${extension}`;
}

/** A path below the output folder, and those of the files beside it. */
export interface Target {
  readonly path: string;
  readonly sidecars: readonly string[];
}

/**
 * Gives every sample a path of its own below the output folder: the same ones for the same samples
 * in the same order.
 */
export class TargetNames {
  readonly #files = new Set<string>([LOG_FOLDER]);
  readonly #folders = new Set<string>();

  /**
   * @param wanted POSIX path.
   * @param extensions without the dot, of files that need the same name with these extensions.
   * @throws OutputError for a path that could lead out of the folder.
   */
  claim(wanted: string, extensions: readonly string[] = []): Target {
    const segments = plainSegments(wanted);
    const names = segments.map((segment) => shorten(segment));
    // A file beside it may have a longer extension.
    const longest = Math.max(0, ...extensions.map((extension) => extension.length - '.jpeg'.length));
    names.push(shorten(names.pop() as string, SEGMENT_BYTES - longest));
    let folder = '';
    for (const segment of names.slice(0, -1)) {
      const path = this.#firstFree(segment, (name) => [folder + name], [this.#files])[0] as string;
      this.#folders.add(fold(path));
      folder = `${path}/`;
    }
    const beside = (name: string): string[] => extensions.map((extension) => sidecarOf(name, extension));
    const paths = (name: string): string[] => [name, ...beside(name)].map((file) => folder + file);
    const [path, ...sidecars] = this.#firstFree(names.at(-1) as string, paths, [this.#files, this.#folders]);
    for (const taken of [path as string, ...sidecars]) this.#files.add(fold(taken));
    return { path: path as string, sidecars };
  }

  /** Takes note of a path that `claim` has given before. */
  adopt({ path, sidecars }: Target): void {
    for (const taken of [path, ...sidecars]) this.#files.add(fold(taken));
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      this.#folders.add(fold(path.slice(0, at)));
  }

  #firstFree(name: string, paths: (name: string) => string[], taken: readonly ReadonlySet<string>[]): string[] {
    for (let n = 0; ; n++) {
      const candidate = paths(numbered(name, n));
      const free = candidate
        .map(fold)
        .every((path) => shardOfStaging(path) === undefined && !taken.some((set) => set.has(path)));
      if (free) return candidate;
    }
  }
}

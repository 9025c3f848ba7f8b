import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { UsageError } from '../../errors.ts';
import { isWithin } from '../../paths.ts';

const IMAGE_EXTENSIONS = /\.(jpe?g|jpe|jfif|png|webp|avif|tiff?|gif|bmp|heic|heif)$/i;

function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.test(name) && !name.startsWith('.');
}

/** The name of a file without its folder and extension. */
export function stemOf(path: string): string {
  return basename(path, extname(path));
}

export interface FoundImage {
  /** Absolute path. */
  readonly file: string;
  /** POSIX path below the data folder, or below the folder of images that it came from. */
  readonly name: string;
}

interface Base {
  readonly path: string;
  readonly real: string;
}

/** Names of a folder's files; `true` for a link that has yet to be resolved. */
type Listing = ReadonlyMap<string, boolean>;

/**
 * Where images may lie: the data folder and, if the user names one, another folder of images. Labels are input from
 * elsewhere, so nothing outside the two is found, whether by `..` or through a link. Folders are listed once and
 * images are not touched: a data set may have 100,000 of them.
 */
export class ImagePlaces {
  readonly #bases: readonly Base[];
  readonly #listings = new Map<string, Promise<Listing>>();
  readonly #images = new Map<string, Promise<ReadonlyMap<string, readonly FoundImage[]>>>();
  readonly #missing: string[] = [];

  private constructor(bases: readonly Base[]) {
    this.#bases = bases;
  }

  /**
   * @param root Absolute path of the data folder.
   * @param images The `--images` folder.
   * @throws UsageError when `images` is not a folder.
   */
  static async open(root: string, images?: string): Promise<ImagePlaces> {
    const bases: Base[] = [{ path: root, real: await realpath(root) }];
    if (images !== undefined) {
      const path = resolve(images);
      const status = await stat(path).catch(() => undefined);
      if (!status?.isDirectory()) throw new UsageError(`Expected a folder for --images but received ${images}`);
      bases.push({ path, real: await realpath(path) });
    }
    return new ImagePlaces(bases);
  }

  get root(): string {
    return (this.#bases[0] as Base).path;
  }

  /** Absolute path of the `--images` folder. */
  get images(): string | undefined {
    return this.#bases[1]?.path;
  }

  /**
   * The first of some folders that holds an image; the `--images` folder is asked last.
   *
   * @param name Path below those folders, as the labels give it.
   * @param folders Absolute. The first one is what the path is meant to be relative to.
   * @param where Names the label file (and the place in it).
   * @throws UsageError for an absolute path, one that leaves the data folder, or one that a link leads out of it.
   */
  async find(name: string, folders: readonly [string, ...string[]], where: string): Promise<FoundImage | undefined> {
    const path = name.replaceAll('\\', '/');
    if (path === '' || path.includes('\0') || path.startsWith('/') || /^[a-z]:/i.test(path)) {
      throw new UsageError(`${where}: expected the relative path of an image but received ${JSON.stringify(name)}`);
    }
    if (this.#baseOf(join(folders[0], path)) === undefined) {
      throw new UsageError(`${where}: expected an image inside ${this.root} but received ${JSON.stringify(name)}`);
    }
    for (const folder of folders) {
      const file = join(folder, path);
      const base = this.#baseOf(file);
      if (base !== undefined && (await this.#holds(file))) return { file, name: nameBelow(base, file) };
    }
    const extra = this.#bases[1];
    if (extra === undefined) return undefined;
    const file = join(extra.path, path);
    return isWithin(file, extra.path) && (await this.#holds(file)) ? { file, name: nameBelow(extra, file) } : undefined;
  }

  /**
   * The images of a folder, sorted, by their names without extension; none for a folder that is missing or lies
   * elsewhere.
   * @throws UsageError for a link that leads out of the data folder.
   */
  imagesIn(folder: string): Promise<ReadonlyMap<string, readonly FoundImage[]>> {
    let images = this.#images.get(folder);
    if (images === undefined) {
      images = this.#listImages(folder);
      this.#images.set(folder, images);
    }
    return images;
  }

  /**
   * The image with a given name before its extension, in the first of some folders that has one.
   * @throws UsageError when that folder has several.
   */
  async findByStem(stem: string, folders: readonly string[], where: string): Promise<FoundImage | undefined> {
    for (const folder of folders) {
      const [image, second] = (await this.imagesIn(folder)).get(stem) ?? [];
      if (image === undefined) continue;
      if (second === undefined) return image;
      throw new UsageError(
        `${where}: expected one image for these labels but received ${image.name} and ${second.name}`,
      );
    }
    return undefined;
  }

  /** Remembers an image that labels speak of and that is nowhere. */
  miss(name: string, where: string): void {
    this.#missing.push(`${name} (${where})`);
  }

  /** @throws UsageError when images were missed: how many, and the first three. */
  assertComplete(): void {
    const count = this.#missing.length;
    if (count === 0) return;
    const first = this.#missing.sort().slice(0, 3).join(', ');
    const more = count > 3 ? ` and ${count - 3} more` : '';
    const hint = this.images === undefined ? '; a folder of images elsewhere is named by --images' : '';
    throw new UsageError(
      `Expected every labelled image below ${this.#bases.map((base) => base.path).join(' or ')} but ${count} ${
        count === 1 ? 'is' : 'are'
      } missing: ${first}${more}${hint}`,
    );
  }

  async #listImages(folder: string): Promise<ReadonlyMap<string, readonly FoundImage[]>> {
    const base = this.#baseOf(folder);
    const images = new Map<string, FoundImage[]>();
    if (base === undefined) return images;
    for (const name of [...(await this.#listing(folder)).keys()].sort()) {
      const file = join(folder, name);
      if (!isImageName(name) || !(await this.#holds(file))) continue;
      const stem = stemOf(name);
      images.set(stem, [...(images.get(stem) ?? []), { file, name: nameBelow(base, file) }]);
    }
    return images;
  }

  #baseOf(path: string): Base | undefined {
    return this.#bases.find((base) => isWithin(path, base.path));
  }

  async #holds(file: string): Promise<boolean> {
    const isLink = (await this.#listing(dirname(file))).get(basename(file));
    if (isLink === undefined) return false;
    if (!isLink) return true;
    const real = await realpath(file).catch(() => undefined);
    if (real === undefined || !(await stat(real)).isFile()) return false;
    this.#assertInside(file, real);
    return true;
  }

  #listing(folder: string): Promise<Listing> {
    let listing = this.#listings.get(folder);
    if (listing === undefined) {
      listing = this.#list(folder);
      this.#listings.set(folder, listing);
    }
    return listing;
  }

  async #list(folder: string): Promise<Listing> {
    const real = await realpath(folder).catch(() => undefined);
    if (real === undefined || !(await stat(real)).isDirectory()) return new Map();
    this.#assertInside(folder, real);
    const files = new Map<string, boolean>();
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isFile() || entry.isSymbolicLink()) files.set(entry.name, entry.isSymbolicLink());
    }
    return files;
  }

  #assertInside(path: string, real: string): void {
    if (this.#bases.some((base) => isWithin(real, base.real))) return;
    throw new UsageError(
      `Expected images inside ${this.root} but ${path} leads to ${real}; a folder of images elsewhere is named by --images`,
    );
  }
}

function nameBelow(base: Base, file: string): string {
  return relative(base.path, file).split(sep).join('/');
}

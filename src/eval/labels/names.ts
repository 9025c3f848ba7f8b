import { CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';

/** What data sets call our classes, normalised, singular or irregular plural. A head is not a face: its back counts. */
const SYNONYMS: Readonly<Record<ClassName, readonly string[]>> = {
  face: ['face', 'humanface'],
  body: [
    'body',
    'bodies',
    'person',
    'people',
    'pedestrian',
    'rider',
    'man',
    'men',
    'woman',
    'women',
    'human',
    'humanbody',
    'personbody',
  ],
  plate: [
    'plate',
    'lp',
    'licenseplate',
    'licenceplate',
    'vehicleplate',
    'carplate',
    'carlicenseplate',
    'vehiclelicenseplate',
    'vehicleregistrationplate',
    'registrationplate',
    'numberplate',
  ],
  text: ['text', 'word', 'textline', 'scenetext', 'textinstance'],
};

const CLASS_OF: ReadonlyMap<string, ClassName> = new Map(
  CLASSES.flatMap((cls) => SYNONYMS[cls].map((name) => [name, cls] as const)),
);

/** Case, spaces, `_` and `-` do not matter. */
function normalise(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, '');
}

/** Up to 30 names for a message, each short enough to be read. */
function listed(names: Iterable<string>): string {
  const all = [...names].sort().map((name) => (name.length > 40 ? `${name.slice(0, 40)}…` : name));
  if (all.length === 0) return 'none';
  return all.length > 30 ? `${all.slice(0, 30).join(', ')} and ${all.length - 30} more` : all.join(', ');
}

/** Translates the category names of a data set, and remembers which occurred and which stand for nothing. */
export class CategoryNames {
  readonly #map = new Map<string, { readonly key: string; readonly cls: ClassName }>();
  readonly #seen = new Map<string, string>();
  readonly #unmapped = new Map<string, number>();

  /**
   * @param map The user's own names; they override the synonyms.
   * @throws UsageError for a name without characters, a class that does not exist, or one name with two classes.
   */
  constructor(map: Readonly<Record<string, ClassName>> = {}) {
    for (const [key, cls] of Object.entries(map)) {
      const name = normalise(key);
      if (name === '')
        throw new UsageError(`Expected a category name to map to ${cls} but received ${JSON.stringify(key)}`);
      if (!CLASSES.includes(cls)) {
        throw new UsageError(`Expected ${CLASSES.join(', ')} for the category ${key} but received ${cls}`);
      }
      const other = this.#map.get(name);
      if (other !== undefined && other.cls !== cls) {
        throw new UsageError(
          `Expected one class for the category ${key} but received ${other.cls} (${other.key}) and ${cls}`,
        );
      }
      this.#map.set(name, { key, cls });
    }
  }

  /** The class that a category name stands for, if any. */
  classOf(name: string): ClassName | undefined {
    const plain = normalise(name);
    if (!this.#seen.has(plain)) this.#seen.set(plain, name);
    return this.#map.get(plain)?.cls ?? CLASS_OF.get(plain) ?? CLASS_OF.get(plain.replace(/s$/, ''));
  }

  /** The classes that some category names stand for, each once, in the order of `CLASSES`. */
  classesOf(names: Iterable<string>): ClassName[] {
    const found = new Set([...names].map((name) => this.classOf(name)));
    return CLASSES.filter((cls) => found.has(cls));
  }

  /** Counts an object whose category stands for no class. */
  countUnmapped(name: string): void {
    this.#unmapped.set(name, (this.#unmapped.get(name) ?? 0) + 1);
  }

  get unmapped(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#unmapped].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Every category name that occurred, for a message. */
  get seen(): string {
    return listed(this.#seen.values());
  }

  /** @throws UsageError when the user mapped a name that no label file holds. */
  assertMapUsed(): void {
    const unused = [...this.#map].filter(([name]) => !this.#seen.has(name)).map(([, { key }]) => key);
    if (unused.length === 0) return;
    throw new UsageError(
      `Expected mapped categories that occur in the labels but received ${listed(unused)}; the labels have ${this.seen}`,
    );
  }
}

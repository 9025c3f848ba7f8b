import { CLASSES } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { LabelEntry } from './context.ts';
import type { LabelledImage } from './types.ts';

/**
 * Unites what several label files say about the same image, sorted by name.
 * @throws UsageError when one file names an image twice, or two files label the same class of an image.
 */
export function mergeEntries(entries: readonly LabelEntry[]): LabelledImage[] {
  const merged = new Map<string, { image: LabelledImage; from: LabelEntry[] }>();
  for (const entry of entries) {
    const { image } = entry;
    const known = merged.get(image.file);
    if (known === undefined) {
      merged.set(image.file, { image, from: [entry] });
      continue;
    }
    for (const other of known.from) assertApart(other, entry);
    known.from.push(entry);
    known.image = {
      ...known.image,
      labelled: CLASSES.filter((cls) => known.image.labelled.includes(cls) || image.labelled.includes(cls)),
      objects: [...known.image.objects, ...image.objects],
    };
  }
  return [...merged.values()].map(({ image }) => image).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function assertApart(a: LabelEntry, b: LabelEntry): void {
  if (a.from === b.from)
    throw new UsageError(`${a.from}: expected every image once but received ${b.image.name} twice`);
  const shared = a.image.labelled.filter((cls) => b.image.labelled.includes(cls));
  if (shared.length === 0) return;
  throw new UsageError(
    `Expected each class of ${a.image.name} in one label file but received ${shared.join(', ')} in ${a.from} and ${b.from}`,
  );
}

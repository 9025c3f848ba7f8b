import { basename, join } from 'node:path';
import type { OutputPlaces } from '../disjoint.ts';
import { listImages } from '../folder-source.ts';
import type { InputPart } from './input-part.ts';
import type { Input } from './inspect.ts';

/**
 * The images of a folder, or one file, whatever its name.
 * @param prefix Empty, or ends in `/`.
 * @throws UsageError as `listImages` does.
 */
export async function listFiles({ path, kind }: Input, prefix: string, places: OutputPlaces): Promise<InputPart> {
  const files = kind === 'file' ? { images: [basename(path)], dropped: new Map() } : await listImages(path, places);
  const fileOf = (at: number): string => (kind === 'file' ? path : join(path, files.images[at] as string));
  return {
    names: files.images.map((image) => prefix + image),
    dropped: files.dropped,
    clsMembers: 0,
    labelled: false,
    originOf: (at) => ({ path: fileOf(at) }),
    pathOf: (at) => files.images[at] as string,
    labelOf: () => undefined,
    *read(isWanted) {
      for (const at of files.images.keys()) if (isWanted(at)) yield { at, ref: { kind: 'file', path: fileOf(at) } };
    },
  };
}

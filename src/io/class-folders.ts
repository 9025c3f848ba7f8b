import { UsageError } from '../errors.ts';

/** Where class labels come from besides a WebDataset's own `.cls` members. */
export const LABELS = ['none', 'folders'] as const;
export type Labels = (typeof LABELS)[number];

/** Names of classes in the order of their indices, and the index of an image by its path. */
export interface ClassFolders {
  readonly classNames: readonly string[];
  readonly indexOf: (image: string) => number;
}

/**
 * Classes from the uppermost folder that each image lies in, sorted by name and counted from 0, as torchvision's
 * ImageFolder does.
 *
 * @param images POSIX paths relative to their input folder.
 * @throws UsageError for an image that lies in no folder.
 */
export function classFolders(images: Iterable<string>): ClassFolders {
  const names = new Set<string>();
  for (const image of images) names.add(folderOf(image));
  const classNames = [...names].sort((a, b) => (a < b ? -1 : 1));
  const indices = new Map(classNames.map((name, i) => [name, i]));
  return { classNames, indexOf: (image) => indices.get(folderOf(image)) as number };
}

function folderOf(image: string): string {
  const end = image.indexOf('/');
  if (end > 0) return image.slice(0, end);
  throw new UsageError(
    `Expected every image in a class folder for --labels folders but received ${image}, which is in none`,
  );
}

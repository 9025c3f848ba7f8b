import { UsageError } from '../errors.ts';

/** Where labels come from besides what a WebDataset has: class folders, or files beside images. */
export const LABELS = ['none', 'folders', 'yolo', 'voc', 'coco', 'masks', 'metadata', 'auto'] as const;
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
export function classFolders(images: readonly string[]): ClassFolders {
  const stray = images.filter((image) => folderOf(image) === undefined).length;
  if (stray > 0) {
    throw new UsageError(
      `Expected every image in a class folder for --labels folders but ${stray} of ${images.length} are in none`,
    );
  }
  const classNames = [...new Set(images.map((image) => folderOf(image) as string))].sort((a, b) => (a < b ? -1 : 1));
  const indices = new Map(classNames.map((name, i) => [name, i]));
  return { classNames, indexOf: (image) => indices.get(folderOf(image) as string) as number };
}

function folderOf(image: string): string | undefined {
  const end = image.indexOf('/');
  return end > 0 ? image.slice(0, end) : undefined;
}

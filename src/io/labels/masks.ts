import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { KeepError } from '../json-fields.ts';
import { type LabelReader, labelPaths } from './label-reader.ts';
import { cleanMask } from './mask-png.ts';

const MASK_FOLDERS = ['masks', 'mask', 'SegmentationClass', 'annotations'];
const LIMIT = 16 * 2 ** 20;

/** Whether a file is a mask rather than an image of its own. @param path POSIX, below the folder of images. */
export function isMask(path: string): boolean {
  return (
    /\.png$/i.test(path) &&
    path
      .split('/')
      .slice(0, -1)
      .some((segment) => MASK_FOLDERS.includes(segment))
  );
}

/**
 * Segmentation masks: `masks/x.png` for `images/x.jpg`. An image without one is refused: no mask can stand for it.
 * @param masks POSIX paths below `root`.
 * @throws UsageError when there is no mask at all.
 */
export function maskLabels(root: string, masks: readonly string[]): LabelReader {
  const present = new Set(masks);
  if (present.size === 0) {
    throw new UsageError(
      `Expected png files in ${MASK_FOLDERS.join(', ')} in ${root} for --labels masks but found none`,
    );
  }
  const fileOf = (image: string): string | undefined =>
    labelPaths(image, 'png', ['images', 'jpegimages'], MASK_FOLDERS).find((path) => present.has(path));
  return {
    member: 'mask.png',
    fileExtension: 'png',
    hasFileOf: (image) => fileOf(image) !== undefined,
    async of(image) {
      const path = fileOf(image);
      if (path === undefined) throw new KeepError('label-missing', 'Expected a mask of the image but found none');
      const file = join(root, path);
      const { size } = await stat(file);
      if (size > LIMIT) throw new KeepError('label-invalid', `Expected a mask of at most ${LIMIT} bytes`);
      const { png, ...dimensions } = cleanMask(await readFile(file));
      return { labels: { unit: 'pixel', size: dimensions, areas: [] }, member: png, hasFile: true };
    },
  };
}

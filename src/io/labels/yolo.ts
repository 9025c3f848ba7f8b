import { join, relative, sep } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { LabelFiles } from '../../eval/labels/find.ts';
import { findYoloConfigs } from '../../eval/labels/yolo-config.ts';
import { parseYoloLines } from '../../eval/labels/yolo-lines.ts';
import { type LabelReader, labelPaths, readLabelText, refusing } from './label-reader.ts';

/**
 * YOLO txt files: in `labels` where the images are in `images` (Ultralytics), or beside them. An image without one has
 * no objects. Fractions are of the upright image, as Ultralytics reads it.
 * @throws UsageError unless there is one list of category names.
 */
export async function yoloLabels(files: LabelFiles): Promise<LabelReader> {
  const present = new Set(files.txt.map((file) => relative(files.root, file).split(sep).join('/')));
  const configs = await findYoloConfigs(files);
  if (configs.count !== 1) {
    throw new UsageError(
      `Expected one data.yaml with names, or classes.txt, in ${files.root} for --labels yolo but found ${configs.count}`,
    );
  }
  const config = configs.of(join(files.root, 'any'));
  const fileOf = (image: string): string | undefined =>
    labelPaths(image, 'txt', ['images'], ['labels']).find((path) => present.has(path));
  return {
    member: 'txt',
    fileExtension: 'txt',
    categories: Object.fromEntries(config.names),
    hasFileOf: (image) => fileOf(image) !== undefined,
    async of(image) {
      const path = fileOf(image);
      if (path === undefined) {
        return { labels: { unit: 'fraction', areas: [] }, member: new Uint8Array(), hasFile: false };
      }
      const file = join(files.root, path);
      const text = await readLabelText(file);
      const objects = await refusing(() => parseYoloLines(text, file, config));
      // Every field is a number by now.
      const lines = text
        .split(/\r?\n/)
        .flatMap((line) => (line.trim() === '' ? [] : `${line.trim().split(/\s+/).join(' ')}\n`));
      const areas = objects.map(({ name, box, polygon }) => ({ category: name, box, ...(polygon ? { polygon } : {}) }));
      return { labels: { unit: 'fraction', areas }, member: Buffer.from(lines.join('')), hasFile: true };
    },
  };
}

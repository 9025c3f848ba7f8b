import { basename, dirname, join, relative, sep } from 'node:path';
import type { ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { LabelEntry, ReadContext } from './context.ts';
import type { LabelFiles } from './find.ts';
import { uprightSize } from './image-size.ts';
import { type FoundImage, type ImagePlaces, stemOf } from './places.ts';
import { mapInBatches, readText } from './text.ts';
import type { LabelledObject } from './types.ts';
import { findYoloConfigs, type YoloConfig } from './yolo-config.ts';
import { parseYoloLines, type YoloObject } from './yolo-lines.ts';

/**
 * YOLO txt files: in `labels` where the images are in `images` (Ultralytics), or beside the images. An image without
 * a txt file is one without objects if its folder has labels for others.
 *
 * @returns undefined when there are none.
 * @throws UsageError naming the file and line, what was expected and what was received.
 */
export async function readYolo(files: LabelFiles, context: ReadContext): Promise<LabelEntry[] | undefined> {
  const { places } = context;
  const candidates: string[] = [];
  for (const file of files.txt) if (await isLabelFile(file, places)) candidates.push(file);
  if (candidates.length === 0) return undefined;
  const configs = await findYoloConfigs(files);
  if (configs.count === 0) {
    const first = candidates.find((file) => partsOf(file, places.root).some(isLabels));
    if (first === undefined) return undefined;
    throw new UsageError(`Expected data.yaml with names, or classes.txt, above ${first} but found neither`);
  }

  const labelled = new Map<YoloConfig, readonly ClassName[]>();
  const folders = new Map<string, YoloConfig>();
  const taken = new Set<string>();
  const entryOf = (image: FoundImage, config: YoloConfig, from: string, objects: LabelledObject[]): LabelEntry => {
    const classes = labelled.get(config) ?? context.names.classesOf(config.names.values());
    labelled.set(config, classes);
    return { from, image: { ...image, source: basename(config.folder), labelled: classes, objects } };
  };
  const entries = await mapInBatches(candidates, async (file) => {
    const config = configs.of(file);
    const image = await places.findByStem(stemOf(file), imageFolders(file, places), file);
    const objects = parseYoloLines(await readText(file), file, config);
    if (image === undefined) {
      places.miss(stemOf(file), file);
      return [];
    }
    folders.set(dirname(image.file), config);
    taken.add(image.file);
    return [entryOf(image, config, file, await toPixels(objects, image.file, context))];
  });
  const background: LabelEntry[] = [];
  for (const [folder, config] of folders) {
    for (const image of [...(await places.imagesIn(folder)).values()].flat()) {
      if (!taken.has(image.file)) background.push(entryOf(image, config, config.file, []));
    }
  }
  return [...entries.flat(), ...background];
}

const isLabels = (part: string): boolean => part.toLowerCase() === 'labels';

function partsOf(file: string, root: string): string[] {
  return relative(root, dirname(file)).split(sep);
}

/** Other txt files, such as a licence or a list of images, have no image beside them. */
async function isLabelFile(file: string, places: ImagePlaces): Promise<boolean> {
  return partsOf(file, places.root).some(isLabels) || (await places.imagesIn(dirname(file))).has(stemOf(file));
}

/** Where the image of `a/labels/b/x.txt` may lie: `a/images/b`, `a/b`, beside it, and likewise below `--images`. */
function imageFolders(file: string, { root, images }: ImagePlaces): string[] {
  const parts = partsOf(file, root);
  const at = parts.findLastIndex(isLabels);
  const above = parts.slice(0, Math.max(at, 0));
  const below = parts.slice(at + 1);
  const likely = at < 0 ? [parts] : [[...above, 'images', ...below], [...above, ...below], parts];
  const folders = likely.map((path) => join(root, ...path));
  if (images !== undefined) folders.push(...[...likely, below, []].map((path) => join(images, ...path)));
  return folders;
}

/** Scales fractions by the size of the upright image, which is opened only when it has objects. */
async function toPixels(objects: readonly YoloObject[], image: string, { names }: ReadContext) {
  const known: { readonly object: YoloObject; readonly cls: ClassName }[] = [];
  for (const object of objects) {
    const cls = names.classOf(object.name);
    if (cls === undefined) names.countUnmapped(object.name);
    else known.push({ object, cls });
  }
  if (known.length === 0) return [];
  const { width, height } = await uprightSize(image);
  return known.map(
    ({ object: { box, polygon }, cls }): LabelledObject => ({
      class: cls,
      box: { x1: box.x1 * width, y1: box.y1 * height, x2: box.x2 * width, y2: box.y2 * height },
      ...(polygon && { polygon: polygon.map(({ x, y }) => ({ x: x * width, y: y * height })) }),
      ignore: false,
      attributes: {},
    }),
  );
}

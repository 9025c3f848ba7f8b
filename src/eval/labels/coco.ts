import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { UsageError } from '../../errors.ts';
import type { LabelEntry, ReadContext } from './context.ts';
import { outline, sizedBox } from './pixels.ts';
import { checkShape } from './text.ts';
import type { LabelledObject } from './types.ts';

const flag = v.union([v.boolean(), v.number()]);
const id = v.union([v.number(), v.string()]);

/** Only what is needed; `segmentation` has too many numbers to be checked one by one by a schema. */
const cocoSchema = v.object({
  images: v.array(
    v.object({ id, file_name: v.string(), width: v.optional(v.number()), height: v.optional(v.number()) }),
  ),
  annotations: v.array(
    v.object({
      image_id: id,
      category_id: id,
      /** x, y, width, height in pixels. */
      bbox: v.tuple([v.number(), v.number(), v.number(), v.number()]),
      segmentation: v.optional(v.unknown()),
      iscrowd: v.optional(flag, 0),
      ignore: v.optional(flag, 0),
      /** Written by CVAT. */
      attributes: v.optional(v.record(v.string(), v.unknown()), {}),
    }),
  ),
  categories: v.array(v.object({ id, name: v.string() })),
});

export type CocoAnnotation = v.InferOutput<typeof cocoSchema>['annotations'][number];

/** @throws UsageError naming the file and the index, what was expected and what was received. */
export function checkCoco(json: unknown, file: string): v.InferOutput<typeof cocoSchema> {
  return checkShape(cocoSchema, json, file);
}

/** Whether a parsed json file is a COCO detection data set. */
export function isCoco(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const { images, annotations, categories } = json as Record<string, unknown>;
  return Array.isArray(images) && Array.isArray(annotations) && Array.isArray(categories);
}

/**
 * COCO object detection. A single polygon becomes the outline; several, or a run-length mask, leave the box alone.
 * @throws UsageError naming the file and the index, what was expected and what was received.
 */
export async function readCoco(json: unknown, file: string, context: ReadContext): Promise<LabelEntry[]> {
  const labels = checkCoco(json, file);
  const { names, places } = context;
  const categories = uniqueBy(labels.categories, `${file}: categories`);
  const images = uniqueBy(labels.images, `${file}: images`);
  const labelled = names.classesOf(labels.categories.map((category) => category.name));
  const objects = new Map<string | number, LabelledObject[]>();
  for (const [i, annotation] of labels.annotations.entries()) {
    const where = `${file}: annotations.${i}`;
    const category = categories.get(annotation.category_id);
    if (category === undefined) {
      throw new UsageError(`${where}.category_id: expected an id of categories but received ${annotation.category_id}`);
    }
    if (!images.has(annotation.image_id)) {
      throw new UsageError(`${where}.image_id: expected an id of images but received ${annotation.image_id}`);
    }
    const cls = names.classOf(category.name);
    if (cls === undefined) {
      names.countUnmapped(category.name);
      continue;
    }
    const list = objects.get(annotation.image_id) ?? [];
    if (list.length === 0) objects.set(annotation.image_id, list);
    list.push({
      class: cls,
      box: sizedBox(...annotation.bbox, `${where}.bbox`),
      ...outlineOf(annotation, where),
      ignore: Boolean(annotation.iscrowd) || Boolean(annotation.ignore),
      attributes: attributesOf(annotation),
    });
  }
  const folders = imageFolders(file, places.images);
  const source = sourceOf(file);
  const entries: LabelEntry[] = [];
  for (const [i, image] of labels.images.entries()) {
    const found = await places.find(image.file_name, folders, `${file}: images.${i}.file_name`);
    if (found === undefined) places.miss(image.file_name, file);
    else entries.push({ from: file, image: { ...found, source, labelled, objects: objects.get(image.id) ?? [] } });
  }
  return entries;
}

/** @throws UsageError when an id occurs twice. */
function uniqueBy<T extends { id: string | number }>(items: readonly T[], where: string): Map<string | number, T> {
  const map = new Map<string | number, T>();
  for (const [i, item] of items.entries()) {
    if (map.has(item.id)) throw new UsageError(`${where}.${i}.id: expected unique ids but received ${item.id} twice`);
    map.set(item.id, item);
  }
  return map;
}

/** The outline of an annotation with a single polygon. @throws UsageError for one that is none. */
export function outlineOf({ segmentation }: CocoAnnotation, where: string): Pick<LabelledObject, 'polygon'> {
  if (!Array.isArray(segmentation) || segmentation.length !== 1) return {};
  const flat: unknown = segmentation[0];
  if (!Array.isArray(flat) || flat.length < 6) return {};
  if (flat.length % 2 !== 0 || !flat.every((value) => typeof value === 'number')) {
    throw new UsageError(`${where}.segmentation: expected pairs of numbers but received ${flat.length} values`);
  }
  const points = flat.flatMap((x: number, i) => (i % 2 === 0 ? [[x, flat[i + 1] as number] as const] : []));
  return { polygon: outline(points, `${where}.segmentation`) };
}

function attributesOf({ attributes }: CocoAnnotation): Record<string, string> {
  const scalars = Object.entries(attributes).filter(([, value]) => /^(string|number|boolean)$/.test(typeof value));
  return Object.fromEntries(scalars.map(([key, value]) => [key, String(value)]));
}

/**
 * Where the images of `annotations/instances_val2017.json` may lie: beside it, in `images`, or in folders named
 * after the split (`val2017`), in each case also one level up.
 */
function imageFolders(file: string, extra: string | undefined): [string, ...string[]] {
  const folder = dirname(file);
  const stem = basename(file).replace(/\.json$/i, '');
  const splits = [stem.slice(stem.lastIndexOf('_') + 1), stem].filter(
    (split, i, all) => split !== '' && all.indexOf(split) === i,
  );
  const above = dirname(folder);
  return [
    folder,
    join(folder, 'images'),
    join(above, 'images'),
    ...splits.flatMap((split) => [
      join(above, split),
      join(above, 'images', split),
      join(folder, split),
      join(folder, 'images', split),
      ...(extra === undefined ? [] : [join(extra, split)]),
    ]),
  ];
}

function sourceOf(file: string): string {
  const folder = dirname(file);
  return basename(/^(annotations?|labels?)$/i.test(basename(folder)) ? dirname(folder) : folder);
}

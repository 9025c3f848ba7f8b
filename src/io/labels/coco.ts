import type { LabelledArea, SampleLabels } from '../../core/labels.ts';
import { UsageError } from '../../errors.ts';
import { type CocoAnnotation, checkCoco, isCoco, outlineOf } from '../../eval/labels/coco.ts';
import type { LabelFiles } from '../../eval/labels/find.ts';
import { sizedBox } from '../../eval/labels/pixels.ts';
import { parseJson, readText } from '../../eval/labels/text.ts';
import { KeepError } from '../json-fields.ts';
import type { LabelReader } from './label-reader.ts';

interface CocoImage {
  readonly labels: SampleLabels;
  readonly annotations: readonly CocoAnnotation[];
  /** What is wrong with one of them. */
  readonly damage?: string;
}

/** An image that no file names. */
const NOTHING: CocoImage = { labels: { unit: 'pixel', areas: [] }, annotations: [] };

/** The objects of an image while a file is read. */
interface ImageObjects {
  readonly areas: LabelledArea[];
  readonly annotations: CocoAnnotation[];
  damage?: string;
}

/** The member of each sample, and the file beside each image. */
const MEMBER = 'coco.json';

/**
 * COCO object detection: json files anywhere in the folder; `file_name` is the end of an image's path. An image that
 * no file names has no objects. What passes is `bbox`, `category_id`, `iscrowd` and outlines.
 * @throws UsageError for files that are damaged as a whole, contradict each other or name an image twice.
 */
export async function cocoLabels(files: LabelFiles): Promise<LabelReader> {
  const images = new Map<string, CocoImage>();
  const categories = new Map<string, string>();
  for (const file of files.json) {
    const text = await readText(file);
    if (!/"annotations"/.test(text) || !/"categories"/.test(text)) continue;
    const json = parseJson(text, file);
    if (isCoco(json)) readInto(images, categories, json, file);
  }
  if (images.size === 0) throw new UsageError(`Expected COCO json in ${files.root} for --labels coco but found none`);
  const find = (image: string): CocoImage | undefined => {
    for (let at = 0; at >= 0; at = image.indexOf('/', at) + 1 || -1) {
      const found = images.get(image.slice(at));
      if (found) return found;
    }
    return undefined;
  };
  return {
    member: MEMBER,
    categories: Object.fromEntries(categories),
    hasFileOf: () => false,
    async of(image) {
      const { labels, annotations, damage }: CocoImage = find(image) ?? NOTHING;
      if (damage !== undefined) throw new KeepError('label-invalid', damage);
      return { labels, member: memberOf(annotations), hasFile: false };
    },
  };
}

function readInto(images: Map<string, CocoImage>, categories: Map<string, string>, json: unknown, file: string): void {
  const coco = checkCoco(json, file);
  const names = new Map(coco.categories.map(({ id, name }) => [id, name]));
  for (const [id, name] of names) {
    const other = categories.get(String(id));
    if (other !== undefined && other !== name) {
      throw new UsageError(`${file}: expected category ${id} to be ${other}, as elsewhere, but received ${name}`);
    }
    categories.set(String(id), name);
  }
  const byImage = new Map<string | number, ImageObjects>();
  for (const { id } of coco.images) byImage.set(id, { areas: [], annotations: [] });
  for (const [i, annotation] of coco.annotations.entries()) {
    const where = `${file}: annotations.${i}`;
    const category = names.get(annotation.category_id);
    const image = byImage.get(annotation.image_id);
    if (category === undefined || image === undefined) {
      throw new UsageError(`${where}: expected ids of categories and images but received others`);
    }
    try {
      const box = sizedBox(...annotation.bbox, `${where}.bbox`);
      image.areas.push({ category, box, ...outlineOf(annotation, where) });
      image.annotations.push(annotation);
    } catch (error) {
      // Of a million boxes some have no width: only their images are at fault.
      image.damage ??= (error as Error).message;
    }
  }
  for (const [i, { id, file_name, width, height }] of coco.images.entries()) {
    const name = file_name.replaceAll('\\', '/').replace(/^\.\//, '');
    if (images.has(name)) throw new UsageError(`${file}: images.${i}: expected every image once but found one again`);
    const { areas, annotations, damage } = byImage.get(id) as ImageObjects;
    const size = width && height ? { size: { width, height } } : {};
    const labels: SampleLabels = { unit: 'pixel', areas, ...size };
    images.set(name, { labels, annotations, ...(damage === undefined ? {} : { damage }) });
  }
}

/** The list as text in a string: readers that derive a schema from the first samples would trip over an empty one. */
function memberOf(annotations: readonly CocoAnnotation[]): Uint8Array {
  const plain = annotations.map((annotation) => ({
    bbox: annotation.bbox,
    category_id: annotation.category_id,
    iscrowd: Number(annotation.iscrowd),
    ...(isPolygons(annotation.segmentation) ? { segmentation: annotation.segmentation } : {}),
  }));
  return Buffer.from(JSON.stringify({ annotations: JSON.stringify(plain) }));
}

function isPolygons(segmentation: unknown): boolean {
  return (
    Array.isArray(segmentation) &&
    segmentation.every((polygon) => Array.isArray(polygon) && polygon.every((value) => typeof value === 'number'))
  );
}

import { basename, dirname } from 'node:path';
import * as v from 'valibot';
import { CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { LabelEntry, ReadContext } from './context.ts';
import { outline, sizedBox } from './pixels.ts';
import { checkShape } from './text.ts';
import type { LabelledObject } from './types.ts';

/** Pixels of the upright image. Fields that are not listed, such as what a text says, are left behind. */
const boxSchema = v.object({
  x: v.number(),
  y: v.number(),
  w: v.number(),
  h: v.number(),
  polygon: v.optional(v.array(v.tuple([v.number(), v.number()]))),
  ignore: v.optional(v.boolean(), false),
  attrs: v.optional(v.record(v.string(), v.union([v.string(), v.number()])), {}),
  class: v.optional(v.string()),
});

const nativeSchema = v.object({
  classes: v.optional(v.array(v.string())),
  images: v.array(
    v.object({
      /** Relative to the json's folder. */
      file: v.string(),
      source: v.optional(v.string()),
      boxes: v.array(boxSchema),
    }),
  ),
});

type Native = v.InferOutput<typeof nativeSchema>;
type NativeBox = v.InferOutput<typeof boxSchema>;

/**
 * The project's own form: `annotations.json` next to its images.
 * @throws UsageError naming the file and the index, what was expected and what was received.
 */
export async function readNative(json: unknown, file: string, context: ReadContext): Promise<LabelEntry[]> {
  const labels = checkShape(nativeSchema, json, file);
  const folder = dirname(file);
  const folderClass = needsFolder(labels) ? classOfFolder(folder, file, context) : undefined;
  const declared = labels.classes && context.names.classesOf(labels.classes);
  const entries: { file: string; name: string; source: string; objects: LabelledObject[] }[] = [];
  const occurring = new Set<ClassName>(folderClass && [folderClass]);
  for (const [i, image] of labels.images.entries()) {
    const objects: LabelledObject[] = [];
    for (const [k, box] of image.boxes.entries()) {
      const where = `${file}: images.${i}.boxes.${k}`;
      const cls = box.class === undefined ? folderClass : context.names.classOf(box.class);
      if (cls === undefined) {
        context.names.countUnmapped(box.class as string);
        continue;
      }
      if (declared !== undefined && !declared.includes(cls)) {
        throw new UsageError(
          `${where}: expected one of the file's classes (${declared.join(', ')}) but received ${cls}`,
        );
      }
      occurring.add(cls);
      objects.push(objectOf(box, cls, where));
    }
    const found = await context.places.find(image.file, [folder], `${file}: images.${i}.file`);
    if (found === undefined) context.places.miss(image.file, file);
    else entries.push({ ...found, source: image.source ?? basename(folder), objects });
  }
  const labelled = declared ?? CLASSES.filter((cls) => occurring.has(cls));
  return entries.map((entry) => ({ from: file, image: { ...entry, labelled } }));
}

/** Whether the folder's name has to say what some boxes, or images without any, are about. */
function needsFolder({ classes, images }: Native): boolean {
  const boxes = images.flatMap((image) => image.boxes);
  return boxes.some((box) => box.class === undefined) || (classes === undefined && boxes.length === 0);
}

function classOfFolder(folder: string, file: string, { names }: ReadContext): ClassName {
  const cls = names.classOf(basename(folder));
  if (cls !== undefined) return cls;
  throw new UsageError(
    `${file}: expected a class for every box, or a folder named faces, persons, plates or text, but received ${basename(folder)}`,
  );
}

function objectOf(box: NativeBox, cls: ClassName, where: string): LabelledObject {
  return {
    class: cls,
    box: sizedBox(box.x, box.y, box.w, box.h, where),
    ...(box.polygon && { polygon: outline(box.polygon, `${where}.polygon`) }),
    ignore: box.ignore,
    attributes: Object.fromEntries(Object.entries(box.attrs).map(([key, value]) => [key, String(value)])),
  };
}

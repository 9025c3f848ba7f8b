import { basename, dirname, join, relative, sep } from 'node:path';
import { type Box, CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { LabelEntry, ReadContext } from './context.ts';
import { cornerBox } from './pixels.ts';
import { type FoundImage, stemOf } from './places.ts';
import { mapInBatches, readText } from './text.ts';
import type { LabelledObject } from './types.ts';
import { childOf, parseXml, type XmlElement } from './xml.ts';

const FOLDER = /^(annotations?|xmls?|labels?)$/i;
/** Properties that are kept as attributes when they are stated. */
const PROPERTIES = ['pose', 'truncated', 'occluded'] as const;

interface VocFile {
  readonly file: string;
  readonly layout: Layout;
  readonly image: FoundImage | undefined;
  readonly objects: readonly LabelledObject[];
}

/**
 * Pascal VOC: one xml file per image. It names no categories beyond those of its objects, so an image counts as
 * labelled for every class that occurs among the files of the same data set.
 *
 * @param files Absolute paths of xml files; those that are not annotations are left alone.
 * @returns undefined when none is an annotation.
 * @throws UsageError naming the file and the object, what was expected and what was received.
 */
export async function readVoc(files: readonly string[], context: ReadContext): Promise<LabelEntry[] | undefined> {
  const read = (await mapInBatches(files, (file) => readVocFile(file, context))).filter((voc) => voc !== undefined);
  if (read.length === 0) return undefined;
  const classes = new Map<string, Set<ClassName>>();
  for (const { layout, objects } of read) {
    const found = classes.get(layout.group) ?? new Set();
    classes.set(layout.group, found);
    for (const object of objects) found.add(object.class);
  }
  return read.flatMap(({ file, layout, image, objects }) => {
    if (image === undefined) return [];
    const labelled = CLASSES.filter((cls) => classes.get(layout.group)?.has(cls));
    return [{ from: file, image: { ...image, source: basename(layout.group), labelled, objects } }];
  });
}

async function readVocFile(file: string, context: ReadContext): Promise<VocFile | undefined> {
  const text = await readText(file);
  if (!/<annotation[\s>]/.test(text) && !/^annotations$/i.test(basename(dirname(file)))) return undefined;
  const root = parseXml(text, file);
  if (root.name !== 'annotation') {
    throw new UsageError(`${file}: expected the root element annotation but received ${root.name}`);
  }
  const layout = layoutOf(file, context.places.root);
  const image = await findImage(file, childOf(root, 'filename')?.text, layout, context);
  const objects = root.children
    .filter((child) => child.name === 'object')
    .flatMap((element, i) => readObject(element, `${file}: object ${i}`, context));
  return { file, layout, image, objects };
}

function readObject(element: XmlElement, where: string, { names }: ReadContext): LabelledObject[] {
  const name = childOf(element, 'name')?.text;
  if (name === undefined || name === '') throw new UsageError(`${where}: expected a name but received none`);
  const cls = names.classOf(name);
  if (cls === undefined) {
    names.countUnmapped(name);
    return [];
  }
  const stated = PROPERTIES.flatMap((key) => {
    const value = childOf(element, key)?.text;
    return value ? [[key, value] as const] : [];
  });
  // Written by CVAT.
  const further = (childOf(element, 'attributes')?.children ?? []).flatMap((attribute) => {
    const key = childOf(attribute, 'name')?.text;
    return key ? [[key, childOf(attribute, 'value')?.text ?? ''] as const] : [];
  });
  return [
    {
      class: cls,
      box: readVocBox(childOf(element, 'bndbox'), where),
      ignore: childOf(element, 'difficult')?.text === '1',
      attributes: Object.fromEntries([...stated, ...further]),
    },
  ];
}

/**
 * In the VOC devkit the first pixel is 1 and `xmax`, `ymax` are the last pixels inside; here the first is 0 and `x2`,
 * `y2` are the first outside: `x1 = xmin - 1`, `x2 = xmax`.
 */
export function readVocBox(element: XmlElement | undefined, where: string): Box {
  if (element === undefined) throw new UsageError(`${where}: expected a bndbox but received none`);
  const [xmin, ymin, xmax, ymax] = ['xmin', 'ymin', 'xmax', 'ymax'].map((key) => {
    const text = childOf(element, key)?.text ?? '';
    if (/^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text)) return Number(text);
    throw new UsageError(`${where}: expected a number for ${key} but received ${JSON.stringify(text.slice(0, 40))}`);
  }) as [number, number, number, number];
  return cornerBox(xmin - 1, ymin - 1, xmax, ymax, where);
}

/** By the stated name, else by the name of the xml file, which is what links the two in the VOC devkit. */
async function findImage(
  file: string,
  filename: string | undefined,
  layout: Layout,
  { places }: ReadContext,
): Promise<FoundImage | undefined> {
  const named = filename ? await places.find(filename, layout.folders, file) : undefined;
  const image = named ?? (await places.findByStem(stemOf(file), layout.folders, file));
  if (image === undefined) places.miss(filename || stemOf(file), file);
  return image;
}

interface Layout {
  /** The folder of the data set that a file belongs to. */
  readonly group: string;
  /** Where its image may lie. */
  readonly folders: readonly [string, ...string[]];
}

/** `Annotations/a/x.xml` belongs to the image `JPEGImages/a/x.jpg` or `images/a/x.jpg`, or the two lie together; `annotations/xmls` counts as one. */
function layoutOf(file: string, root: string): Layout {
  const folder = dirname(file);
  const parts = relative(root, folder).split(sep);
  let at = parts.findLastIndex((part) => FOLDER.test(part));
  while (at > 0 && FOLDER.test(parts[at - 1] as string)) at--;
  const group = at < 0 ? folder : join(root, ...parts.slice(0, at));
  const below = at < 0 ? [] : parts.slice(at + 1);
  const folders = [group, dirname(group)].flatMap((base) =>
    ['JPEGImages', 'images', ''].flatMap((name) => [join(base, name, ...below), join(base, name)]),
  );
  return { group, folders: [folder, ...new Set(folders)] };
}

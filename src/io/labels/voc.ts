import { join, relative, sep } from 'node:path';
import type { LabelledArea, SampleLabels } from '../../core/labels.ts';
import { UsageError } from '../../errors.ts';
import type { LabelFiles } from '../../eval/labels/find.ts';
import { readVocBox } from '../../eval/labels/voc.ts';
import { childOf, parseXml, type XmlElement } from '../../eval/labels/xml.ts';
import { escapeHtml } from '../../html.ts';
import { type LabelReader, labelPaths, readLabelText, refusing } from './label-reader.ts';

interface VocObject extends LabelledArea {
  readonly isDifficult: boolean;
}

/**
 * Pascal VOC: `Annotations/x.xml` for `JPEGImages/x.jpg` or `images/x.jpg`, or beside it. An image without one has no
 * objects. The xml is written again from names and boxes: owner, source, file name and parts do not pass.
 * @throws UsageError when there is no xml file at all.
 */
export function vocLabels(files: LabelFiles): LabelReader {
  const present = new Set(files.xml.map((file) => relative(files.root, file).split(sep).join('/')));
  if (present.size === 0) throw new UsageError(`Expected xml files in ${files.root} for --labels voc but found none`);
  const fileOf = (image: string): string | undefined =>
    labelPaths(image, 'xml', ['jpegimages', 'images'], ['Annotations', 'annotations', 'labels']).find((path) =>
      present.has(path),
    );
  return {
    member: 'xml',
    fileExtension: 'xml',
    hasFileOf: (image) => fileOf(image) !== undefined,
    async of(image) {
      const path = fileOf(image);
      const none: SampleLabels = { unit: 'pixel', areas: [] };
      if (path === undefined) return { labels: none, member: vocXml(undefined, []), hasFile: false };
      const file = join(files.root, path);
      const text = await readLabelText(file);
      const { size, objects } = await refusing(() => parseVoc(text, file));
      const areas = objects.map(({ category, box }) => ({ category, box }));
      return {
        labels: { unit: 'pixel', areas, ...(size ? { size } : {}) },
        member: vocXml(size, objects),
        hasFile: true,
      };
    },
  };
}

function parseVoc(text: string, file: string): { readonly size: SampleLabels['size']; readonly objects: VocObject[] } {
  const root = parseXml(text, file);
  if (root.name !== 'annotation') throw new UsageError(`${file}: expected annotation but received ${root.name}`);
  const objects = root.children
    .filter(({ name }) => name === 'object')
    .map((element, i) => {
      const where = `${file}: object ${i}`;
      const category = childOf(element, 'name')?.text ?? '';
      if (category === '' || category.length > 200) throw new UsageError(`${where}: expected a name`);
      const isDifficult = childOf(element, 'difficult')?.text === '1';
      return { category, box: readVocBox(childOf(element, 'bndbox'), where), isDifficult };
    });
  return { size: sizeOf(childOf(root, 'size')), objects };
}

/** Undefined where the xml does not say, or says 0 as some tools do. */
function sizeOf(element: XmlElement | undefined): SampleLabels['size'] {
  const [width = 0, height = 0] = ['width', 'height'].map((name) => Number(element && childOf(element, name)?.text));
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** In the numbers of VOC, whose first pixel is 1 and last one is inside. */
function vocXml(size: SampleLabels['size'], objects: readonly VocObject[]): Uint8Array {
  const lines = objects.flatMap(({ category, box, isDifficult }) => [
    '  <object>',
    `    <name>${escapeHtml(category)}</name>`,
    `    <difficult>${Number(isDifficult)}</difficult>`,
    `    <bndbox><xmin>${box.x1 + 1}</xmin><ymin>${box.y1 + 1}</ymin><xmax>${box.x2}</xmax><ymax>${box.y2}</ymax></bndbox>`,
    '  </object>',
  ]);
  const dimensions = size
    ? [`  <size><width>${size.width}</width><height>${size.height}</height><depth>3</depth></size>`]
    : [];
  return Buffer.from(['<annotation>', ...dimensions, ...lines, '</annotation>', ''].join('\n'));
}

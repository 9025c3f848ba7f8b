import { basename, resolve } from 'node:path';
import type { ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import { isCoco, readCoco } from './coco.ts';
import type { LabelEntry, ReadContext } from './context.ts';
import { findLabelFiles } from './find.ts';
import { mergeEntries } from './merge.ts';
import { CategoryNames } from './names.ts';
import { readNative } from './native.ts';
import { ImagePlaces } from './places.ts';
import { parseJson, readText } from './text.ts';
import { LABEL_FORMATS, type LabelFormat, type LabelSet } from './types.ts';
import { readVoc } from './voc.ts';
import { readYolo } from './yolo.ts';

export interface LabelOptions {
  /** Classes of category names, beyond and above the synonyms that are known. */
  readonly map?: Readonly<Record<string, ClassName>>;
  /** A folder of images outside the data folder. */
  readonly images?: string;
}

/** What the label files of one format say. */
interface Reading {
  readonly format: LabelFormat;
  readonly entries: readonly LabelEntry[];
}

/**
 * Reads every label below a folder: the project's own form, COCO, YOLO and Pascal VOC, also side by side.
 *
 * @param data A folder, or one json file.
 * @throws UsageError for a folder without labels, labels that are damaged or contradict each other, images that are
 *   missing or lie outside the data folder, and mapped categories that do not occur.
 */
export async function readLabels(data: string, options: LabelOptions = {}): Promise<LabelSet> {
  const files = await findLabelFiles(resolve(data));
  const names = new CategoryNames(options.map);
  const places = await ImagePlaces.open(files.root, options.images);
  const context: ReadContext = { names, places };

  const readings: Reading[] = [];
  // One at a time: a single file of labels may take a good part of the memory.
  for (const file of files.json) readings.push(...(await readJsonLabels(file, context, file === resolve(data))));
  const yolo = await readYolo(files, context);
  if (yolo) readings.push({ format: 'yolo', entries: yolo });
  const voc = await readVoc(files.xml, context);
  if (voc) readings.push({ format: 'voc', entries: voc });

  if (readings.length === 0) {
    throw new UsageError(
      `Expected labels below ${data} but found none: annotations.json, COCO json, YOLO txt with data.yaml or classes.txt, or Pascal VOC xml`,
    );
  }
  names.assertMapUsed();
  places.assertComplete();
  const images = mergeEntries(readings.flatMap((reading) => reading.entries));
  if (images.length === 0) throw new UsageError(`Expected labelled images below ${data} but the labels name none`);
  if (images.every((image) => image.labelled.length === 0)) {
    throw new UsageError(
      `Expected labels of faces, bodies, plates or text below ${data} but the categories are ${names.seen}; map them to classes`,
    );
  }
  const formats = LABEL_FORMATS.filter((format) => readings.some((reading) => reading.format === format));
  return { images, formats, unmapped: names.unmapped };
}

async function readJsonLabels(file: string, context: ReadContext, only: boolean): Promise<Reading[]> {
  const text = await readText(file);
  const isNative = /^annotations\.json$/i.test(basename(file));
  // A data folder may hold json files that have nothing to do with labels, well-formed or not.
  if (!isNative && !only && !/"(annotations|categories|file_name)"/.test(text)) return [];
  const json = parseJson(text, file);
  if (isCoco(json)) return [{ format: 'coco', entries: await readCoco(json, file, context) }];
  if (isNative) return [{ format: 'native', entries: await readNative(json, file, context) }];
  return [];
}

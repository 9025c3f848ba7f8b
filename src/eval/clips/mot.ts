import { CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { CategoryNames } from '../labels/names.ts';
import { sizedBox } from '../labels/pixels.ts';
import { addFrame } from './frames.ts';
import type { ClipLabels, ClipObject } from './labels.ts';

/** What the numbers of classes stand for (Milan et al., MOT16, 2016, table 3); `ignored` ones look like people. */
const MOT_CLASSES: Readonly<Record<string, { readonly name: string; readonly ignored?: true }>> = {
  1: { name: 'pedestrian' },
  2: { name: 'person' },
  3: { name: 'car' },
  4: { name: 'bicycle' },
  5: { name: 'motorbike' },
  6: { name: 'vehicle' },
  7: { name: 'person' },
  8: { name: 'person', ignored: true },
  9: { name: 'occluder' },
  10: { name: 'occluder' },
  11: { name: 'occluder' },
  12: { name: 'person', ignored: true },
};

/** Columns that must be there: frame, id, left, top, width, height. */
const REQUIRED = 6;
/** confidence, class and visibility may follow. */
const MOST = 9;

/**
 * Labels of a clip as the `gt.txt` of the MOT Challenge: `frame,id,left,top,width,height,confidence,class,visibility`,
 * where frames and pixels count from 1. Confidence 0 and visibility 0 are ignored ones. Without a class, a row is of
 * class 1. The classes are people, unless `--map 1=face` says what a number stands for. Frames without a row show
 * nothing.
 *
 * @throws UsageError naming the file and the line.
 */
export function readMot(text: string, file: string, names: CategoryNames): ClipLabels {
  const rows = new Map<number, { readonly objects: ClipObject[]; readonly where: string }>();
  const occurring = new Set<ClassName>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${file}:${i + 1}`;
    const { frame, id, box, number, isIgnored } = readRow(line, where);
    const known = MOT_CLASSES[number];
    const cls = names.classOf(number) ?? (known && names.classOf(known.name));
    if (cls === undefined) {
      names.countUnmapped(known?.name ?? number);
      continue;
    }
    occurring.add(cls);
    const ignore = isIgnored || (known?.ignored === true && names.classOf(number) === undefined);
    const row = rows.get(frame) ?? { objects: [], where };
    row.objects.push({ class: cls, box, ignore, attributes: {}, id });
    rows.set(frame, row);
  }
  const frames = new Map<number, readonly ClipObject[]>();
  for (const [frame, { objects, where }] of rows) addFrame(frames, frame, objects, where);
  return { format: 'mot', labelled: CLASSES.filter((cls) => occurring.has(cls)), frames, areAllLabelled: true };
}

function readRow(line: string, where: string) {
  const fields = line.trim().split(/\s*[,;]\s*|\s+/);
  const numbers = fields.map(Number);
  const isSound = fields.every((field, i) => field !== '' && Number.isFinite(numbers[i]));
  if (!isSound || fields.length < REQUIRED || fields.length > MOST) {
    throw new UsageError(
      `${where}: expected ${REQUIRED} to ${MOST} numbers (frame,id,left,top,width,height,confidence,class,visibility) but received ${line.trim().slice(0, 80)}`,
    );
  }
  const [frame, id, left, top, width, height] = numbers as [number, number, number, number, number, number];
  const [confidence = 1, cls = 1, visibility = 1] = numbers.slice(REQUIRED);
  if (!Number.isInteger(frame) || frame < 1 || !Number.isInteger(cls)) {
    throw new UsageError(`${where}: expected a frame from 1 on and a whole class but received ${frame} and ${cls}`);
  }
  return {
    frame: frame - 1,
    id: String(id),
    box: sizedBox(left - 1, top - 1, width, height, where),
    number: String(cls),
    isIgnored: confidence === 0 || visibility === 0,
  };
}

import * as v from 'valibot';
import { CLASSES, type ClassName } from '../../core/types.ts';
import { UsageError } from '../../errors.ts';
import type { CategoryNames } from '../labels/names.ts';
import { sizedBox } from '../labels/pixels.ts';
import { checkShape, parseJson } from '../labels/text.ts';
import { addFrame } from './frames.ts';
import type { ClipLabels, ClipObject } from './labels.ts';

const headSchema = v.strictObject({ classes: v.array(v.string()) });

const frameSchema = v.strictObject({
  frame: v.pipe(v.number(), v.integer(), v.minValue(0)),
  boxes: v.array(
    v.strictObject({
      class: v.string(),
      /** x, y, width, height. */
      box: v.tuple([v.number(), v.number(), v.number(), v.number()]),
      id: v.optional(v.union([v.string(), v.number()])),
      ignore: v.optional(v.boolean(), false),
    }),
  ),
});

/**
 * Labels of a clip as a line of JSON for every labelled frame, the way its public log is written:
 * `{"frame":0,"boxes":[{"class":"face","box":[x,y,width,height],"id":"Ann","ignore":false}]}`, pixels of the upright
 * frame, frames from 0 on. A first line `{"classes":["face"]}` says what is labelled; otherwise it is what occurs.
 *
 * @throws UsageError naming the file and the line.
 */
export function readFrameLines(text: string, file: string, names: CategoryNames): ClipLabels {
  const frames = new Map<number, readonly ClipObject[]>();
  const occurring = new Set<ClassName>();
  let declared: readonly ClassName[] | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const where = `${file}:${i + 1}`;
    const json = parseJson(line, where);
    if (i === 0 && typeof json === 'object' && json !== null && 'classes' in json) {
      declared = names.classesOf(checkShape(headSchema, json, where).classes);
      continue;
    }
    const { frame, boxes } = checkShape(frameSchema, json, where);
    const objects = boxes.flatMap(({ class: name, box, id, ignore }, k): ClipObject[] => {
      const cls = names.classOf(name);
      if (cls === undefined) {
        names.countUnmapped(name);
        return [];
      }
      if (declared !== undefined && !declared.includes(cls)) {
        throw new UsageError(
          `${where}: expected one of the file's classes (${declared.join(', ')}) but received ${cls}`,
        );
      }
      occurring.add(cls);
      const [x, y, width, height] = box;
      const at = sizedBox(x, y, width, height, `${where}: boxes.${k}`);
      return [{ class: cls, box: at, ignore, attributes: {}, ...(id === undefined ? {} : { id: String(id) }) }];
    });
    addFrame(frames, frame, objects, where);
  }
  const labelled = declared ?? CLASSES.filter((cls) => occurring.has(cls));
  return { format: 'frames', labelled, frames, areAllLabelled: false };
}

import { boundingBox, iou, unite } from '../core/geometry.ts';
import { type Box, CLASSES, type ClassName, type Detection } from '../core/types.ts';
import type { Track, TrackWord } from '../video/tracks/index.ts';
import type { DetectedFrame } from '../worker/clip.ts';

/** A box without a number goes on where one of the frame before overlaps it by so much. */
const LEAST_OVERLAP = 0.3;

interface GivenThing {
  readonly class: ClassName;
  readonly number: number | undefined;
  readonly boxes: Map<number, Box>;
  last: { readonly frame: number; readonly box: Box };
}

/**
 * Tracks of boxes that came with a clip, exactly in the frames that they are of. Boxes of one number are one thing; those
 * without are when they overlap from frame to frame, which decides how they look and not where they are.
 *
 * @param frames of the whole clip, in order; those without boxes may be left out. @param isWanted whether a class is redacted at all.
 */
export function givenTracks(frames: readonly DetectedFrame[], isWanted: (cls: ClassName) => boolean): Track[] {
  const things: GivenThing[] = [];
  const numbered = new Map<string, GivenThing>();
  for (const { frame, detections = [] } of frames) {
    const near = things.filter(({ number, last }) => number === undefined && last.frame === frame - 1);
    for (const { label, polygon, track: number, ...found } of detections) {
      if (label === 'vehicle' || !isWanted(label)) continue;
      const box = polygon === undefined ? found.box : unite(found.box, boundingBox(polygon));
      const name = `${label} ${number}`;
      const known = number === undefined ? nearest(near, label, frame, box) : numbered.get(name);
      const thing: GivenThing = known ?? { class: label, number, boxes: new Map(), last: { frame, box } };
      if (known === undefined) things.push(thing);
      if (number !== undefined) numbered.set(name, thing);
      thing.boxes.set(frame, box);
      thing.last = { frame, box };
    }
  }
  const inOrder = things
    .map((thing, found) => ({ thing, found }))
    .sort((a, b) => CLASSES.indexOf(a.thing.class) - CLASSES.indexOf(b.thing.class) || a.found - b.found);
  return inOrder.map(({ thing }, id) => trackOf(thing, id));
}

/** The thing of the frame before that overlaps a box most, and has none in this frame yet. */
function nearest(
  near: readonly GivenThing[],
  cls: Detection['label'],
  frame: number,
  box: Box,
): GivenThing | undefined {
  return near
    .filter((thing) => thing.class === cls && thing.last.frame === frame - 1)
    .map((thing) => ({ thing, overlap: iou(thing.last.box, box) }))
    .filter(({ overlap }) => overlap >= LEAST_OVERLAP)
    .sort((a, b) => b.overlap - a.overlap)[0]?.thing;
}

function trackOf({ class: cls, boxes: given, last }: GivenThing, id: number): Track {
  const [from = 0] = given.keys();
  const boxes: Box[] = [];
  const said: TrackWord[] = [];
  for (let frame = from; frame <= last.frame; frame++) {
    const box = given.get(frame);
    boxes.push(box ?? (boxes.at(-1) as Box));
    said.push(box === undefined ? 'removed' : 'given');
  }
  return { id, class: cls, from, boxes, seen: said.map((word) => word === 'given'), said };
}

import { boxArea, growBox, intersect } from '../../../src/core/geometry.ts';
import type { Box, ClassName, Detection } from '../../../src/core/types.ts';
import type { FrameDetections, Timeline, Track } from '../../../src/video/tracks/index.ts';

export const WIDTH = 640;
export const HEIGHT = 360;

/** Thresholds of a run, and the growth of its policy. */
export const THRESHOLDS = { face: 0.5, body: 0.5, plate: 0.5, text: 0.5 } as const;
export const GROWTH = 0.1;

/** A thing that moves as `path` says: its middle by frame, its size, and in which frames it can be seen. */
export interface Thing {
  readonly label: ClassName;
  readonly boxOf: (frame: number) => Box;
  readonly isMissed: (frame: number) => boolean;
}

export function boxAround(x: number, y: number, width: number, height: number): Box {
  return { x1: x - width / 2, y1: y - height / 2, x2: x + width / 2, y2: y + height / 2 };
}

export function timelineOf(frames: number, cuts: readonly number[] = []): Timeline {
  return { width: WIDTH, height: HEIGHT, times: Array.from({ length: frames }, (_, i) => i), cuts };
}

export function detectionOf(label: ClassName, box: Box, score = 0.9): Detection {
  return { label, box, score, model: 'test' };
}

/** The part of a box that lies in the frame. */
export function visible(box: Box): Box {
  return intersect(box, { x1: 0, y1: 0, x2: WIDTH, y2: HEIGHT });
}

/**
 * What a detector reports of `things`: each side off by up to `wavers` of the box's length, nothing of a thing of which
 * less than a quarter can be seen.
 */
export function observe(
  things: readonly Thing[],
  frames: number,
  { wavers, next, every = 1 }: { readonly wavers: number; readonly next: () => number; readonly every?: number },
): FrameDetections[] {
  const seen: FrameDetections[] = [];
  for (let frame = 0; frame < frames; frame += every) {
    const detections = things.flatMap(({ label, boxOf, isMissed }) => {
      const whole = boxOf(frame);
      const box = visible(whole);
      if (isMissed(frame) || boxArea(box) < boxArea(whole) / 4 || !(box.x2 > box.x1)) return [];
      const off = (length: number): number => (next() * 2 - 1) * wavers * length;
      const [w, h] = [box.x2 - box.x1, box.y2 - box.y1];
      const found = { x1: box.x1 + off(w), y1: box.y1 + off(h), x2: box.x2 + off(w), y2: box.y2 + off(h) };
      return [detectionOf(label, visible(found))];
    });
    seen.push({ frame, detections });
  }
  return seen;
}

/** The boxes that are covered in a frame, grown as a policy grows them. */
export function coveredIn(tracks: readonly Track[], frame: number, growth = GROWTH): Box[] {
  return tracks.flatMap(({ from, boxes }) => {
    const box = boxes[frame - from];
    return box === undefined ? [] : [growBox(box, growth)];
  });
}

/** Share of what can be seen of `box` that some of `covers` covers, counted on a grid of 20 × 20 points. */
export function shareCovered(box: Box, covers: readonly Box[]): number {
  const { x1, y1, x2, y2 } = visible(box);
  if (!(x2 > x1 && y2 > y1)) return 1;
  let inside = 0;
  for (let i = 0; i < 400; i++) {
    const x = x1 + ((x2 - x1) * ((i % 20) + 0.5)) / 20;
    const y = y1 + ((y2 - y1) * (Math.floor(i / 20) + 0.5)) / 20;
    if (covers.some((c) => x >= c.x1 && x < c.x2 && y >= c.y1 && y < c.y2)) inside++;
  }
  return inside / 400;
}

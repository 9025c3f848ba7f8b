import type { Box, ClassName, Detection, Point } from '../../src/core/types.ts';
import type { LabelledImage, LabelledObject } from '../../src/eval/labels/types.ts';
import { Levels } from '../../src/eval/levels.ts';
import { type ClassMeasurement, ImageMeasurer } from '../../src/eval/measure-image.ts';
import type { Policy } from '../../src/redact/plan.ts';

export type Corners = readonly [x1: number, y1: number, x2: number, y2: number];

export function box([x1, y1, x2, y2]: Corners): Box {
  return { x1, y1, x2, y2 };
}

export function points(...pairs: readonly (readonly [number, number])[]): Point[] {
  return pairs.map(([x, y]) => ({ x, y }));
}

export function object(
  cls: ClassName,
  corners: Corners,
  more: Partial<Pick<LabelledObject, 'polygon' | 'ignore' | 'attributes'>> = {},
): LabelledObject {
  return { class: cls, box: box(corners), ignore: false, attributes: {}, ...more };
}

export function detection(cls: ClassName, corners: Corners, score = 0.9, polygon?: Point[]): Detection {
  return { label: cls, box: box(corners), score, model: 'made-up', ...(polygon ? { polygon } : {}) };
}

export function photograph(
  objects: readonly LabelledObject[],
  labelled: readonly ClassName[] = ['body'],
): LabelledImage {
  return { file: '/photographs/a.jpg', name: 'a.jpg', source: 'made-up', labelled, objects };
}

export const OPERATING = 0.5;

const POLICY: Policy = {
  classes: ['face', 'body', 'plate', 'text'],
  redact: { face: 'blur', body: 'blur', plate: 'blur', text: 'blur' },
  grow: { face: 0, body: 0, plate: 0, text: 0 },
};

/** Measures a photograph of `side` × `side` pixels; every class operates at 0.5 and reports from 0.1 on. */
export function measure(
  image: LabelledImage,
  detections: readonly Detection[],
  { side = 100, grow = 0, levels = new Levels(0.1, OPERATING) } = {},
): Map<ClassName, ClassMeasurement> {
  const policy = { ...POLICY, grow: { ...POLICY.grow, body: grow } };
  const measurer = new ImageMeasurer(policy, { face: levels, body: levels, plate: levels, text: levels });
  return measurer.measure(image, detections, side, side);
}

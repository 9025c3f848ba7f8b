import type { FaceGuide } from '../../../core/types.ts';
import type { FaceModel } from './model.ts';

/**
 * How much of an expression is kept: its numbers in the order of the model's movements (mouth opening, mouth width,
 * lift of the mouth's corners, left and right eye opening, lift of the brows), in pixels of the frame, which is 118
 * across the face. They are rounded to steps and limited, so that they tell a smile but not whose.
 */
const RANGES = [
  { least: 0, most: 30, step: 5 },
  { least: 36, most: 60, step: 6 },
  { least: -3, most: 9, step: 3 },
  { least: 1, most: 10, step: 3 },
  { least: 1, most: 10, step: 3 },
  // How high brows are says more about the person than about the moment.
  { least: 16.5, most: 22.5, step: 6 },
] as const;

/** The numbers of the expression on a frontal face. @param frontal [68, 2] */
export function readExpression(model: FaceModel, frontal: Float64Array): number[] {
  return coarseExpression(RANGES.map((_, k) => measure(model, frontal, k)));
}

/** Share of a step by which a number must be nearer to another step than to the one where it was before. */
const CLEARLY = 0.25;

/**
 * The numbers of an expression, limited and rounded to their steps.
 * @param before the same in the frame before, where there is one: a number that lies between two steps stays where it was.
 */
export function coarseExpression(values: readonly number[], before?: readonly number[]): number[] {
  return RANGES.map(({ least, most, step }, k) => {
    const value = Math.min(most, Math.max(least, values[k] as number));
    const was = before?.[k];
    if (was !== undefined && Math.abs(value - was) <= (0.5 + CLEARLY) * step) return was;
    return least + Math.round((value - least) / step) * step;
  });
}

/** Moves the points of a frontal face, [points, 3], from the mean's expression to another. */
export function applyExpression(model: FaceModel, shape: Float32Array, expression: readonly number[]): void {
  const mean = Float64Array.from({ length: 136 }, (_, i) => model.mean[(i >> 1) * 3 + (i & 1)] as number);
  for (const [k, value] of expression.entries()) {
    const amount = value - measure(model, mean, k);
    for (let i = 0; i < model.points; i++) {
      for (const axis of [0, 1]) {
        const at = 3 * i + axis;
        shape[at] = (shape[at] as number) + amount * (model.movements[(k * model.points + i) * 2 + axis] as number);
      }
    }
  }
}

function measure({ measures }: FaceModel, frontal: Float64Array, k: number): number {
  let sum = 0;
  for (let i = 0; i < 136; i++) sum += (measures[k * 136 + i] as number) * (frontal[i] as number);
  return sum;
}

/** How far the pupils go aside, in widths of an eye, and up, in openings. */
const GAZE = { x: 0.2, y: 0.2 } as const;

/** Turns the eyes of a frontal face, [points, 3]. */
export function lookTo({ points }: FaceModel, shape: Float32Array, gaze: NonNullable<FaceGuide['gaze']>): void {
  const x = (i: number): number => shape[3 * i] as number;
  const y = (i: number): number => shape[3 * i + 1] as number;
  for (const [eye, pupil] of [
    [36, points - 2],
    [42, points - 1],
  ] as const) {
    const open = (y(eye + 4) + y(eye + 5) - y(eye + 1) - y(eye + 2)) / 2;
    shape[3 * pupil] = x(pupil) + gaze.x * GAZE.x * (x(eye + 3) - x(eye));
    shape[3 * pupil + 1] = y(pupil) + gaze.y * GAZE.y * open;
  }
}

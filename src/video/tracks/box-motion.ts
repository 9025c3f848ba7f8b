import { boxHeight, boxWidth } from '../../core/geometry.ts';
import type { Box } from '../../core/types.ts';
import { correct, type Motion, type Noise, predict, startMotion } from './motion.ts';

/** The sides of a box move on their own: where one is cut off by the border of the frame, the others tell the truth. */
export const SIDES = ['x1', 'y1', 'x2', 'y2'] as const;
export type Side = (typeof SIDES)[number];
export type BoxMotion = Readonly<Record<Side, Motion>>;

/** Shares of a box's length by which detectors waver, things turn in a step, and unknown things move in a step. */
const WAVERS = 0.05;
export const TURNS = 0.06;
const MOVES = 0.25;

/** A length that stands for the size of a box, pixels: of long ones such as text, not much more than their height. */
export function lengthOf(box: Box): number {
  const [width, height] = [Math.max(1, boxWidth(box)), Math.max(1, boxHeight(box))];
  return Math.min(Math.sqrt(width * height), 2.5 * Math.min(width, height));
}

/** @param turns share of its length by which the thing turns in a step. */
export function noiseOf(box: Box, turns = TURNS): Noise {
  const length = lengthOf(box);
  return { measured: (WAVERS * length) ** 2, turning: (turns * length) ** 2, speed: (MOVES * length) ** 2 };
}

function eachSide(motion: (side: Side) => Motion): BoxMotion {
  return { x1: motion('x1'), y1: motion('y1'), x2: motion('x2'), y2: motion('y2') };
}

export function startBox(box: Box, noise = noiseOf(box)): BoxMotion {
  return eachSide((side) => startMotion(box[side], noise));
}

export function predictBox(motion: BoxMotion, dt: number, noise: Noise): BoxMotion {
  return eachSide((side) => predict(motion[side], dt, noise));
}

export function correctBox(motion: BoxMotion, box: Box, noise = noiseOf(box)): BoxMotion {
  return eachSide((side) => correct(motion[side], box[side], noise));
}

/** The box as it is expected; a side may have overtaken the other one. */
export function boxAt({ x1, y1, x2, y2 }: BoxMotion): Box {
  return {
    x1: Math.min(x1.at, x2.at),
    y1: Math.min(y1.at, y2.at),
    x2: Math.max(x1.at, x2.at),
    y2: Math.max(y1.at, y2.at),
  };
}

/** Standard deviation of the middle of the box along one axis, pixels; its sides are taken to err alike. */
export function doubtOf(motion: BoxMotion): number {
  const largest = Math.max(...SIDES.map((side) => motion[side].varAt));
  return Math.sqrt(largest);
}

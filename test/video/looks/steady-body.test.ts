import { expect, it } from 'vitest';
import type { Box, PoseGuide } from '../../../src/core/types.ts';
import { inEveryFrame, steadyIn } from '../../../src/video/looks/steady.ts';

const FRAMES = 40;
const boxes = Array.from({ length: FRAMES }, (_, i): Box => ({ x1: 4 * i, y1: 20, x2: 4 * i + 60, y2: 180 }));

/** A body whose k-th joint lies 3k right of and 8k below the corner of its box; left and right ones are next to each other. */
function bodyIn(frame: number, { swapped = false, off = 0, score = (_: number): number => 0.9 } = {}): PoseGuide {
  const { x1, y1 } = boxes[frame] as Box;
  const keypoints = Array.from({ length: 17 }, (_, k) => {
    const joint = swapped && k > 4 ? (k % 2 ? k + 1 : k - 1) : k;
    return { x: x1 + 3 * joint + off, y: y1 + 8 * joint, score: score(k) };
  });
  return { kind: 'pose', keypoints };
}

const steady = (read: readonly (PoseGuide | undefined)[]): PoseGuide[] =>
  inEveryFrame(steadyIn('body', read, boxes), FRAMES) as PoseGuide[];

it('joints of a followed body move with it, and waver less than what was read', () => {
  const shown = steady(boxes.map((_, i) => bodyIn(i, { off: 5 * (-1) ** i })));
  for (const [i, { keypoints }] of shown.entries()) {
    for (const [k, { x, y }] of keypoints.entries()) {
      // At the ends there is less to average.
      expect(Math.abs(x - 4 * i - 3 * k), `${i} ${k}`).toBeLessThan(i > 5 && i < FRAMES - 6 ? 1 : 5.1);
      expect(y).toBeCloseTo(20 + 8 * k, 6);
    }
  }
});

it('sides that are mixed up in one frame do not cross', () => {
  const shown = steady(boxes.map((_, i) => bodyIn(i, { swapped: i === 20 })));
  for (const [k, { x }] of (shown[20] as PoseGuide).keypoints.entries()) expect(x).toBeCloseTo(80 + 3 * k, 6);
});

it('joints are straight over a gap, and keep their places in the box beyond the ends', () => {
  const shown = steady(boxes.map((_, i) => (i === 10 ? bodyIn(i) : i === 30 ? bodyIn(i, { off: 10 }) : undefined)));
  const offset = (i: number): number => ((shown[i] as PoseGuide).keypoints[6]?.x ?? 0) - 4 * i - 18;
  for (const [i, expected] of [
    [0, 0],
    [10, 0],
    [20, 5],
    [30, 10],
    [39, 10],
  ] as const) {
    expect(offset(i)).toBeCloseTo(expected, 6);
  }
});

it('a joint of which nobody is sure is followed or made up in all frames', () => {
  const isFollowed = (shown: readonly PoseGuide[]): Set<boolean> =>
    new Set(shown.map(({ keypoints }) => (keypoints[9]?.score ?? 0) >= 0.25));
  const wavering = (first: number) =>
    steady(boxes.map((_, i) => bodyIn(i, { score: (k) => (k !== 9 ? 0.9 : i < 6 ? first : i % 2 ? 0.35 : 0.14) })));
  expect(isFollowed(wavering(0.8))).toEqual(new Set([true]));
  expect(isFollowed(wavering(0.05))).toEqual(new Set([false]));
});

import { expect, it } from 'vitest';
import { givenTracks } from '../../src/clips/given-tracks.ts';
import type { ClassName, Detection } from '../../src/core/types.ts';

const given = (label: ClassName, x: number, track?: number): Detection => ({
  label,
  box: { x1: x, y1: 0, x2: x + 10, y2: 10 },
  score: 1,
  model: 'given',
  origin: 'given',
  ...(track === undefined ? {} : { track }),
});
const frames = (...all: Detection[][]) => all.map((detections, frame) => ({ frame, differences: [], detections }));
const shown = (all: Detection[][]) =>
  givenTracks(frames(...all), (cls) => cls !== 'body').map(({ id, class: cls, from, boxes, said }) => [
    id,
    cls,
    from,
    boxes.map(({ x1 }, i) => (said?.[i] === 'given' ? x1 : undefined)),
  ]);

it('boxes of one number are one thing, with frames between in which nothing is covered', () => {
  expect(shown([[given('face', 0, 7)], [], [given('face', 80, 7), given('text', 3, 7)]])).toEqual([
    [0, 'face', 0, [0, undefined, 80]],
    [1, 'text', 2, [3]],
  ]);
});

it('boxes without a number go on where they overlap, each with one other', () => {
  expect(shown([[given('plate', 0)], [given('plate', 2), given('plate', 1)], [given('plate', 60)]])).toEqual([
    [0, 'plate', 0, [0, 2]],
    [1, 'plate', 1, [1]],
    [2, 'plate', 2, [60]],
  ]);
});

it('an outline is covered by the box around it and its box; classes that are left alone have none', () => {
  const line = {
    ...given('text', 20),
    polygon: [
      { x: 0, y: 0 },
      { x: 25, y: 0 },
      { x: 25, y: 40 },
    ],
  };
  const tracks = givenTracks(frames([line, given('body', 0)]), (cls) => cls !== 'body');
  expect(tracks.map(({ boxes }) => boxes)).toEqual([[{ x1: 0, y1: 0, x2: 30, y2: 40 }]]);
});

import { expect, it } from 'vitest';
import { matchDetections } from '../../src/eval/match.ts';
import { box, type Corners } from './scenes.ts';

interface Case {
  detections: [score: number, ...Corners][];
  objects?: Corners[];
  ignored?: Corners[];
  found?: boolean[];
  right: number;
  counted: number;
}

it.each<[string, Case]>([
  ['nothing', { detections: [], right: 0, counted: 0 }],
  ['a miss', { detections: [], objects: [[0, 0, 10, 10]], found: [false], right: 0, counted: 0 }],
  ['a false alarm', { detections: [[0.9, 0, 0, 10, 10]], right: 0, counted: 1 }],
  // IoU 0.45: right, but the object is not found.
  [
    'an overlap between the two limits',
    { detections: [[0.9, 0, 0, 10, 4.5]], objects: [[0, 0, 10, 10]], found: [false], right: 1, counted: 1 },
  ],
  [
    'a second detection of one object',
    {
      detections: [
        [0.6, 0, 0, 10, 10],
        [0.9, 0, 0, 10, 9],
      ],
      objects: [[0, 0, 10, 10]],
      found: [true],
      right: 1,
      counted: 2,
    },
  ],
  [
    'the best score chooses first, the best overlap',
    {
      detections: [
        [0.5, 0, 0, 10, 10],
        [0.9, 0, 1, 10, 11],
      ],
      objects: [
        [0, 0, 10, 10],
        [0, 2, 10, 12],
      ],
      // The better score overlaps both alike and takes the first; the other is left with IoU 0.67.
      found: [true, true],
      right: 2,
      counted: 2,
    },
  ],
  ['inside an ignored crowd', { detections: [[0.9, 2, 2, 6, 6]], ignored: [[0, 0, 50, 50]], right: 0, counted: 0 }],
  ['half inside', { detections: [[0.9, 0, 0, 10, 10]], ignored: [[5, 0, 50, 50]], right: 0, counted: 0 }],
  ['less than half inside', { detections: [[0.9, 0, 0, 10, 10]], ignored: [[6, 0, 50, 50]], right: 0, counted: 1 }],
  [
    'an object in a crowd is right before it is ignored',
    {
      detections: [[0.9, 0, 0, 10, 10]],
      objects: [[0, 0, 10, 10]],
      ignored: [[0, 0, 50, 50]],
      found: [true],
      right: 1,
      counted: 1,
    },
  ],
])('%s', (_, { detections, objects = [], ignored = [], found = [], right, counted }) => {
  const scored = detections.map(([score, ...corners]) => ({ score, box: box(corners) }));
  expect(matchDetections(scored, objects.map(box), ignored.map(box))).toEqual({ found, right, counted });
});

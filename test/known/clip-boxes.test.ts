import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readClipBoxes } from '../../src/known/clip-boxes.ts';
import { scratch } from '../fixtures/ioHelpers.ts';

async function read(...lines: readonly object[]) {
  const file = join(await scratch(), 'boxes.jsonl');
  await writeFile(file, lines.map((line) => JSON.stringify({ file: './a.mp4', boxes: [], ...line })).join('\n'));
  return (await readClipBoxes(file)).get('a.mp4');
}
const face = { class: 'face', x: 1, y: 2, w: 3, h: 4 };

it('boxes of clips are told frame by frame, or for several frames in a row', async () => {
  const boxes = await read(
    { frame: 2, boxes: [{ ...face, track: 9 }] },
    { from: 0, to: 1, boxes: [face] },
    { frame: 3 },
  );
  const found = boxes?.in(4).map((detections) => detections.map(({ box, origin, track }) => [box.x2, origin, track]));
  expect(found).toEqual([[[4, 'given', undefined]], [[4, 'given', undefined]], [[4, 'given', 9]], []]);
  expect(boxes?.hasEmpty).toBe(true);
  expect(boxes?.in(2)).toHaveLength(2);
});

it('a frame without an entry is not one in which nothing is: the clip is held back', async () => {
  const boxes = await read({ frame: 0 }, { from: 2, to: 9 });
  expect(() => boxes?.in(10)).toThrow(expect.objectContaining({ reason: 'no-boxes' }));
  expect(() => boxes?.in(2)).toThrow('frame 1');
});

it.each([
  [[{}], /line 1: expected a frame, or from ≤ to/],
  [[{ from: 3 }], /expected a frame, or from ≤ to/],
  [[{ from: 3, to: 2 }], /expected a frame, or from ≤ to/],
  [[{ frame: 3, from: 3 }], /expected a frame, or from ≤ to/],
  [[{ frame: 3, to: 5 }], /expected a frame, or from ≤ to/],
  [[{ from: 0, to: 5 }, { frame: 5 }], /line 2: expected every frame once but received frame 5 again/],
  [[{ frame: 0, boxes: [{ class: 'face', x: 1 }] }], /boxes\.0: expected x, y, w and h/],
  [
    [
      {
        frame: 0,
        boxes: [
          { ...face, track: 1 },
          { ...face, track: 1 },
        ],
      },
    ],
    /each track once in a frame but received 1/,
  ],
  [[{ frame: 0, score: 1 }], /line 1: score: /],
])('what makes no sense is refused: %j', async (lines, message) => {
  await expect(read(...lines)).rejects.toThrow(message);
});

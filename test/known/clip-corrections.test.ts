import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readClipCorrections } from '../../src/known/clip-corrections.ts';
import { scratch } from '../fixtures/ioHelpers.ts';

async function read(...lines: readonly object[]) {
  const file = join(await scratch(), 'c.jsonl');
  await writeFile(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  return readClipCorrections(file);
}

it('corrections of clips are those of images with frames', async () => {
  const [removed, added] = await read(
    { file: './a.mp4', action: 'remove', class: 'face', frame: 9, at: [3, 4] },
    { key: '000000001', action: 'add', class: 'plate', from: 2, to: 5, box: [1, 2, 3, 4], last_box: [5, 6, 7, 8] },
  );
  expect(removed).toMatchObject({
    file: 'a.mp4',
    correction: { class: 'face', frame: 9, said: { action: 'remove', target: { at: { x: 3, y: 4 } } } },
  });
  expect(added?.correction).toEqual({
    class: 'plate',
    from: 2,
    to: 5,
    said: { action: 'add', class: 'plate', region: { box: { x1: 1, y1: 2, x2: 4, y2: 6 } } },
    lastBox: { x1: 5, y1: 6, x2: 12, y2: 14 },
  });
});

it.each([
  [{ action: 'remove', at: [1, 1] }, /line 1: expected a frame in which the thing is pointed at, or from/],
  [{ action: 'add', box: [0, 0, 9, 9], from: 3 }, /expected from and to of what is added/],
  [{ action: 'add', box: [0, 0, 9, 9], from: 3, to: 4, frame: 3 }, /expected no frame for add/],
  [{ action: 'remove', at: [1, 1], from: 4, to: 3 }, /expected from ≤ to but received 4 and 3/],
  [{ action: 'change', at: [1, 1], box: [0, 0, 9, 9], from: 4, last_box: [0, 0, 9, 9] }, /with last_box/],
  [{ action: 'add', box: [0, 0, 9, 9], from: 3, to: 9, last_box: [0, 0, 0, 9] }, /last_box/],
  [{ action: 'remove', at: [1, 1], frame: 1.5 }, /line 1: frame: /],
  [{ action: 'remove', at: [1, 1], frame: 1, track: 4 }, /line 1: track: /],
])('what makes no sense is refused: %j', async (line, message) => {
  await expect(read({ file: 'a.mp4', class: 'face', ...line })).rejects.toThrow(message);
});

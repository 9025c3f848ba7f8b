import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readList } from '../../src/known/list.ts';
import { scratch } from '../fixtures/ioHelpers.ts';

async function list(...lines: readonly (string | object)[]): Promise<string> {
  const file = join(await scratch(), 'list.jsonl');
  await writeFile(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  return file;
}

describe('readList', () => {
  it('reads what lines say, and takes paths for what they mean', async () => {
    const boxes = [{ class: 'license plate', x: 1, y: 2, w: 3, h: 4 }];
    const file = await list(
      { path: './a//b.jpg', key: 'Frame_1-x', label: 3 },
      '',
      { path: 'x/../c.jpg' },
      { path: '../d.jpg', boxes },
    );
    expect(await readList(file)).toEqual([
      { path: 'a/b.jpg', key: 'Frame_1-x', label: 3 },
      { path: 'c.jpg' },
      {
        path: '../d.jpg',
        boxes: [{ label: 'plate', box: { x1: 1, y1: 2, x2: 4, y2: 6 }, score: 1, model: 'given', origin: 'given' }],
      },
    ]);
  });

  const SECRET = 'Jane-Doe';
  it.each<[what: string, lines: readonly (string | object)[], message: RegExp]>([
    ['nothing', [], /list\.jsonl but received an empty list$/],
    ['no JSON', [{ path: 'a' }, `{"path": ${SECRET}}`], /list\.jsonl: line 2: expected a JSON object/],
    ['another shape', [[SECRET]], /line 1/],
    ['an unknown field', [{ path: 'a', boxs: [] }], /line 1: .*boxs/],
    ['no path', [{ key: 'a' }], /line 1: path/],
    ['an empty path', [{ path: '' }], /line 1: path/],
    ['a folder', [{ path: `${SECRET}/` }], /line 1\.path: expected a file but received a folder/],
    ['the folder above', [{ path: `${SECRET}/../..` }], /received a folder/],
    ['a NUL character', [{ path: `${SECRET}\0` }], /NUL/],
    ['an image twice', [{ path: `${SECRET}.jpg` }, { path: `./${SECRET}.jpg` }], /line 2\.path: .*one again/],
    ['a key twice', [{ path: 'a', key: 'k' }, '', { path: 'b', key: 'k' }], /line 3\.key: .*one again/],
    ['a key with a dot', [{ path: 'a', key: 'a.b' }], /line 1: key: Expected 1 to 128 of A-Z a-z 0-9 _ - for a key/],
    ['a key with a slash', [{ path: 'a', key: '../b' }], /for a key/],
    ['a key that is not ASCII', [{ path: 'a', key: 'ü' }], /for a key/],
    ['a negative label', [{ path: 'a', label: -1 }], /for a label/],
    ['a fraction as label', [{ path: 'a', label: 0.5 }], /for a label/],
    [
      'labels of two kinds',
      [
        { path: 'a', label: 1 },
        { path: 'b', label: 'cat' },
      ],
      /line 2\.label: .*received both/,
    ],
    [
      'a box of no class',
      [{ path: 'a', boxes: [{ class: 'dog', x: 1, y: 1, w: 1, h: 1 }] }],
      /line 1: boxes\.0\.class/,
    ],
    ['a box without area', [{ path: 'a', boxes: [{ class: 'face', x: 1, y: 1, w: 0, h: 1 }] }], /line 1: boxes\.0/],
  ])('refuses %s, and names no image', async (_, lines, message) => {
    const error = await readList(await list(...lines)).catch((reason: Error) => reason);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain(SECRET);
  });
});

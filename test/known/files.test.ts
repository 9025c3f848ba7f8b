import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { readBoxes } from '../../src/known/boxes.ts';
import { readCorrections } from '../../src/known/corrections.ts';
import { scratch } from '../fixtures/ioHelpers.ts';

async function file(name: string, text: string): Promise<string> {
  const path = join(await scratch(), 'faces', name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
}

describe('readBoxes', () => {
  it('reads boxes and outlines, and takes an empty list for one', async () => {
    const path = await file(
      'boxes.jsonl',
      '{"file":"./a/1.jpg","boxes":[{"class":"face","x":1,"y":2,"w":3,"h":4},{"class":"text","polygon":[[0,0],[9,1],[9,5]]}]}\n\n{"file":"2.jpg","boxes":[]}\n',
    );
    const given = { score: 1, model: 'given', origin: 'given' };
    expect([...(await readBoxes(path))]).toEqual([
      [
        'a/1.jpg',
        [
          { label: 'face', box: { x1: 1, y1: 2, x2: 4, y2: 6 }, ...given },
          {
            label: 'text',
            box: { x1: 0, y1: 0, x2: 9, y2: 5 },
            polygon: [
              { x: 0, y: 0 },
              { x: 9, y: 1 },
              { x: 9, y: 5 },
            ],
            ...given,
          },
        ],
      ],
      ['2.jpg', []],
    ]);
  });

  it('reads native labels; a box without a class is of the class that the folder names', async () => {
    const box = { x: 1, y: 2, w: 3, h: 4 };
    const images = [
      {
        file: '1.jpg',
        source: 's',
        boxes: [
          { ...box, ignore: true },
          { ...box, class: 'person' },
        ],
      },
    ];
    const boxes = await readBoxes(await file('annotations.json', JSON.stringify({ images })));
    expect(boxes.get('1.jpg')?.map((d) => d.label)).toEqual(['face', 'body']);
  });

  it.each([
    ['{"file":"1.jpg","boxes":[]}\nnot json', /boxes\.jsonl: line 2: expected JSON/],
    ['{"file":"1.jpg","boxes":[{"class":"face","x":"1","y":2,"w":3,"h":4}]}', /line 1: boxes\.0\.x: /],
    ['{"file":"1.jpg","boxes":[{"class":"face","x":1,"y":2,"w":3}]}', /line 1: boxes\.0: expected x, y, w and h/],
    ['{"file":"1.jpg","boxes":[{"class":"face","x":1,"y":2,"w":0,"h":4}]}', /line 1: boxes\.0: .* 0 × 4/],
    ['{"file":"1.jpg","boxes":[{"class":"cat","x":1,"y":2,"w":3,"h":4}]}', /boxes\.0\.class: expected .*"cat"/],
    ['{"file":"1.jpg","boxes":[{"class":"text","polygon":[[0,0],[1,1]]}]}', /polygon: expected at least 3 points/],
    ['{"file":"1.jpg","boxes":[{"class":"text","polygon":[[0,5],[1,5],[2,5]]}]}', /polygon: .* 2 × 0/],
    ['{"file":"1.jpg","boxen":[]}', /line 1: boxes?n?: /],
    ['{"file":"1.jpg","boxes":[]}\n{"file":"./1.jpg","boxes":[]}', /line 2\.file: expected every image once/],
  ])('refuses %s', async (text, message) => {
    const path = await file('boxes.jsonl', text);
    await expect(readBoxes(path)).rejects.toThrow(UsageError);
    await expect(readBoxes(path)).rejects.toThrow(message);
  });
});

describe('readCorrections', () => {
  it('reads every action', async () => {
    const path = await file(
      'c.jsonl',
      [
        '{"key":"000000031","action":"add","class":"face","box":[1,2,3,4]}',
        '{"file":"a.jpg","action":"remove","class":"plate","at":[5,6]}',
        '{"file":"a.jpg","action":"change","class":"text","at":[5,6],"polygon":[[0,0],[9,1],[9,5]]}',
      ].join('\n'),
    );
    expect(await readCorrections(path)).toMatchObject([
      {
        key: '000000031',
        correction: { action: 'add', class: 'face', region: { box: { x1: 1, y1: 2, x2: 4, y2: 6 } } },
      },
      { file: 'a.jpg', correction: { action: 'remove', class: 'plate', target: { at: { x: 5, y: 6 } } } },
      { where: `${path}: line 3`, correction: { target: { at: { x: 5, y: 6 } }, region: { polygon: [{}, {}, {}] } } },
    ]);
  });

  it.each([
    ['{"action":"remove","class":"face","at":[1,2]}', /line 1: expected either key or file but received neither/],
    ['{"key":"000000001","file":"a","action":"remove","class":"face","at":[1,2]}', /received both/],
    ['{"key":"1","action":"remove","class":"face","at":[1,2]}', /line 1: key: Expected a key such as/],
    ['{"file":"a","action":"delete","class":"face","at":[1,2]}', /line 1: action: /],
    ['{"file":"a","action":"remove","class":"face"}', /line 1\.at: expected a point or a box/],
    ['{"file":"a","action":"add","class":"face"}', /line 1: expected a box or a polygon to add/],
    ['{"file":"a","action":"add","class":"face","at":[1,2],"box":[1,2,3,4]}', /line 1\.at: expected no point for add/],
    ['{"file":"a","action":"change","class":"face","at":[1,2],"box":[1,2,3]}', /line 1: box/],
    ['{"file":"a","action":"change","class":"head","at":[1,2],"box":[1,2,3,4]}', /line 1\.class: .*"head"/],
  ])('refuses %s', async (text, message) => {
    await expect(readCorrections(await file('c.jsonl', text))).rejects.toThrow(message);
  });
});

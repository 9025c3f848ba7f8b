import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClassName } from '../../../src/core/types.ts';
import { findLabelledClips } from '../../../src/eval/clips/find.ts';
import type { ClipLabels } from '../../../src/eval/clips/labels.ts';
import { readClipLabels } from '../../../src/eval/clips/read.ts';
import { CategoryNames } from '../../../src/eval/labels/names.ts';
import { dataset, expectUsageError } from '../labels/dataset.ts';

async function read(name: string, text: string, map: Record<string, ClassName> = {}): Promise<ClipLabels> {
  const folder = await dataset({ [name]: text });
  return readClipLabels(join(folder, name), new CategoryNames(map));
}

/** By frame: `class#id x1 y1 x2 y2`, `!` when ignored. */
function brief({ frames }: ClipLabels): Record<number, string[]> {
  return Object.fromEntries(
    [...frames].map(([frame, objects]) => [
      frame,
      objects.map(
        ({ class: cls, id, box, ignore }) =>
          `${cls}#${id} ${box.x1} ${box.y1} ${box.x2} ${box.y2}${ignore ? ' !' : ''}`,
      ),
    ]),
  );
}

describe('a line of JSON for every frame', () => {
  it('is read, with what is labelled said at the start', async () => {
    const labels = await read(
      'a.jsonl',
      [
        '{"classes":["Faces","license-plate"]}',
        '{"frame":3,"boxes":[{"class":"face","box":[1,2,10,20],"id":7},{"class":"plate","box":[0,0,4,2],"ignore":true}]}',
        '',
        '{"frame":0,"boxes":[]}',
      ].join('\n'),
    );
    expect(labels).toMatchObject({ format: 'frames', labelled: ['face', 'plate'], areAllLabelled: false });
    expect(brief(labels)).toEqual({ 0: [], 3: ['face#7 1 2 11 22', 'plate#undefined 0 0 4 2 !'] });
  });

  it.each([
    ['no JSON', 'frame 3', /a\.jsonl:1: expected JSON/],
    ['a frame below 0', '{"frame":-1,"boxes":[]}', /a\.jsonl:1: frame/],
    ['a broken box', '{"frame":1,"boxes":[{"class":"face","box":[1,2,3]}]}', /a\.jsonl:1: boxes\.0\.box/],
    ['a box without an area', '{"frame":1,"boxes":[{"class":"face","box":[1,2,0,5]}]}', /positive width and height/],
    ['a number that is none', '{"frame":1,"boxes":[{"class":"face","box":[1,2,1e400,5]}]}', /finite pixels|box/],
    [
      'a frame twice',
      '{"frame":1,"boxes":[]}\n{"frame":1,"boxes":[]}',
      /a\.jsonl:2: expected every frame once .* 1 again/,
    ],
    [
      'a thing twice in a frame',
      '{"frame":1,"boxes":[{"class":"face","box":[1,2,3,4],"id":1},{"class":"face","box":[9,2,3,4],"id":"1"}]}',
      /expected every face once in frame 1 .* id 1 again/,
    ],
    ['an unknown field', '{"frame":1,"boxes":[],"time":3}', /a\.jsonl:1: /],
    [
      'a class beyond those it names',
      '{"classes":["face"]}\n{"frame":1,"boxes":[{"class":"text","box":[1,2,3,4]}]}',
      /\(face\) but received text/,
    ],
    ['no known class', '{"frame":1,"boxes":[{"class":"zebra","box":[1,2,3,4]}]}', /categories are zebra/],
    ['nothing', '', /categories are none/],
  ])('is refused for %s', async (_, text, message) => {
    await expectUsageError(read('a.jsonl', text), message);
  });
});

describe('gt.txt of the MOT Challenge', () => {
  it('counts from 1, and ignores what is hidden, not considered or like a person', async () => {
    const labels = await read(
      'a.gt.txt',
      [
        '1,4,11,21,30,60,1,1,0.8',
        '1,5,1,1,9,9,0,1,1',
        '3,4,1,1,9,9,1,7,0',
        '3,6,2,2,9,9,1,12,1',
        '3,8,2,2,9,9,1,3,1',
      ].join('\n'),
    );
    expect(labels).toMatchObject({ format: 'mot', labelled: ['body'], areAllLabelled: true });
    expect(brief(labels)).toEqual({
      0: ['body#4 10 20 40 80', 'body#5 0 0 9 9 !'],
      2: ['body#4 0 0 9 9 !', 'body#6 1 1 10 10 !'],
    });
  });

  it('takes what --map says a class stands for, and rows of six numbers', async () => {
    const labels = await read('a.gt.txt', '2 1 11 21 30 60\r\n2 2 5 5 9 9\r\n', { 1: 'face' });
    expect(labels.labelled).toEqual(['face']);
    expect(brief(labels)).toEqual({ 1: ['face#1 10 20 40 80', 'face#2 4 4 13 13'] });
  });

  it.each([
    ['too few numbers', '1,2,3,4,5', /a\.gt\.txt:1: expected 6 to 9 numbers/],
    ['words', '1,Ann,3,4,5,6', /a\.gt\.txt:1: expected 6 to 9 numbers/],
    ['an empty field', '1,2,3,4,5,6,,1,1', /expected 6 to 9 numbers/],
    ['frame 0', '0,1,3,4,5,6,1,1,1', /expected a frame from 1 on/],
    ['a box without an area', '1,1,3,4,0,6,1,1,1', /positive width and height/],
    ['a thing twice in a frame', '1,1,3,4,5,6\n1,1,9,4,5,6', /expected every body once in frame 0/],
    ['cars alone', '1,1,3,4,5,6,1,3,1', /map them to classes/],
  ])('is refused for %s', async (_, text, message) => {
    await expectUsageError(read('a.gt.txt', text), message);
  });
});

it('labels are found beside clips, in one of three places', async () => {
  const folder = await dataset({
    'a.mp4': 'clip',
    'a.jsonl': '',
    'deep/b.MKV': 'clip',
    'deep/b.gt.txt': '',
    'deep/c.webm': 'clip',
    'deep/c/gt/gt.txt': '',
    'd.mp4': 'clip',
    'e.gif': 'image',
    'e.txt': 'labels of an image',
    '.hidden/f.mp4': 'clip',
  });
  const { clips, unlabelled } = await findLabelledClips(folder);
  expect(clips.map(({ name, labels }) => [name, labels.slice(folder.length + 1)])).toEqual([
    ['a.mp4', 'a.jsonl'],
    ['deep/b.MKV', 'deep/b.gt.txt'],
    ['deep/c.webm', 'deep/c/gt/gt.txt'],
  ]);
  expect(unlabelled).toEqual(['d.mp4']);
  expect((await findLabelledClips(join(folder, 'a.mp4'))).clips).toMatchObject([{ name: 'a.mp4' }]);
  expect((await findLabelledClips(join(folder, 'none'))).clips).toEqual([]);
  await expectUsageError(findLabelledClips(join(folder, 'd.mp4')), /labels beside .*d\.mp4 \(d\.jsonl, d\.gt\.txt or/);
});

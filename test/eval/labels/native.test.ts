import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../src/eval/labels/read.ts';
import { brief, dataset, expectUsageError, type Files, PIXELS } from './dataset.ts';

const box = (more: object = {}) => ({ x: 1, y: 2, w: 10, h: 20, ...more });
const image = (boxes: unknown, more: object = {}) => ({ file: 'a.jpg', width: 64, height: 48, boxes, ...more });
const native = (folder: string, images: unknown, more: object = {}): Files => ({
  [`${folder}/annotations.json`]: { images, ...more },
  [`${folder}/a.jpg`]: PIXELS,
});

describe('the native form', () => {
  it('keeps boxes, outlines, what to ignore and attributes, but not what a text says', async () => {
    const root = await dataset({
      'faces/annotations.json': {
        images: [
          {
            file: 'images/b.jpg',
            width: 64,
            height: 48,
            source: 'street',
            boxes: [
              box({ attrs: { skin: 'II', orig_h: 12.5 }, text: 'secret' }),
              { x: -3.5, y: 2, w: 100, h: 0.5, ignore: true },
              box({
                polygon: [
                  [1, 2],
                  [11, 2],
                  [6, 22],
                ],
              }),
            ],
          },
          { file: 'images/a.jpg', width: 64, height: 48, boxes: [] },
        ],
      },
      'faces/images/a.jpg': PIXELS,
      'faces/images/b.jpg': PIXELS,
    });
    const set = await readLabels(root);
    expect(set).toEqual({
      formats: ['native'],
      unmapped: {},
      images: [
        {
          file: join(root, 'faces/images/a.jpg'),
          name: 'faces/images/a.jpg',
          source: 'faces',
          labelled: ['face'],
          objects: [],
        },
        {
          file: join(root, 'faces/images/b.jpg'),
          name: 'faces/images/b.jpg',
          source: 'street',
          labelled: ['face'],
          objects: [
            {
              class: 'face',
              box: { x1: 1, y1: 2, x2: 11, y2: 22 },
              ignore: false,
              attributes: { skin: 'II', orig_h: '12.5' },
            },
            { class: 'face', box: { x1: -3.5, y1: 2, x2: 96.5, y2: 2.5 }, ignore: true, attributes: {} },
            {
              class: 'face',
              box: { x1: 1, y1: 2, x2: 11, y2: 22 },
              polygon: [
                { x: 1, y: 2 },
                { x: 11, y: 2 },
                { x: 6, y: 22 },
              ],
              ignore: false,
              attributes: {},
            },
          ],
        },
      ],
    });
  });

  it.each([
    ['faces', 'face'],
    ['Face', 'face'],
    ['persons', 'body'],
    ['pedestrians', 'body'],
    ['License_Plates', 'plate'],
    ['number-plates', 'plate'],
    ['text', 'text'],
    ['scene text', 'text'],
  ])('takes the class from a folder named %s', async (folder, cls) => {
    const root = await dataset(native(folder, [image([box()])]));
    expect(brief(await readLabels(root))).toEqual({ [`${folder}/a.jpg [${cls}]`]: [`${cls} 1 2 11 22`] });
    // The folder itself may be the data folder.
    expect(brief(await readLabels(join(root, folder)))).toEqual({ [`a.jpg [${cls}]`]: [`${cls} 1 2 11 22`] });
  });

  it.each([
    ['all that occur', {}, 'face plate', 1],
    ['those declared', { classes: ['text', 'plate', 'face'] }, 'face plate text', 1],
  ])('with a class per box counts as labelled %s', async (_, more, labelled, cars) => {
    const boxes = [box({ class: 'face' }), box({ class: 'licence plate' }), box({ class: 'car' })];
    const set = await readLabels(await dataset(native('mixed', [image(boxes)], more)));
    expect(brief(set)).toEqual({ [`mixed/a.jpg [${labelled}]`]: ['face 1 2 11 22', 'plate 1 2 11 22'] });
    expect(set.unmapped).toEqual({ car: cars });
  });

  it('lets the box overrule the folder', async () => {
    const set = await readLabels(await dataset(native('faces', [image([box(), box({ class: 'person' })])])));
    expect(brief(set)).toEqual({ 'faces/a.jpg [face body]': ['face 1 2 11 22', 'body 1 2 11 22'] });
  });

  it.each<[string, Files, RegExp[]]>([
    ['JSON that breaks off', { 'faces/annotations.json': '{"images":[{"file"' }, [/faces\/annotations\.json/, /JSON/]],
    ['bytes that are not text', { 'faces/annotations.json': Buffer.from([0xff, 0xfe, 0x7b]) }, [/UTF-8/]],
    ['an array', { 'faces/annotations.json': [] }, [/annotations\.json: images/]],
    ['no images', native('faces', undefined), [/images/]],
    ['an empty list of images', native('faces', []), [/labelled images/]],
    ['a box that is no object', native('faces', [image([7])]), [/images\.0\.boxes\.0/, /7/]],
    ['a coordinate as text', native('faces', [image([box({ x: '1' })])]), [/images\.0\.boxes\.0\.x/, /"1"/]],
    ['no area', native('faces', [image([box(), box({ w: 0 })])]), [/images\.0\.boxes\.1/, /0 × 20/]],
    ['a negative height', native('faces', [image([box({ h: -4 })])]), [/images\.0\.boxes\.0/, /10 × -4/]],
    [
      'an infinite number',
      { 'faces/annotations.json': '{"images":[{"file":"a.jpg","boxes":[{"x":1e999,"y":0,"w":1,"h":1}]}]}' },
      [/images\.0\.boxes\.0/, /finite/],
    ],
    ['an absurd number', native('faces', [image([box({ w: 1e300 })])]), [/images\.0\.boxes\.0/, /1e\+300/]],
    [
      'an outline of two points',
      native('faces', [image([box({ polygon: [[0, 0] as const, [1, 1] as const] })])]),
      [/boxes\.0\.polygon/, /3 points/],
    ],
    ['an attribute that is a list', native('faces', [image([box({ attrs: { skin: [1] } })])]), [/attrs\.skin/]],
    ['no class at all', native('things', [image([box()])]), [/a class for every box/, /things/]],
    [
      'a class beyond those declared',
      native('x', [image([box({ class: 'text' })])], { classes: ['face'] }),
      [/images\.0\.boxes\.0/, /face/, /text/],
    ],
    ['only classes of others', native('x', [image([box({ class: 'car' })])]), [/car/, /map/]],
    ['an image twice', native('faces', [image([]), image([])]), [/annotations\.json/, /a\.jpg twice/]],
    ['an absolute path', native('faces', [image([], { file: '/etc/passwd' })]), [/images\.0\.file/, /"\/etc\/passwd"/]],
    ['a drive', native('faces', [image([], { file: 'C:\\a.jpg' })]), [/images\.0\.file/, /relative/]],
    ['a path out', native('faces', [image([], { file: '../../a.jpg' })]), [/images\.0\.file/, /inside/]],
    ['a path out in another spelling', native('faces', [image([], { file: '..\\..\\a.jpg' })]), [/inside/]],
    ['a missing image', native('faces', [image([], { file: 'b.jpg' })]), [/1 is missing/, /b\.jpg/, /--images/]],
    ['a folder as image', { ...native('faces', [image([], { file: 'd' })]), 'faces/d/x.jpg': PIXELS }, [/missing/]],
  ])('refuses %s', async (_, files, patterns) => {
    await expectUsageError(readLabels(await dataset(files)), ...patterns);
  });
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../src/eval/labels/read.ts';
import { brief, dataset, expectUsageError, type Files, PIXELS } from './dataset.ts';

const categories = [
  { id: 1, name: 'Person' },
  { id: 7, name: 'license-plate' },
  { id: 9, name: 'traffic light' },
];
const annotation = (more: object = {}) => ({ id: 1, image_id: 5, category_id: 1, bbox: [1, 2, 10, 20], ...more });
const coco = (annotations: readonly object[] = [annotation()], more: object = {}) => ({
  info: {},
  images: [{ id: 5, file_name: '005.jpg', width: 64, height: 48 }],
  annotations,
  categories,
  ...more,
});

describe('COCO', () => {
  it('keeps boxes, one polygon, crowds and attributes, and counts what has no class', async () => {
    const root = await dataset({
      'labels.json': coco([
        annotation({
          segmentation: [[1, 2, 11, 2, 6, 22]],
          attributes: { occluded: false, pose: 'left', n: 2, x: null },
        }),
        annotation({
          segmentation: [
            [1, 2, 11, 2, 6, 22],
            [3, 3, 4, 3, 4, 4],
          ],
        }),
        annotation({ iscrowd: 1, segmentation: { counts: [1, 2], size: [64, 48] } }),
        annotation({ category_id: 7, bbox: [60, 40, 10, 10], ignore: 1 }),
        annotation({ category_id: 9, bbox: [0, 0, 0, 0] }),
        annotation({ category_id: 9 }),
      ]),
      '005.jpg': PIXELS,
    });
    const set = await readLabels(root);
    expect(brief(set)).toEqual({
      '005.jpg [body plate]': ['body 1 2 11 22', 'body 1 2 11 22', 'body 1 2 11 22 !', 'plate 60 40 70 50 !'],
    });
    expect(set.formats).toEqual(['coco']);
    expect(set.unmapped).toEqual({ 'traffic light': 2 });
    const [image] = set.images;
    expect(image?.file).toBe(join(root, '005.jpg'));
    expect(image?.objects.map((object) => object.polygon)).toEqual([
      [
        { x: 1, y: 2 },
        { x: 11, y: 2 },
        { x: 6, y: 22 },
      ],
      undefined,
      undefined,
      undefined,
    ]);
    expect(image?.objects[0]?.attributes).toEqual({ occluded: 'false', pose: 'left', n: '2' });
  });

  it.each([
    ['beside it', 'instances.json', '005.jpg'],
    ['in images', 'instances.json', 'images/005.jpg'],
    ['in images above', 'annotations/instances.json', 'images/005.jpg'],
    ['in the folder of the split', 'annotations/instances_val2017.json', 'val2017/005.jpg'],
    ['in images of the split', 'annotations/instances_val2017.json', 'images/val2017/005.jpg'],
    ['in the split of the same name', 'annotations/val.json', 'val/005.jpg'],
    ['in the Roboflow layout', 'train/_annotations.coco.json', 'train/005.jpg'],
  ])('finds images %s, from the folder and from the file', async (_, json, image) => {
    const root = await dataset({ [json]: coco(), [image]: PIXELS });
    const expected = { [`${image} [body plate]`]: ['body 1 2 11 22'] };
    expect(brief(await readLabels(root))).toEqual(expected);
    const set = await readLabels(join(root, json));
    expect(set.images.map(({ file }) => file)).toEqual([join(root, image)]);
  });

  it('names the source after the folder of the data set', async () => {
    const root = await dataset({ 'street/annotations/instances_val.json': coco(), 'street/val/005.jpg': PIXELS });
    expect((await readLabels(root)).images.map((image) => image.source)).toEqual(['street']);
  });

  it.each([
    ['itself', '005.jpg'],
    ['in the split', 'val2017/005.jpg'],
  ])('looks in the --images folder %s', async (_, image) => {
    const root = await dataset({ 'data/instances_val2017.json': coco(), [`elsewhere/${image}`]: PIXELS });
    const set = await readLabels(join(root, 'data'), { images: join(root, 'elsewhere') });
    expect(set.images.map(({ file, name }) => [file, name])).toEqual([[join(root, 'elsewhere', image), image]]);
  });

  it('takes the classes that the user maps', async () => {
    const root = await dataset({ 'labels.json': coco([annotation({ category_id: 9 })]), '005.jpg': PIXELS });
    const set = await readLabels(root, { map: { Traffic_Light: 'text' } });
    expect(brief(set)).toEqual({ '005.jpg [body plate text]': ['text 1 2 11 22'] });
    expect(set.unmapped).toEqual({});
  });

  it('leaves other json alone, unless it is all that was asked for', async () => {
    const root = await dataset({
      'labels.json': coco(),
      '005.jpg': PIXELS,
      'package.json': { name: 'x' },
      'broken.json': '{"name": ',
      'captions.json': { images: [], annotations: [] },
    });
    expect((await readLabels(root)).images).toHaveLength(1);
    await expectUsageError(readLabels(join(root, 'broken.json')), /broken\.json: expected JSON/);
    await expectUsageError(readLabels(join(root, 'package.json')), /none/);
  });

  const images = (...names: string[]) => ({ images: names.map((file_name, id) => ({ id, file_name })) });
  it.each<[string, Files, RegExp[]]>([
    ['a file that breaks off', { 'a/x.json': '{"images":[],"categories":[' }, [/a\/x\.json: expected JSON/]],
    ['a box of three numbers', { 'x.json': coco([annotation({ bbox: [1, 2, 3] })]) }, [/annotations\.0\.bbox/]],
    ['no box', { 'x.json': coco([annotation({ bbox: undefined })]) }, [/x\.json: annotations\.0\.bbox/]],
    [
      'no area',
      { 'x.json': coco([annotation(), annotation({ bbox: [1, 2, 3, 0] })]) },
      [/annotations\.1\.bbox/, /3 × 0/],
    ],
    ['a negative width', { 'x.json': coco([annotation({ bbox: [1, 2, -3, 4] })]) }, [/annotations\.0\.bbox/, /-3 × 4/]],
    [
      'an infinite outline',
      {
        'x.json': JSON.stringify(coco([annotation({ segmentation: [[1, 2, 3, 4, 5, 678]] })])).replace('678', '1e999'),
      },
      [/annotations\.0\.segmentation/, /Infinity/],
    ],
    ['an odd outline', { 'x.json': coco([annotation({ segmentation: [[1, 2, 3, 4, 5, 6, 7]] })]) }, [/7 values/]],
    ['an unknown category', { 'x.json': coco([annotation({ category_id: 2 })]) }, [/annotations\.0\.category_id/, /2/]],
    ['an unknown image', { 'x.json': coco([annotation({ image_id: 6 })]) }, [/annotations\.0\.image_id/, /6/]],
    [
      'an id twice',
      { 'x.json': coco([], { categories: [categories[0], categories[0]] }) },
      [/categories\.1\.id/, /1 twice/],
    ],
    ['an image without a name', { 'x.json': coco([], { images: [{ id: 1 }] }) }, [/images\.0\.file_name/]],
    [
      'an image twice',
      { 'x.json': coco([], images('a.jpg', './a.jpg')), 'a.jpg': PIXELS },
      [/x\.json/, /a\.jpg twice/],
    ],
    ['an absolute path', { 'x.json': coco([], images('/etc/passwd')) }, [/x\.json: images\.0\.file_name/, /relative/]],
    ['a path out', { 'x.json': coco([], images('a/../../a.jpg')) }, [/x\.json: images\.0\.file_name/, /inside/]],
    [
      'missing images',
      { 'x.json': coco([], images('d.jpg', 'c.jpg', 'b.jpg', 'a.jpg', 'e.jpg')), 'e.jpg': PIXELS },
      [/4 are missing: a\.jpg \(.*x\.json\), b\.jpg .*, c\.jpg .* and 1 more/],
    ],
  ])('refuses %s', async (_, files, patterns) => {
    await expectUsageError(readLabels(await dataset(files)), ...patterns);
  });
});

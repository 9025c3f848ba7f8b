import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../src/eval/labels/read.ts';
import { brief, dataset, expectUsageError, type Files, jpeg, PIXELS } from './dataset.ts';

const photo = await jpeg(10, 10);
const NAMES = 'names: [face, person, plate, car]\n';

describe('YOLO', () => {
  it('reads boxes, outlines and oriented boxes as fractions of the image', async () => {
    const root = await dataset({
      'data.yaml': NAMES,
      'images/x.jpg': await jpeg(100, 50),
      'labels/x.txt':
        '0 0.5 0.5 0.2 0.4\n\n1 0.95 0.5 0.2 0.2\r\n2.0 0.1 0.2 0.3 0.2 0.2 0.6\n2 0 0 .5 0 .5 1 0 1\n3 0.5 0.5 1 1\n',
    });
    const set = await readLabels(root);
    expect(set.formats).toEqual(['yolo']);
    expect(brief(set)).toEqual({
      'images/x.jpg [face body plate]': [
        'face 40 15 60 35',
        'body 85 20 105 30',
        'plate 10 10 30 30',
        'plate 0 0 50 50',
      ],
    });
    expect(set.images[0]?.objects[2]?.polygon).toEqual([
      { x: 10, y: 10 },
      { x: 30, y: 10 },
      { x: 20, y: 30 },
    ]);
    expect(set.unmapped).toEqual({ car: 1 });
  });

  it.each([
    [1, 'face 40 5 60 15'],
    [3, 'face 40 5 60 15'],
    [6, 'face 20 10 30 30'],
    [8, 'face 20 10 30 30'],
  ])('scales by the size of the upright image: EXIF orientation %i', async (orientation, box) => {
    const root = await dataset({
      'data.yaml': NAMES,
      'images/x.jpg': await jpeg(100, 40, orientation),
      'labels/x.txt': '0 0.5 0.25 0.2 0.25',
    });
    // A turned image is 40 wide and 100 high.
    const expected = orientation >= 5 ? 'face 16 12.5 24 37.5' : box;
    expect(brief(await readLabels(root))).toEqual({ 'images/x.jpg [face body plate]': [expected] });
  });

  it.each([
    ['the Ultralytics layout', 'labels/x.txt', 'images/x.jpg'],
    ['splits', 'labels/val/a/x.txt', 'images/val/a/x.jpg'],
    ['splits outside', 'val/labels/x.txt', 'val/images/x.jpg'],
    ['labels below the images', 'val/labels/x.txt', 'val/x.jpg'],
    ['beside each other', 'obj_train_data/x.txt', 'obj_train_data/x.jpg'],
    ['beside each other in labels', 'labels/x.txt', 'labels/x.jpg'],
    ['a name with dots', 'labels/x_jpg.rf.1a.txt', 'images/x_jpg.rf.1a.jpg'],
  ])('finds images: %s', async (_, txt, image) => {
    const root = await dataset({ 'data.yaml': NAMES, [txt]: '0 .5 .5 1 1', [image]: photo });
    expect(brief(await readLabels(root))).toEqual({ [`${image} [face body plate]`]: ['face 0 0 10 10'] });
  });

  it.each(['set/images/x.jpg', 'set/x.jpg', 'x.jpg'])('looks in the --images folder for %s', async (image) => {
    const root = await dataset({
      'data/data.yaml': NAMES,
      'data/set/labels/x.txt': '0 .5 .5 1 1',
      [`elsewhere/${image}`]: photo,
    });
    const set = await readLabels(join(root, 'data'), { images: join(root, 'elsewhere') });
    expect(set.images.map(({ file }) => file)).toEqual([join(root, 'elsewhere', image)]);
  });

  it('takes images without labels for background only in folders that have labels', async () => {
    const root = await dataset({
      'street/data.yaml': NAMES,
      'street/images/train/a.jpg': PIXELS,
      'street/images/train/b.jpg': PIXELS,
      'street/images/train/notes.md': 'x',
      'street/images/test/c.jpg': PIXELS,
      'street/labels/train/a.txt': '',
    });
    const set = await readLabels(root);
    expect(brief(set)).toEqual({
      'street/images/train/a.jpg [face body plate]': [],
      'street/images/train/b.jpg [face body plate]': [],
    });
    expect(set.images.map((image) => image.source)).toEqual(['street', 'street']);
  });

  it.each([
    ['a list in brackets', 'names: [\'a face\', "face", plate] # three\n'],
    ['brackets over lines', 'nc: 3\nnames: [\n  "a, [b]", # first\n  face,\n  plate,\n]\ntrain: x\n'],
    ['a list in lines', 'names:\n  - a # no: comment\n  - face\n\n  - "plate"\nval: y\n'],
    ['a list without indentation', "names:\n- it's\n- face\n- plate\nnc: 3\n"],
    ['a map in lines', "path: ../x\nnames: # all\n  0: a#b\n  1: 'face'\n  2: plate\n"],
    ['a map out of order', 'names:\r\n  2: plate\r\n  0: tür\r\n  1: face\r\n'],
    ['a map in brackets', "names: {0: 'it''s', 1: face, 2: plate}\n"],
  ])('understands names: %s', async (_, yaml) => {
    const root = await dataset({
      'data.yaml': yaml,
      'x.jpg': photo,
      'x.txt': '1 .5 .5 1 1\n2 .5 .5 .2 .2\n0 .5 .5 .2 .2',
    });
    const set = await readLabels(root);
    expect(brief(set)).toEqual({ 'x.jpg [face plate]': ['face 0 0 10 10', 'plate 4 4 6 6'] });
    expect(Object.keys(set.unmapped)).toHaveLength(1);
  });

  it.each([
    ['classes.txt above', { 'classes.txt': 'car\r\nface\r\n' }],
    ['classes.txt beside the labels', { 'labels/classes.txt': 'car\nface' }],
    ['obj.names', { 'obj.names': 'car\nface\n' }],
    ['a yaml file elsewhere', { 'config/set.yml': 'names: [car, face]' }],
    ['the nearest of two', { 'labels/classes.txt': 'car\nface', 'data.yaml': 'names: [plate, text]' }],
    ['two that agree', { 'classes.txt': 'car\nface', 'data.yaml': 'names: [car, face]' }],
    ['one of two yaml files', { 'data.yaml': 'names: [car, face]', 'compose.yaml': 'services: {}' }],
  ])('takes the names from %s', async (_, config: Files) => {
    const root = await dataset({ ...config, 'labels/x.txt': '1 .5 .5 1 1', 'images/x.jpg': photo });
    expect(brief(await readLabels(root))).toEqual({ 'images/x.jpg [face]': ['face 0 0 10 10'] });
  });

  it('leaves keypoints behind', async () => {
    const root = await dataset({
      'data.yaml': 'kpt_shape: [2, 2] # count, dimensions\nnames: [person]',
      'labels/x.txt': '0 .5 .5 1 1 .1 .1 .2 .2',
      'images/x.jpg': photo,
    });
    const set = await readLabels(root);
    expect(brief(set)).toEqual({ 'images/x.jpg [body]': ['body 0 0 10 10'] });
    expect(set.images[0]?.objects[0]).not.toHaveProperty('polygon');
  });

  const line = (text: string): Files => ({
    'data.yaml': NAMES,
    'labels/x.txt': `0 .5 .5 1 1\n${text}`,
    'images/x.jpg': PIXELS,
  });
  const yaml = (text: string): Files => ({ 'data.yaml': text, 'labels/x.txt': '0 .5 .5 1 1', 'images/x.jpg': PIXELS });
  it.each<[string, Files, RegExp[]]>([
    ['a word as class', line('face .5 .5 1 1'), [/labels\/x\.txt:2/, /up to 3/, /"face"/]],
    ['a class that has no name', line('4 .5 .5 1 1'), [/x\.txt:2/, /up to 3/, /"4"/]],
    ['a negative class', line('-1 .5 .5 1 1'), [/x\.txt:2/, /"-1"/]],
    ['too few numbers', line('0 .5 .5 1'), [/x\.txt:2/, /3/]],
    ['a prediction with its score', line('0 .5 .5 1 1 .9'), [/x\.txt:2/, /received 5/]],
    ['pixels', line('0 320 240 20 20'), [/x\.txt:2/, /fractions/, /"320"/]],
    ['not a number', line('0 nan .5 1 1'), [/x\.txt:2/, /"nan"/]],
    ['an infinite number', line('0 1e999 .5 1 1'), [/x\.txt:2/, /"1e999"/]],
    ['a number of a million digits', line(`0 ${'1'.repeat(1_000_000)}x .5 1 1`), [/x\.txt:2/, /"1{40}"/]],
    ['no area', line('0 .5 .5 0 1'), [/x\.txt:2/, /0 × 1/]],
    ['a negative size', line('0 .5 .5 -.1 1'), [/x\.txt:2/, /-0\.1/]],
    ['an outline without area', line('0 .1 .1 .2 .1 .3 .1'), [/x\.txt:2/, / × 0/]],
    ['an image that is none', line(''), [/readable image/, /images\/x\.jpg/]],
    ['a missing image', { 'data.yaml': NAMES, 'labels/x.txt': '' }, [/1 is missing: x \(.*labels\/x\.txt\)/]],
    ['two images of one name', { ...line(''), 'images/x.png': PIXELS }, [/x\.txt/, /x\.jpg/, /x\.png/]],
    ['labels in two places', { ...line(''), 'images/x.txt': '', 'images/x.jpg': photo }, [/images\/x\.jpg/, /face/]],
    ['no names', { 'labels/x.txt': '', 'images/x.jpg': PIXELS }, [/data\.yaml/, /classes\.txt/, /labels\/x\.txt/]],
    ['names elsewhere only', { 'a/a.yaml': NAMES, 'b/b.yaml': NAMES, 'c/labels/x.txt': '' }, [/c\/labels\/x\.txt/]],
    ['names that differ', { ...line(''), 'classes.txt': 'face' }, [/data\.yaml/, /classes\.txt/, /differ/]],
    ['an empty line among names', { 'classes.txt': 'a\n\nface', 'labels/x.txt': '' }, [/classes\.txt:2/]],
    ['names in another file', yaml('names: coco.names'), [/data\.yaml:1/, /list/, /coco\.names/]],
    ['no names in the list', yaml('nc: 0\nnames: []'), [/data\.yaml:2/, /none/]],
    ['an anchor', yaml('names:\n  - &a face'), [/data\.yaml:2/, /&a face/]],
    ['a block scalar', yaml('names:\n  0: |\n    face'), [/data\.yaml:2/]],
    ['a nested list', yaml('names: [[face]]'), [/data\.yaml:1/]],
    ['an unclosed bracket', yaml('names: [face,\nplate'), [/data\.yaml:2/]],
    ['comments without end', yaml(`names: [\n${'#\n'.repeat(1_000_000)}`), [/data\.yaml:1000002/]],
    ['an unclosed quote', yaml('names: ["face, plate]'), [/data\.yaml:1/]],
    ['a number twice', yaml('names:\n  0: face\n  0: plate'), [/data\.yaml:3/, /0 twice/]],
    ['a list and a map', yaml('names:\n  - face\n  1: plate'), [/data\.yaml:3/]],
    ['a map of words', yaml('names:\n  face: 0'), [/data\.yaml:2/, /face: 0/]],
    ['odd keypoints', yaml(`${NAMES}kpt_shape: many`), [/data\.yaml:2/, /kpt_shape/]],
  ])('refuses %s', async (_, files, patterns) => {
    await expectUsageError(readLabels(await dataset(files)), ...patterns);
  });
});

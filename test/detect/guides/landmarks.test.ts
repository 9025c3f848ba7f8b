import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Point, RgbImage } from '../../../src/core/types.ts';
import { isPlausibleFace, mirrorFace, spreadOf } from '../../../src/detect/guides/face-points.ts';
import { LandmarkNetwork } from '../../../src/detect/guides/landmarks.ts';
import { decodeImage } from '../../../src/image/decode.ts';
import { auxiliaryModel, loadManifest } from '../../../src/models/manifest.ts';
import { packageFile } from '../../../src/models/package-files.ts';
import { locateModel } from '../../../src/models/store.ts';
import { guideOf } from '../../redact/synthetic/faces.ts';

let folder: string;
let network: LandmarkNetwork;
let photo: RgbImage;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'anonymize-landmarks-'));
  const { path: file } = await locateModel(auxiliaryModel(loadManifest(), 'face-landmarks'), folder);
  network = await LandmarkNetwork.open(file, 'cpu');
  const bytes = await readFile(packageFile('@vladmandic/face-api', 'demo/sample1.jpg'));
  photo = (await decodeImage(bytes, { limitPixels: 1e8, timeoutSeconds: 60 })).rgb;
});
afterAll(async () => {
  await network.close();
  await rm(folder, { recursive: true, force: true });
});

/** Boxes of the three faces of the photograph, pixels. */
const FACES = [
  [420, 350, 610, 590],
  [830, 430, 1030, 670],
  [1480, 200, 1700, 450],
] as const;

describe('of a photograph with three faces', () => {
  test('each is found in its box, also in a box that is off', async () => {
    for (const [x1, y1, x2, y2] of FACES) {
      const guide = await network.guide(photo, { x1, y1, x2, y2 });
      expect(guide?.landmarks).toHaveLength(68);
      const shifted = await network.guide(photo, { x1: x1 + 15, y1: y1 - 10, x2: x2 + 15, y2: y2 - 10 });
      expect(spreadOf(guide?.landmarks as Point[], shifted?.landmarks as Point[])).toBeLessThan(0.05);
    }
  });

  test('what is no face gives no guide, nor does a box beside the photograph', async () => {
    expect(await network.guide(photo, { x1: 100, y1: 800, x2: 300, y2: 1050 })).toBeUndefined();
    expect(await network.guide(photo, { x1: 5000, y1: 5000, x2: 5100, y2: 5100 })).toBeUndefined();
  });
});

describe('the points of a face', () => {
  const { landmarks } = guideOf({ x: 100, y: 100, size: 118, turn: 0.3, tilt: 0.2 });

  test('are themselves again when mirrored twice', () => {
    expect(mirrorFace(mirrorFace(landmarks))).toEqual(landmarks);
    const mirrored = mirrorFace(landmarks.map(({ x, y }) => ({ x: 200 - x, y })));
    expect(isPlausibleFace(mirrored)).toBe(true);
  });

  test('are plausible in any turn of the head, and not when they are out of order', () => {
    for (const tilt of [-3, -1.5, 0, 0.7, 3]) {
      expect(isPlausibleFace(guideOf({ x: 0, y: 0, size: 50, turn: 0.6, tilt }).landmarks)).toBe(true);
    }
    expect(isPlausibleFace(landmarks.map(({ x, y }) => ({ x: 200 - x, y })))).toBe(false);
    expect(isPlausibleFace(landmarks.map((p, i) => (i < 48 ? p : (landmarks[i - 21] as Point))))).toBe(false);
    expect(isPlausibleFace(landmarks.map(() => ({ x: 3, y: 3 })))).toBe(false);
  });
});

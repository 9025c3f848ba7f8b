import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boxHeight, boxWidth } from '../../src/core/geometry.ts';
import type { Box, Detection, RgbImage } from '../../src/core/types.ts';
import { ImageLevels, Network } from '../../src/detect/network.ts';
import { DetectPipeline, type DetectSetup } from '../../src/detect/pipeline.ts';
import { ModelError } from '../../src/errors.ts';
import type { Family, ModelInput } from '../../src/models/manifest.ts';
import type { ReadyModel } from '../../src/models/store.ts';
import { brightnessModel, constantModel, float, model, node, save } from '../models/tiny-onnx.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'network-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Black, with boxes of one grey. */
function picture(width: number, height: number, ...bars: readonly (Box & { readonly grey?: number })[]): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (const { x1, y1, x2, y2, grey = 255 } of bars) {
    for (let y = y1; y < y2; y++) data.fill(grey, (y * width + x1) * 3, (y * width + x2) * 3);
  }
  return { data, width, height };
}

function ready(family: Family, file: string, size: ModelInput['size'], align: ModelInput['align']): ReadyModel {
  const input: ModelInput = {
    size,
    multiple: 32,
    align,
    layout: 'nchw',
    channels: 'rgb',
    mean: [0, 0, 0],
    std: [255, 255, 255],
    pad: 0,
  };
  return { id: path.parse(file).name, family, path: file, sha256: '', input, threshold: 0.4, growth: 0.2 };
}

async function brightness(width: number, height: number, align: ModelInput['align'] = 'top-left'): Promise<ReadyModel> {
  const file = await save(dir, `ocr-${width}-${height}.onnx`, brightnessModel(width, height));
  return ready('db', file, { width, height }, align);
}

async function centernet(rows: readonly (readonly number[])[], side: number): Promise<ReadyModel> {
  const detections = { shape: [1, rows.length, 6], data: Float32Array.from(rows.flat()) };
  const bytes = constantModel({ 'tower_0/detections': detections }, [1, 3, side, side]);
  return ready('centernet', await save(dir, 'objects.onnx', bytes), { width: side, height: side }, 'top-left');
}

describe('Network', () => {
  it.each([
    ['landscape, centred', 400, 200, 'center'],
    ['landscape, top left', 400, 200, 'top-left'],
    ['portrait, centred', 150, 300, 'center'],
    ['much larger than the input', 2600, 1300, 'center'],
    ['smaller than the input', 80, 60, 'center'],
  ] as const)('finds a bar where it lies in an image that is %s', async (_, width, height, align) => {
    const network = await Network.open({ model: await brightness(128, 96, align), keep: { text: 0.4 } }, 'cpu');
    const bar = {
      x1: Math.round(width * 0.25),
      y1: Math.round(height * 0.6),
      x2: Math.round(width * 0.75),
      y2: Math.round(height * 0.75),
    };
    const [found, ...others] = await network.detect(new ImageLevels(picture(width, height, bar)));
    await network.close();
    expect(others).toEqual([]);
    expect(found?.label).toBe('text');
    expect(found?.model).toBe('ocr-128-96');
    const box = found?.box as Box;
    const modelPixel = Math.max(width / 128, height / 96);
    expect(Math.abs((box.x1 + box.x2 - bar.x1 - bar.x2) / 2)).toBeLessThan(modelPixel);
    expect(Math.abs((box.y1 + box.y2 - bar.y1 - bar.y2) / 2)).toBeLessThan(modelPixel);
    const distance = (boxWidth(bar) * boxHeight(bar) * 1.8) / (2 * (boxWidth(bar) + boxHeight(bar)));
    expect(Math.abs(boxWidth(box) - boxWidth(bar) - 2 * distance)).toBeLessThan(6 * modelPixel);
    expect(Math.abs(boxHeight(box) - boxHeight(bar) - 2 * distance)).toBeLessThan(6 * modelPixel);
    expect(found?.polygon?.every((p) => p.x >= box.x1 - 1e-6 && p.x <= box.x2 + 1e-6)).toBe(true);
  });

  it('pads a dynamic input', async () => {
    // This network takes 128 × 64 only: what a 500 × 240 image becomes at 128, padded to 32.
    const file = await save(dir, 'dynamic.onnx', brightnessModel(128, 64));
    const setup = { model: ready('db', file, { longSide: 128 }, 'top-left'), keep: { text: 0.4 } };
    const network = await Network.open(setup, 'cpu');
    const [found] = await network.detect(new ImageLevels(picture(500, 240, { x1: 100, y1: 100, x2: 300, y2: 140 })));
    await network.close();
    const box = found?.box as Box;
    expect((box.x1 + box.x2) / 2).toBeCloseTo(200, -1);
    expect((box.y1 + box.y2) / 2).toBeCloseTo(120, -1);
  });

  it('does not mix up images that are given at the same time', async () => {
    const network = await Network.open({ model: await brightness(128, 128), keep: { text: 0.4 } }, 'cpu');
    const images = [10, 40, 70, 100].map((y1) => picture(128, 128, { x1: 20, y1, x2: 100, y2: y1 + 8 }));
    const together = await Promise.all(images.map((image) => network.detect(new ImageLevels(image))));
    const alone: Detection[][] = [];
    for (const image of images) alone.push(await network.detect(new ImageLevels(image)));
    await network.close();
    expect(together).toEqual(alone);
    expect(new Set(together.map(([d]) => d?.box.y1)).size).toBe(4);
  });

  it('refuses outputs that are not finite or not of the shape, and serves the next call', async () => {
    const reciprocal = model(
      [float('image', [1, 3, 32, 32])],
      [float('map', [1, 1, 32, 32])],
      [
        { ...node('ReduceMean', ['image'], 'mean'), attributes: { axes: { ints: [1] }, keepdims: { int: 1 } } },
        node('Reciprocal', ['mean'], 'map'),
      ],
    );
    const setup = ready('db', await save(dir, 'reciprocal.onnx', reciprocal), { width: 32, height: 32 }, 'top-left');
    const network = await Network.open({ model: setup, keep: { text: 0.4 } }, 'cpu');
    const black = network.detect(new ImageLevels(picture(32, 32)));
    const white = network.detect(new ImageLevels(picture(32, 32, { x1: 0, y1: 0, x2: 32, y2: 32 })));
    await expect(black).rejects.toThrow(
      new ModelError('Model reciprocal: expected finite numbers in output map but received NaN or infinity'),
    );
    expect(await white).toHaveLength(1);
    await network.close();

    const wrong = constantModel({ map: { shape: [1, 1, 16, 16], data: new Float32Array(256) } });
    const other = ready('db', await save(dir, 'wrong.onnx', wrong), { width: 32, height: 32 }, 'top-left');
    const second = await Network.open({ model: other, keep: { text: 0.4 } }, 'cpu');
    await expect(second.detect(new ImageLevels(picture(32, 32)))).rejects.toThrow(
      'Model wrong: expected output (only) of shape [1,1,32,32] but received [1,1,16,16]',
    );
    await second.close();
  });

  it('scales an image once per size', async () => {
    const levels = new ImageLevels(picture(64, 48));
    expect(await levels.scaledTo(64, 48)).toBe(levels.image);
    expect((await levels.scaledTo(16, 12)).width).toBe(16);
    expect(await levels.scaledTo(16, 12)).toBe(await levels.scaledTo(16, 12));
    expect(await levels.scaledTo(32, 24)).not.toBe(await levels.scaledTo(16, 12));
  });
});

describe('DetectPipeline', () => {
  const SIDE = 320;
  // One pixel of the image is one of the model, so that expected boxes can be read off.
  const onCar = { x1: 120, y1: 200, x2: 200, y2: 212 };
  const shopSign = { x1: 20, y1: 20, x2: 110, y2: 34, grey: 230 };
  const image = picture(SIDE, SIDE, onCar, shopSign);
  const thresholds = { face: 0, body: 0.5, plate: 0.4, text: 0.5 };

  async function setup(classes: DetectSetup['classes'], plates = true): Promise<DetectSetup> {
    const objects = await centernet(
      [
        [80, 100, 260, 260, 0.7, 2],
        [270, 100, 310, 220, 0.6, 0],
        [10, 200, 40, 300, 0.4, 0],
      ],
      SIDE,
    );
    return {
      classes,
      networks: [
        { model: await brightness(SIDE, SIDE), keep: { text: 0.4 } },
        { model: objects, keep: { body: 0.3, vehicle: 0.25 } },
      ],
      ...(plates ? { plateShape: { id: 'plate-shape', textModel: `ocr-${SIDE}-${SIDE}`, threshold: 0.4 } } : {}),
      thresholds,
      mergePlatesAndText: classes.includes('plate') && classes.includes('text'),
    };
  }

  async function detect(setup: DetectSetup): Promise<Detection[]> {
    const pipeline = await DetectPipeline.open(setup, 'cpu');
    try {
      return (await pipeline.detect(image)).detections;
    } finally {
      await pipeline.close();
    }
  }

  const listed = (found: readonly Detection[]): string[] =>
    found.map((d) => `${d.label} ${d.model} ${d.score.toFixed(2)} ${Math.round((d.box.y1 + d.box.y2) / 2)}`);

  it.each([
    // A plate's text is not listed again, and a sign is text, not a plate, as long as text is wanted.
    [
      ['body', 'plate', 'text'],
      true,
      ['plate plate-shape 1.00 206', 'text ocr-320-320 0.90 27', 'body objects 0.60 160'],
    ],
    [['plate'], true, ['plate plate-shape 1.00 206', 'plate plate-shape 0.90 27']],
    [['text'], false, ['text ocr-320-320 1.00 206', 'text ocr-320-320 0.90 27']],
    [['body', 'text'], false, ['text ocr-320-320 1.00 206', 'text ocr-320-320 0.90 27', 'body objects 0.60 160']],
    [['face'], false, []],
  ] as const)('selects %j', async (classes, plates, expected) => {
    expect(listed(await detect(await setup(classes, plates)))).toEqual(expected);
  });

  it('lets neither stand for the other where plates and text are redacted differently', async () => {
    const found = await detect({ ...(await setup(['plate', 'text'])), mergePlatesAndText: false });
    expect(listed(found).sort()).toEqual([
      'plate plate-shape 0.90 27',
      'plate plate-shape 1.00 206',
      'text ocr-320-320 0.90 27',
      'text ocr-320-320 1.00 206',
    ]);
  });

  it('never reports evidence as a finding', async () => {
    const found = await detect({
      ...(await setup(['face', 'body', 'plate', 'text'])),
      thresholds: { ...thresholds, body: 0 },
    });
    expect(found.map((d) => d.label).sort()).toEqual(['body', 'body', 'plate', 'text']);
  });

  it('asks before each network whether to go on', async () => {
    const pipeline = await DetectPipeline.open(await setup(['text']), 'cpu');
    let asked = 0;
    const { timings } = await pipeline.detect(image, () => void asked++);
    expect(asked).toBe(2);
    expect(Object.keys(timings)).toEqual([`ocr-${SIDE}-${SIDE}`, 'objects']);
    expect(Object.values(timings).every((ms) => ms >= 0)).toBe(true);
    expect(pipeline.providers).toEqual(['cpu']);
    const stop = new Error('too late');
    await expect(
      pipeline.detect(image, () => {
        throw stop;
      }),
    ).rejects.toBe(stop);
    await pipeline.close();
  });

  it('says which model cannot be opened', async () => {
    const { networks, ...rest } = await setup(['text']);
    const missing = ready('db', path.join(dir, 'missing.onnx'), { longSide: 960 }, 'top-left');
    const opening = DetectPipeline.open({ ...rest, networks: [...networks, { model: missing, keep: {} }] }, 'cpu');
    await expect(opening).rejects.toThrow(ModelError);
    await expect(opening).rejects.toThrow(
      'Model missing: expected an ONNX file that opens on device cpu but received:',
    );
  });
});

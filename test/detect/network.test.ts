import { describe, expect, it } from 'vitest';
import { boxHeight, boxWidth } from '../../src/core/geometry.ts';
import type { Box, Detection } from '../../src/core/types.ts';
import { ImageLevels } from '../../src/detect/levels.ts';
import type { NetworkSetup } from '../../src/detect/network.ts';
import { ModelError } from '../../src/errors.ts';
import { PER_CLASS_BOX_CLASSES } from '../../src/models/families.ts';
import { brightnessModel, constantModel, float, model, node } from '../models/tiny-onnx.ts';
import { type Found, open, picture, ready, runsOf, tinyNetworks } from './tiny-networks.ts';

const networks = tinyNetworks();

describe('Network', () => {
  it.each([
    ['landscape, centred', 400, 200, 'center'],
    ['landscape, top left', 400, 200, 'top-left'],
    ['portrait, centred', 150, 300, 'center'],
    ['much larger than the input', 2600, 1300, 'center'],
    ['smaller than the input', 80, 60, 'center'],
  ] as const)('finds a bar where it lies in an image that is %s', async (_, width, height, align) => {
    const network = await open(await networks.brightness(128, 96, { align }), { text: 0.4 });
    const bar = {
      x1: Math.round(width * 0.25),
      y1: Math.round(height * 0.6),
      x2: Math.round(width * 0.75),
      y2: Math.round(height * 0.75),
    };
    const [found, ...others] = await network.detect(new ImageLevels(picture(width, height, bar)));
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
    const file = await networks.save('dynamic.onnx', brightnessModel(128, 64));
    const network = await open(ready('db', file, { longSide: 128 }, 'top-left'), { text: 0.4 });
    const [found] = await network.detect(new ImageLevels(picture(500, 240, { x1: 100, y1: 100, x2: 300, y2: 140 })));
    const box = found?.box as Box;
    expect((box.x1 + box.x2) / 2).toBeCloseTo(200, -1);
    expect((box.y1 + box.y2) / 2).toBeCloseTo(120, -1);
  });

  it('does not mix up images that are given at the same time', async () => {
    const network = await open(await networks.brightness(128, 128), { text: 0.4 });
    const images = [10, 40, 70, 100].map((y1) => picture(128, 128, { x1: 20, y1, x2: 100, y2: y1 + 8 }));
    const together = await Promise.all(images.map((image) => network.detect(new ImageLevels(image))));
    const alone: Detection[][] = [];
    for (const image of images) alone.push(await network.detect(new ImageLevels(image)));
    expect(together).toEqual(alone);
    expect(new Set(together.map(([d]) => d?.box.y1)).size).toBe(4);
  });

  describe('for several classes', () => {
    const SIDE = 128;
    const inner = { x1: 40, y1: 40, x2: 60, y2: 64 };
    const objects: readonly Found[] = [
      { label: 'face', box: inner, score: 0.8, stride: 8 },
      // The same face once more, in another grid: of one look, the better one stays.
      { label: 'face', box: { ...inner, x2: 62 }, score: 0.5, stride: 16 },
      { label: 'body', box: { x1: 24, y1: 36, x2: 104, y2: 120 }, score: 0.4, stride: 32 },
      { label: 'plate', box: inner, score: 0.3, stride: 16 },
    ];
    const listed = (found: readonly Detection[]): unknown[] =>
      found.map(({ label, score, box }) => [
        label,
        Number(score.toFixed(2)),
        ...[box.x1, box.y1, box.x2, box.y2].map(Math.round),
      ]);

    it.each<[string, NetworkSetup['keep'], unknown[]]>([
      [
        'all of them',
        { face: 0.2, body: 0.2, plate: 0.2 },
        [
          ['face', 0.8, 40, 40, 60, 64],
          ['body', 0.4, 24, 36, 104, 120],
          ['plate', 0.3, 40, 40, 60, 64],
        ],
      ],
      ['one of them', { plate: 0.2 }, [['plate', 0.3, 40, 40, 60, 64]]],
      [
        'each from its own score on',
        { face: 0.7, body: 0.5, plate: 0.25 },
        [
          ['face', 0.8, 40, 40, 60, 64],
          ['plate', 0.3, 40, 40, 60, 64],
        ],
      ],
      ['none of them', {}, []],
    ])('runs once and reports %s', async (_, keep, expected) => {
      const network = await open(await networks.perClass(objects, SIDE), keep);
      expect(listed(await network.detect(new ImageLevels(picture(SIDE, SIDE))))).toEqual(expected);
      expect(network.runs).toEqual(new Map([[`1,3,${SIDE},${SIDE}`, 1]]));
    });

    it('shares its looks between them, and fuses what they show class by class', async () => {
      const level = { mirror: true, shrink: 0.5, tiles: { doublings: 1, enlarge: 1, where: 'everywhere' } } as const;
      const symmetric = { x1: 44, y1: 40, x2: 84, y2: 80 };
      const both: readonly Found[] = [
        { label: 'face', box: symmetric, score: 0.8, stride: 16 },
        { label: 'body', box: { ...symmetric, x1: 24 }, score: 0.6, stride: 16 },
        { label: 'plate', box: symmetric, score: 0.7, stride: 16 },
      ];
      const keep = { face: 0.1, body: 0.1, plate: 0.1 };
      const image = picture(2 * SIDE, 2 * SIDE);
      const network = await open(await networks.perClass(both, SIDE, level), keep);
      const found = await network.detect(new ImageLevels(image));
      const looks = runsOf(network);
      // The whole, its mirror image, a smaller one, nine tiles.
      expect(looks).toBe(12);
      for (const label of PER_CLASS_BOX_CLASSES) {
        const alone = await open(await networks.perClass(both, SIDE, level), { [label]: keep[label] });
        expect(listed(found.filter((d) => d.label === label))).toEqual(
          listed(await alone.detect(new ImageLevels(image))),
        );
        expect(runsOf(alone)).toBe(looks);
      }
      // Seen on both sides only if it is in the middle.
      expect(found.find((d) => d.label === 'face')?.score).toBeCloseTo(0.8, 5);
    });

    it('names what is wrong with its output', async () => {
      const onnx = constantModel({ predictions: { shape: [1, 20, 15], data: new Float32Array(300) } }, [1, 3, 64, 64]);
      const file = await networks.save('few-cells.onnx', onnx);
      const model = ready('per-class-box', file, { width: 64, height: 64 }, 'top-left');
      const network = await open(model, { face: 0.2 });
      await expect(network.detect(new ImageLevels(picture(64, 64)))).rejects.toThrow(
        new ModelError('Model few-cells: expected output predictions of shape [1,84,15] but received [1,20,15]'),
      );
    });
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
    const setup = ready(
      'db',
      await networks.save('reciprocal.onnx', reciprocal),
      { width: 32, height: 32 },
      'top-left',
    );
    const network = await open(setup, { text: 0.4 });
    const black = network.detect(new ImageLevels(picture(32, 32)));
    const white = network.detect(new ImageLevels(picture(32, 32, { x1: 0, y1: 0, x2: 32, y2: 32 })));
    await expect(black).rejects.toThrow(
      new ModelError('Model reciprocal: expected finite numbers in output map but received NaN or infinity'),
    );
    expect(await white).toHaveLength(1);

    const wrong = constantModel({ map: { shape: [1, 1, 16, 16], data: new Float32Array(256) } });
    const other = ready('db', await networks.save('wrong.onnx', wrong), { width: 32, height: 32 }, 'top-left');
    const second = await open(other, { text: 0.4 });
    await expect(second.detect(new ImageLevels(picture(32, 32)))).rejects.toThrow(
      'Model wrong: expected output (only) of shape [1,1,32,32] but received [1,1,16,16]',
    );
  });
});

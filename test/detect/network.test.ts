import { describe, expect, it } from 'vitest';
import { boxHeight, boxWidth } from '../../src/core/geometry.ts';
import type { Box, Detection } from '../../src/core/types.ts';
import { ImageLevels } from '../../src/detect/levels.ts';
import { ModelError } from '../../src/errors.ts';
import { brightnessModel, constantModel, float, model, node } from '../models/tiny-onnx.ts';
import { open, picture, ready, tinyNetworks } from './tiny-networks.ts';

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

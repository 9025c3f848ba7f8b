import { describe, expect, it } from 'vitest';
import type { Box, RgbImage } from '../../src/core/types.ts';
import { ImageLevels } from '../../src/detect/levels.ts';
import { viewOf } from '../../src/detect/views.ts';
import type { ModelInput } from '../../src/models/manifest.ts';

const input: ModelInput = {
  size: { width: 64, height: 64 },
  align: 'top-left',
  multiple: 32,
  layout: 'nchw',
  channels: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  pad: 0,
};

/** Red is the column, green the row. */
function ramp(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 7], i * 3);
  return { data, width, height };
}

const whole: Box = { x1: 0, y1: 0, x2: 120, y2: 90 };

describe('ImageLevels', () => {
  it('scales an image once per size, and not at all to its own', async () => {
    const levels = new ImageLevels(ramp(64, 48));
    expect(await levels.scaledTo(64, 48)).toBe(levels.image);
    const small = await levels.scaledTo(16, 12);
    expect([small.width, small.height]).toEqual([16, 12]);
    expect(await levels.scaledTo(16, 12)).toBe(small);
    expect(await levels.scaledTo(12, 16)).not.toBe(small);
  });

  it('shares the whole image between networks that show it at one size', async () => {
    const levels = new ImageLevels(ramp(120, 90));
    const first = await levels.content(viewOf(whole, 0.5, input));
    expect([first.width, first.height]).toEqual([60, 45]);
    expect(await levels.content({ ...viewOf(whole, 0.5, input), mirrored: true })).toBe(first);
    expect(await levels.scaledTo(60, 45)).toBe(first);
  });

  it.each<[string, Box, number, [number, number]]>([
    ['at its own size', { x1: 20, y1: 30, x2: 60, y2: 50 }, 1, [40, 20]],
    ['enlarged', { x1: 20, y1: 30, x2: 40, y2: 40 }, 3, [60, 30]],
    ['shrunk', { x1: 0, y1: 10, x2: 120, y2: 90 }, 0.25, [30, 20]],
    ['at the far corner', { x1: 100, y1: 80, x2: 120, y2: 90 }, 2, [40, 20]],
  ])('shows a part %s', async (_, region, scale, [width, height]) => {
    const content = await new ImageLevels(ramp(120, 90)).content(viewOf(region, scale, input));
    expect([content.width, content.height]).toEqual([width, height]);
    const [x, y] = [Math.floor(width / 2), Math.floor(height / 2)];
    const [red, green, blue] = content.data.subarray((y * width + x) * 3);
    expect(Math.abs((red as number) - (region.x1 + (x + 0.5) / scale - 0.5))).toBeLessThanOrEqual(1);
    expect(Math.abs((green as number) - (region.y1 + (y + 0.5) / scale - 0.5))).toBeLessThanOrEqual(1);
    expect(blue).toBe(7);
  });

  it('asks nobody whether to go on unless told whom', () => {
    expect(new ImageLevels(ramp(2, 2)).between()).toBeUndefined();
    const stop = new Error('too late');
    const levels = new ImageLevels(ramp(2, 2), () => {
      throw stop;
    });
    expect(() => levels.between()).toThrow(stop);
  });

  it('fails whoever asks, and nobody else, where an image cannot be scaled', async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    const broken = new ImageLevels({ data: new Uint8Array(5), width: 64, height: 48 });
    void broken.content(viewOf({ x1: 0, y1: 0, x2: 64, y2: 48 }, 0.5, input));
    void broken.content(viewOf({ x1: 0, y1: 0, x2: 32, y2: 48 }, 0.5, input));
    await expect(broken.scaledTo(32, 24)).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });
});

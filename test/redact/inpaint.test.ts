import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Region, RgbImage } from '../../src/core/types.ts';
import { redactInPlace } from '../../src/redact/apply.ts';
import { inpaint } from '../../src/redact/inpaint.ts';
import { coveredBy, type Patch, patchBox, type Scene } from '../../src/redact/patch.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { randomFrom } from '../../src/redact/random.ts';
import { copy, detect, FILL, noise, paint, policyOf, random, regionOf, scenes, tilted } from './scenes.ts';

const sceneOf = (image: RgbImage, regions: readonly Region[]): Scene => ({ image, covered: coveredBy(regions, image) });

const fillOf = (scene: Scene, region: Region): Patch => inpaint(scene, region, randomFrom(1)) as Patch;

/** The scene's photograph with every covered pixel replaced by another at random. */
function disturbed({ image, covered }: Scene, seed: number): Scene {
  const next = random(seed);
  const data = image.data.slice();
  for (let i = 0; i < data.length; i++) if (covered[Math.floor(i / 3)]) data[i] = Math.floor(next() * 256);
  return { image: { ...image, data }, covered };
}

/** The photograph with the patch in it. */
function pasted({ image }: Scene, { image: patch, x, y }: Patch): RgbImage {
  const out = copy(image);
  for (let row = 0; row < patch.height; row++) {
    const line = patch.data.subarray(row * patch.width * 3, (row + 1) * patch.width * 3);
    out.data.set(line, ((y + row) * image.width + x) * 3);
  }
  return out;
}

/** One to three scenes' detections in one image. */
const crowds = fc.tuple(scenes, fc.array(scenes, { maxLength: 2 })).map(([first, others]) => ({
  ...first,
  regions: planRegions(
    [first, ...others].map((scene) => scene.detection),
    policyOf('inpaint', first.grow),
    first.width,
    first.height,
  ),
}));

describe('inpaint', () => {
  it('does not depend on anything that is covered', () => {
    fc.assert(
      fc.property(crowds, fc.integer(), ({ width, height, regions }, seed) => {
        const scene = sceneOf(noise(width, height, seed), regions);
        const other = disturbed(scene, seed + 1);
        for (const region of regions) expect(fillOf(other, region)).toEqual(fillOf(scene, region));
      }),
      { numRuns: 150 },
    );
  });

  it('does not depend on what is covered of a large region, which is filled in cells of many pixels', () => {
    const region = regionOf(detect('body', [130, 90, 420, 390]), 'inpaint', 450, 400);
    const scene = sceneOf(noise(450, 400, 3), [region]);
    expect(fillOf(disturbed(scene, 4), region)).toEqual(fillOf(scene, region));
  });

  it('spans the region with its soft edge, and is the photograph where nothing is covered', () => {
    fc.assert(
      fc.property(crowds, fc.integer(), ({ width, height, regions }, seed) => {
        const scene = sceneOf(noise(width, height, seed), regions);
        for (const region of regions) {
          const patch = fillOf(scene, region);
          const { x1, y1, x2, y2 } = patchBox(region, scene.image);
          expect([patch.x, patch.y, patch.image.width, patch.image.height]).toEqual([x1, y1, x2 - x1, y2 - y1]);
          expect(patch.image.data.length).toBe((x2 - x1) * (y2 - y1) * 3);
          const whole = pasted(scene, patch);
          const changed = scene.covered.findIndex(
            (covered, i) => !covered && [0, 1, 2].some((c) => whole.data[3 * i + c] !== scene.image.data[3 * i + c]),
          );
          expect(changed).toBe(-1);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('copies: where the photograph knows two colours, the fill has no third beyond their seams', () => {
    const image = paint(160, 120, (x, _y, c) => (x % 16 < 8 ? [200, 180, 160] : [40, 60, 90])[c] as number);
    const region = regionOf(detect('plate', [0, 0, 1, 1], tilted(80, 60, 60, 24, 0.3)), 'inpaint', 160, 120);
    const { data } = fillOf(sceneOf(image, [region]), region).image;
    const red = data.filter((_, i) => i % 3 === 0);
    const close = red.filter((v) => Math.abs(v - 200) < 25 || Math.abs(v - 40) < 25).length;
    expect(close / red.length).toBeGreaterThan(0.85);
  });

  it.each([0, 1, 127, 255])('continues a plain %d exactly', (value) => {
    const image = paint(90, 70, () => value);
    const region = regionOf(detect('face', [30, 20, 60, 55]), 'inpaint', 90, 70);
    expect(new Set(fillOf(sceneOf(image, [region]), region).image.data)).toEqual(new Set([value]));
  });

  it.each([
    ['small', 24, 2],
    ['large', 260, 3],
  ])('continues a gradient without blotches (%s)', (_name, side, within) => {
    const size = 3 * side;
    const image = paint(size, size, (x, y, c) => 60 + (120 * (c === 1 ? y : x)) / size);
    const region = regionOf(detect('body', [side, side, 2 * side, 2 * side]), 'inpaint', size, size);
    const after = pasted(sceneOf(image, [region]), fillOf(sceneOf(image, [region]), region));
    const off = after.data.reduce((most, v, i) => Math.max(most, Math.abs(v - (image.data[i] as number))), 0);
    expect(off).toBeLessThanOrEqual(within);
  });

  it.each([20, 200])('is as rough as its surroundings (%d px)', (side) => {
    const size = 3 * side;
    const next = random(5);
    const grain = Array.from({ length: size * size }, () => Math.round(128 + 24 * (next() + next() + next() - 1.5)));
    const image = paint(size, size, (x, y) => grain[y * size + x] as number);
    const region = regionOf(detect('body', [side, side, 2 * side, 2 * side]), 'inpaint', size, size);
    const deviation = (values: Uint8Array): number => {
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
    };
    const filled = deviation(fillOf(sceneOf(image, [region]), region).image.data);
    const around = deviation(image.data);
    expect(filled / around).toBeGreaterThan(0.7);
    expect(filled / around).toBeLessThan(1.2);
  });

  it('keeps sky above and ground below', () => {
    const next = random(6);
    const image = paint(300, 200, (_x, y, c) =>
      y < 100 ? ([120, 160, 220][c] as number) : ([90, 110, 40][c] as number) + Math.floor(30 * next()),
    );
    const region = regionOf(detect('body', [120, 40, 180, 160]), 'inpaint', 300, 200);
    const after = pasted(sceneOf(image, [region]), fillOf(sceneOf(image, [region]), region));
    const blue = (x: number, y: number): number => after.data[3 * (y * 300 + x) + 2] as number;
    for (const x of [130, 150, 170]) {
      for (const y of [50, 70, 90]) expect(blue(x, y)).toBeGreaterThan(180);
      for (const y of [110, 130, 150]) expect(blue(x, y)).toBeLessThan(110);
    }
  });

  it('fills regions that touch as one: where two patches overlap, they agree', () => {
    const image = noise(200, 150, 7);
    const policy = policyOf('inpaint');
    const regions = planRegions(
      [detect('body', [40, 30, 110, 120]), detect('face', [90, 50, 130, 90])],
      policy,
      200,
      150,
    );
    const scene = sceneOf(image, regions);
    const [a, b] = regions.map((region) => pasted(scene, fillOf(scene, region)));
    const [first, second] = regions.map((region) => patchBox(region, image));
    for (let y = 50; y < 90; y++) {
      for (let x = second?.x1 as number; x < (first?.x2 as number); x++) {
        const at = 3 * (y * 200 + x);
        expect(a?.data.slice(at, at + 3)).toEqual(b?.data.slice(at, at + 3));
      }
    }
  });

  it('looks farther where everything near is covered', () => {
    const image = paint(400, 60, () => 230);
    const policy = policyOf('inpaint');
    const boxes = [0, 1, 2, 3, 4, 5, 6].map((k) => detect('body', [k * 50, 0, k * 50 + 52, 60]));
    const regions = planRegions(boxes, policy, 400, 60);
    const scene = sceneOf(image, regions);
    for (const region of regions) {
      const values = fillOf(disturbed(scene, 8), region).image.data;
      expect(new Set(values)).toEqual(new Set([230]));
    }
  });

  it('takes the colour of slivers that are narrower than its cells', () => {
    const image = paint(500, 500, (_x, _y, c) => [30, 90, 200][c] as number);
    const region = regionOf(detect('body', [0, 0, 473, 500]), 'inpaint', 500, 500);
    const scene = disturbed(sceneOf(image, [region]), 11);
    expect(scene.covered.includes(0)).toBe(true);
    const { data } = fillOf(scene, region).image;
    expect([...data.subarray(0, 3)]).toEqual([30, 90, 200]);
    expect(new Set(data).size).toBe(3);
  });

  it.each([
    [1, 1],
    [40, 30],
  ])('is neutral when nothing is known of an image of %d × %d', (width, height) => {
    const image = noise(width, height, 9);
    const region = regionOf(detect('body', [-5, -5, width + 5, height + 5]), 'inpaint', width, height);
    expect(new Set(fillOf(sceneOf(image, [region]), region).image.data)).toEqual(new Set([128]));
  });

  it('is the same for the same photograph, whatever was filled before', () => {
    const image = noise(120, 90, 10);
    const regions = planRegions(
      [detect('face', [10, 10, 40, 50]), detect('body', [70, 20, 110, 80])],
      policyOf('inpaint'),
      120,
      90,
    );
    const once = copy(image);
    redactInPlace({ rgb: once }, regions, { fill: FILL });
    const again = copy(image);
    redactInPlace({ rgb: again }, [...regions].reverse(), { fill: FILL });
    expect(again.data).toEqual(once.data);
  });
});

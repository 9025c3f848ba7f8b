import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point, PoseGuide, Region, RgbImage } from '../../../src/core/types.ts';
import { redactInPlace } from '../../../src/redact/apply.ts';
import { inpaint } from '../../../src/redact/inpaint.ts';
import { coveredBy, type Patch, type Scene } from '../../../src/redact/patch.ts';
import { randomFrom } from '../../../src/redact/random.ts';
import { skeletonOf } from '../../../src/redact/synthetic/mannequin/skeleton.ts';
import { mannequin } from '../../../src/redact/synthetic/mannequin.ts';
import { copy, detect, FILL, noise, paint, random, regionOf } from '../scenes.ts';

/** A standing person in a box of 60 × 160 pixels at 0, 0: the joints of COCO. */
const STANDING: readonly [number, number][] = [
  [30, 16],
  [33, 14],
  [27, 14],
  [37, 16],
  [23, 16],
  [45, 34],
  [15, 34],
  [50, 58],
  [10, 58],
  [51, 80],
  [9, 80],
  [39, 82],
  [21, 82],
  [39, 116],
  [21, 116],
  [39, 148],
  [21, 148],
];

const guideAt = (dx: number, dy: number, scale = 1, missing: readonly number[] = []): PoseGuide => ({
  kind: 'pose',
  keypoints: STANDING.map(([x, y], k) => ({
    x: dx + x * scale,
    y: dy + y * scale,
    score: missing.includes(k) ? 0.02 : 0.9,
  })),
});

function bodyAt(image: RgbImage, dx: number, dy: number, scale = 1, missing: readonly number[] = []): Region {
  const box = [dx, dy, dx + 60 * scale, dy + 160 * scale] as const;
  const region = regionOf(detect('body', box), 'synthetic', image.width, image.height);
  return { ...region, guide: guideAt(dx, dy, scale, missing) };
}

const sceneOf = (image: RgbImage, regions: readonly Region[]): Scene => ({ image, covered: coveredBy(regions, image) });

/** Whether the mannequin differs from what `inpaint` alone would have put there. */
function drawn(scene: Scene, region: Region, patch: Patch): (p: Point) => boolean {
  const background = inpaint(scene, region, randomFrom(1)) as Patch;
  return ({ x, y }) => {
    const at = 3 * ((Math.round(y) - patch.y) * patch.image.width + Math.round(x) - patch.x);
    return [0, 1, 2].some(
      (c) => Math.abs((patch.image.data[at + c] as number) - (background.image.data[at + c] as number)) > 8,
    );
  };
}

const plain = (width: number, height: number): RgbImage =>
  paint(width, height, (_x, _y, c) => [250, 160, 240][c] as number);

describe('mannequin', () => {
  it('stands on every joint of the guide, and nowhere near the corners of the region', () => {
    const image = plain(200, 240);
    const region = bodyAt(image, 70, 40);
    const scene = sceneOf(image, [region]);
    const isDrawn = drawn(scene, region, mannequin(scene, region, randomFrom(3)) as Patch);
    for (const [k, joint] of (region.guide as PoseGuide).keypoints.entries()) {
      // The eyes, ears and nose of the guide are one head here.
      if (k === 0 || k > 4) expect([k, isDrawn(joint)]).toEqual([k, true]);
    }
    for (const corner of [
      [72, 42],
      [127, 42],
      [72, 150],
      [127, 197],
    ]) {
      expect(isDrawn({ x: corner[0] as number, y: corner[1] as number })).toBe(false);
    }
  });

  it.each<[string, readonly number[], readonly number[]]>([
    ['one side', [5, 7, 9, 11, 13, 15], [5, 11, 13, 15]],
    ['the legs', [13, 14, 15, 16], [13, 14, 15, 16]],
    ['the head', [0, 1, 2, 3, 4], [0]],
    ['the hips and all below', [11, 12, 13, 14, 15, 16], [11, 12, 13, 14]],
  ])('completes %s where a person would have it', (_name, missing, expected) => {
    const image = plain(200, 240);
    const region = bodyAt(image, 70, 40, 1, missing);
    const { left, right, head } = skeletonOf(region.guide as PoseGuide, region.core, randomFrom(4));
    const made: Readonly<Record<number, Point>> = {
      0: head,
      5: left.shoulder,
      11: left.hip,
      12: right.hip,
      13: left.knee,
      14: right.knee,
      15: left.ankle,
      16: right.ankle,
    };
    for (const k of expected) {
      const [x, y] = STANDING[k] as [number, number];
      expect([k, Math.hypot((made[k] as Point).x - 70 - x, (made[k] as Point).y - 40 - y) < 22]).toEqual([k, true]);
    }
  });

  it('shows nothing of what is covered but the pose', () => {
    fc.assert(
      fc.property(
        fc.record({
          dx: fc.integer({ min: -40, max: 100 }),
          dy: fc.integer({ min: -80, max: 80 }),
          scale: fc.double({ min: 0.15, max: 1.5, noNaN: true }),
        }),
        fc.subarray([...Array(17).keys()]),
        fc.integer(),
        ({ dx, dy, scale }, missing, seed) => {
          const image = noise(120, 100, seed);
          const region = bodyAt(image, dx, dy, Math.max(scale, dx < 0 || dy < 0 ? 1 : 0), missing);
          const scene = sceneOf(image, [region]);
          const next = random(seed + 1);
          const data = image.data.map((v, i) => (scene.covered[Math.floor(i / 3)] ? Math.floor(next() * 256) : v));
          const other = { ...scene, image: { ...image, data } };
          const [a, b] = [mannequin(scene, region, randomFrom(5)), mannequin(other, region, randomFrom(5))];
          expect(a).toBeDefined();
          expect(b).toEqual(a);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('is of another build and dress with other random numbers', () => {
    const image = plain(200, 240);
    const region = bodyAt(image, 70, 40);
    const patches = [1, 2, 3].map((seed) => mannequin(sceneOf(image, [region]), region, randomFrom(seed)) as Patch);
    const covers = patches.map(
      (patch) => patch.image.data.filter((v, i) => i % 3 === 1 && Math.abs(v - 160) > 8).length,
    );
    expect(new Set(covers).size).toBe(3);
  });

  it('is as bright as its surroundings, and grey among grey', () => {
    const mean = (image: RgbImage): number[] => {
      const region = bodyAt(image, 70, 40);
      const { data } = (mannequin(sceneOf(image, [region]), region, randomFrom(6)) as Patch).image;
      const [sum, chroma] = [
        data.reduce((s, v) => s + v, 0),
        data.reduce((s, v, i) => s + (i % 3 === 2 ? Math.abs(v - (data[i - 2] as number)) : 0), 0),
      ];
      return [sum / data.length, chroma / data.length];
    };
    const [dark, light] = [mean(paint(200, 240, () => 20)), mean(paint(200, 240, () => 200))];
    expect(dark[0]).toBeLessThan(60);
    expect(light[0]).toBeGreaterThan(100);
    expect(dark[1]).toBe(0);
    expect(light[1]).toBe(0);
  });

  it('needs a pose', () => {
    const image = plain(200, 240);
    const { guide: _, ...region } = bodyAt(image, 70, 40);
    expect(mannequin(sceneOf(image, [region]), region, randomFrom(7))).toBeUndefined();
  });

  it('is not cut by the background of the next', () => {
    const image = plain(260, 240);
    const regions = [bodyAt(image, 70, 30, 1.15), bodyAt(image, 105, 40)];
    const after = copy(image);
    redactInPlace({ rgb: after }, regions, { fill: FILL, bodyFill: 'mannequin' });
    // The left arm of the larger one, within the box of the smaller.
    const wrist = regions[0]?.guide?.kind === 'pose' ? regions[0].guide.keypoints[9] : undefined;
    const at = 3 * (Math.round(wrist?.y ?? 0) * 260 + Math.round(wrist?.x ?? 0));
    expect((wrist?.x ?? 0) > 110).toBe(true);
    expect(Math.abs((after.data[at + 1] as number) - 160) > 8 || Math.abs((after.data[at] as number) - 250) > 8).toBe(
      true,
    );
  });
});

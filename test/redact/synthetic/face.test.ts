import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Region, RgbImage } from '../../../src/core/types.ts';
import { ModelError } from '../../../src/errors.ts';
import { redactInPlace } from '../../../src/redact/apply.ts';
import { divide } from '../../../src/redact/cells.ts';
import { coveredBy, type Patch, patchBox } from '../../../src/redact/patch.ts';
import { randomFrom } from '../../../src/redact/random.ts';
import { cellSize } from '../../../src/redact/strength.ts';
import { readExpression } from '../../../src/redact/synthetic/face/expression.ts';
import { faceReplacer, parseFaceModel } from '../../../src/redact/synthetic/face/index.ts';
import { fitPose, frontalShape } from '../../../src/redact/synthetic/face/pose.ts';
import { copy, FILL, noise, paint, random } from '../scenes.ts';
import { faceRegion, guideOf, MODEL_FILE, model, type Stance } from './faces.ts';

function replace(image: RgbImage, region: Region, seed = 1): Patch {
  const patch = faceReplacer(model)({ image, covered: coveredBy([region], image) }, region, randomFrom(seed));
  if (!patch) throw new Error('Expected a patch but received none');
  return patch;
}

/** Skin before a wall: what a blurred face looks like. */
const skin = (width: number, height: number): RgbImage =>
  paint(width, height, (x, _y, c) => ([190, 140, 115][c] as number) + (x % 7) - 3);

/** Swaps pixels of the same mean cell that lie in the region: every cell keeps its sum. */
function shuffleWithinCells(image: RgbImage, region: Region, seed: number): RgbImage {
  const { data, width, height } = image;
  const covered = coveredBy([region], image);
  const cell = cellSize(region, 'synthetic');
  const columns = divide(region.box.x1, region.box.x2, cell, width, true);
  const rows = divide(region.box.y1, region.box.y2, cell, height, true);
  const shuffled = data.slice();
  const next = random(seed);
  for (let j = 0; j < rows.count; j++) {
    for (let i = 0; i < columns.count; i++) {
      const places: number[] = [];
      for (let y = rows.edges[j] as number; y < (rows.edges[j + 1] as number); y++) {
        for (let x = columns.edges[i] as number; x < (columns.edges[i + 1] as number); x++) {
          if (covered[y * width + x]) places.push(y * width + x);
        }
      }
      for (let k = places.length - 1; k > 0; k--) {
        const [p, q] = [places[k] as number, places[Math.floor(next() * (k + 1))] as number];
        for (let c = 0; c < 3; c++) {
          const kept = shuffled[3 * p + c] as number;
          shuffled[3 * p + c] = shuffled[3 * q + c] as number;
          shuffled[3 * q + c] = kept;
        }
      }
    }
  }
  return { ...image, data: shuffled };
}

const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function sameBytes(a: Patch | undefined, b: Patch | undefined): boolean {
  if (!a || !b) return a === b;
  return a.x === b.x && a.y === b.y && Buffer.compare(a.image.data, b.image.data) === 0;
}

const stances: fc.Arbitrary<Stance> = fc.record({
  x: fc.integer({ min: 0, max: 120 }),
  y: fc.integer({ min: 0, max: 120 }),
  size: fc.integer({ min: 10, max: 90 }),
  turn: fc.double({ min: -0.8, max: 0.8, noNaN: true }),
  tilt: fc.double({ min: -Math.PI, max: Math.PI, noNaN: true }),
  opening: fc.integer({ min: 0, max: 20 }),
});

describe('what reaches the patch', () => {
  test('is the mean cells and the guide, and nothing finer of what lies inside', () => {
    fc.assert(
      fc.property(stances, fc.integer(), (stance, seed) => {
        const image = noise(120, 120, seed);
        const region = faceRegion(stance, 120, 120);
        const shuffled = shuffleWithinCells(image, region, seed + 1);
        // Without a difference, sameness would say nothing.
        if (region.box.x2 - region.box.x1 > 12) expect(shuffled.data).not.toEqual(image.data);
        const before = faceReplacer(model)({ image, covered: coveredBy([region], image) }, region, randomFrom(seed));
        const after = faceReplacer(model)(
          { image: shuffled, covered: coveredBy([region], image) },
          region,
          randomFrom(seed),
        );
        expect(sameBytes(after, before)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('but the mean cells do reach it', () => {
    const region = faceRegion({ x: 60, y: 60, size: 60 }, 120, 120);
    const bright = replace(skin(120, 120), region).image.data;
    const dark = replace({ ...skin(120, 120), data: skin(120, 120).data.map((v) => v / 2) }, region).image.data;
    const mean = (data: Uint8Array): number => data.reduce((sum, v) => sum + v, 0) / data.length;
    expect(mean(dark)).toBeLessThan(0.65 * mean(bright));
  });

  test('is the same for the same seed and somebody else for another', () => {
    const image = skin(200, 200);
    const region = faceRegion({ x: 100, y: 100, size: 100 }, 200, 200);
    const one = replace(image, region, 1).image.data;
    expect(replace(image, region, 1).image.data).toEqual(one);
    const other = replace(image, region, 2).image.data;
    const changed = one.filter((v, i) => Math.abs(v - (other[i] as number)) > 12).length;
    expect(changed / one.length).toBeGreaterThan(0.03);
  });
});

describe('the drawn face', () => {
  test('spans the region and its soft edge, wherever it lies', () => {
    fc.assert(
      fc.property(stances, fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 120 }), (stance, w, h) => {
        const inside = { ...stance, x: stance.x % w, y: stance.y % h };
        const region = faceRegion(inside, w, h);
        const image = noise(w, h, 3);
        const patch = faceReplacer(model)({ image, covered: coveredBy([region], image) }, region, randomFrom(5));
        if (!patch) return;
        const { x1, y1, x2, y2 } = patchBox(region, image);
        expect(patch.x).toBeLessThanOrEqual(x1);
        expect(patch.y).toBeLessThanOrEqual(y1);
        expect(patch.x + patch.image.width).toBeGreaterThanOrEqual(x2);
        expect(patch.y + patch.image.height).toBeGreaterThanOrEqual(y2);
        expect(patch.image.data.length).toBe(patch.image.width * patch.image.height * 3);
      }),
      { numRuns: 60 },
    );
  });

  test('has eyes darker than its cheeks, where the guide has them', () => {
    const image = skin(300, 300);
    const region = faceRegion({ x: 150, y: 150, size: 160, tilt: 0.4 }, 300, 300);
    const { image: drawn, x: left, y: top } = replace(image, region);
    const { landmarks } = region.guide?.kind === 'face' ? region.guide : guideOf({ x: 0, y: 0, size: 1 });
    const bright = (points: readonly number[]): number => {
      const at = points.map((i) => landmarks[i] as { x: number; y: number });
      const x = Math.round(at.reduce((sum, p) => sum + p.x, 0) / at.length) - left;
      const y = Math.round(at.reduce((sum, p) => sum + p.y, 0) / at.length) - top;
      return drawn.data[(y * drawn.width + x) * 3 + 1] as number;
    };
    const cheek = bright([2, 31, 40]);
    expect(bright([36, 37, 38, 39, 40, 41])).toBeLessThan(0.75 * cheek);
    expect(bright([42, 43, 44, 45, 46, 47])).toBeLessThan(0.75 * cheek);
  });

  test('opens its mouth with the guide', () => {
    const image = skin(300, 300);
    const dark = (opening: number): number => {
      const region = faceRegion({ x: 150, y: 150, size: 160, opening }, 300, 300);
      const { data } = replace(image, region).image;
      return data.filter((v, i) => i % 3 === 0 && v < 80).length;
    };
    expect(dark(24)).toBeGreaterThan(dark(0) + 100);
  });

  test('is not drawn without a guide, or when its points are not those of a face', () => {
    const image = skin(120, 120);
    const region = faceRegion({ x: 60, y: 60, size: 60 }, 120, 120);
    const { guide: _, ...bare } = region;
    const next = random(1);
    const scattered = {
      kind: 'face' as const,
      landmarks: guideOf({ x: 60, y: 60, size: 60 }).landmarks.map(() => ({ x: 120 * next(), y: 120 * next() })),
    };
    const collapsed = { kind: 'face' as const, landmarks: scattered.landmarks.map(() => ({ x: 60, y: 60 })) };
    for (const odd of [bare, { ...region, guide: scattered }, { ...region, guide: collapsed }]) {
      const [done] = redactInPlace({ rgb: copy(image) }, [odd], { fill: FILL, faces: model });
      expect(done).toMatchObject({ mode: 'blur', requested: 'synthetic' });
    }
    const [drawn] = redactInPlace({ rgb: copy(image) }, [region], { fill: FILL, faces: model });
    expect(drawn?.mode).toBe('synthetic');
  });
});

describe('pose and expression', () => {
  test('are found again', () => {
    fc.assert(
      fc.property(stances, (stance) => {
        const pose = fitPose(guideOf({ ...stance, opening: 0 }).landmarks, model.mean);
        expect(pose.residual).toBeLessThan(1.5);
        expect(pose.scale).toBeCloseTo(stance.size / 118, 1);
        const [a, , , d] = pose.matrix as [number, number, number, number];
        const tilt = Math.atan2(d, a);
        expect(Math.cos(tilt - (stance.tilt ?? 0))).toBeGreaterThan(0.99);
      }),
    );
  });

  test('tell an open mouth, in steps that small differences do not cross', () => {
    const opening = (guide: ReturnType<typeof guideOf>): number => {
      const pose = fitPose(guide.landmarks, model.mean);
      return readExpression(model, frontalShape(guide.landmarks, pose, model.mean))[0] as number;
    };
    const at = { x: 100, y: 100, size: 118 };
    expect(opening(guideOf({ ...at, opening: 20 }))).toBeGreaterThanOrEqual(opening(guideOf(at)) + 12);
    expect(opening(guideOf({ ...at, opening: 0.3 }))).toBe(opening(guideOf(at)));
  });
});

describe('the file of the model', () => {
  const bytes = readFileSync(MODEL_FILE);

  test('reads the same from any kind of byte array', () => {
    const again = parseFaceModel(Uint8Array.from(bytes));
    expect(Object.keys(again)).toEqual(Object.keys(model));
    for (const [key, value] of Object.entries(again)) {
      const other = model[key as keyof typeof model];
      if (typeof value === 'number') expect(value).toBe(other);
      else expect(Buffer.compare(bytesOf(value), bytesOf(other as Float32Array))).toBe(0);
    }
  });

  test('is refused when cut, or when it is something else', () => {
    for (const length of [0, 7, 23, 24, 5000, bytes.length - 1]) {
      expect(() => parseFaceModel(bytes.subarray(0, length))).toThrow(ModelError);
    }
    expect(() => parseFaceModel(new Uint8Array(1000))).toThrow(/^Expected a face model \(FACEAAM1\)/);
  });
});

import fc from 'fast-check';
import {
  CLASSES,
  type ClassName,
  type Detection,
  type Mode,
  type Region,
  type RgbImage,
} from '../../src/core/types.ts';
import { type Policy, planRegions } from '../../src/redact/plan.ts';

export const FILL = { r: 201, g: 17, b: 90 } as const;

export const each = <T>(value: T): Record<ClassName, T> => ({ face: value, body: value, plate: value, text: value });

export function policyOf(mode: Mode, grow = 0): Policy {
  return { classes: CLASSES, redact: each(mode), grow: each(grow) };
}

export function detect(
  label: Detection['label'],
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  polygon?: readonly (readonly [number, number])[],
): Detection {
  const base = { label, box: { x1, y1, x2, y2 }, score: 0.9, model: 'test' };
  return polygon === undefined ? base : { ...base, polygon: polygon.map(([x, y]) => ({ x, y })) };
}

/** The one region that a detection gives. */
export function regionOf(detection: Detection, mode: Mode, width: number, height: number, grow = 0): Region {
  const regions = planRegions([detection], policyOf(mode, grow), width, height);
  if (regions.length !== 1) throw new Error(`Expected 1 region but received ${regions.length}`);
  return regions[0] as Region;
}

/** An image whose colours `shade` gives, per pixel and channel. */
export function paint(
  width: number,
  height: number,
  shade: (x: number, y: number, channel: number) => number,
): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3);
    data[i] = shade(pixel % width, Math.floor(pixel / width), i % 3);
  }
  return { data, width, height };
}

/** Uniform numbers 0 ≤ n < 1 from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Independent random bytes: every pixel differs from its neighbours. */
export function noise(width: number, height: number, seed: number): RgbImage {
  const next = random(seed);
  return paint(width, height, () => Math.floor(next() * 256));
}

export const copy = (image: RgbImage): RgbImage => ({ ...image, data: image.data.slice() });

/** The rectangle around (cx, cy) turned by `angle`, as a text detection's outline. */
export function tilted(cx: number, cy: number, w: number, h: number, angle: number): [number, number][] {
  const corners = [
    [-w, -h],
    [w, -h],
    [w, h],
    [-w, h],
  ] as const;
  return corners.map(([u, v]) => [
    cx + (u * Math.cos(angle) - v * Math.sin(angle)) / 2,
    cy + (u * Math.sin(angle) + v * Math.cos(angle)) / 2,
  ]);
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly detection: Detection;
  readonly grow: number;
}

const real = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });

/** One detection of any class, with or without an outline, anywhere in or partly outside an image of 1…90 pixels. */
export const scenes: fc.Arbitrary<Scene> = fc
  .record({ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 90 }) })
  .chain(({ width, height }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      grow: fc.constantFrom(0, 0.1, 0.35),
      detection: fc
        .record({
          label: fc.constantFrom(...CLASSES),
          cx: real(-5, width + 5),
          cy: real(-5, height + 5),
          w: real(0.5, 1.5 * width + 10),
          h: real(0.5, 1.5 * height + 10),
          angle: fc.option(real(-Math.PI, Math.PI)),
        })
        .map(({ label, cx, cy, w, h, angle }) =>
          detect(
            label,
            [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2],
            angle === null || label === 'face' || label === 'body' ? undefined : tilted(cx, cy, w, h, angle),
          ),
        ),
    }),
  );

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEmptyBox } from '../../src/core/geometry.ts';
import type { Box, ClassName } from '../../src/core/types.ts';
import { Outputs, type RawDetection } from '../../src/detect/decoder.ts';
import { decodePerClassBox } from '../../src/detect/families/per-class-box.ts';
import { nms } from '../../src/detect/nms.ts';
import { ModelError } from '../../src/errors.ts';
import { PER_CLASS_BOX_CLASSES } from '../../src/models/families.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { type Found, predictions } from './tiny-networks.ts';

const WIDTH = 256;
const HEIGHT = 160;
const everything = { face: 0.05, body: 0.05, plate: 0.05 };

function decode(tensor: ReturnType<typeof predictions>, keep = everything as Partial<typeof everything>) {
  const outputs = new Outputs('m', new Map([['predictions', tensor]]));
  return decodePerClassBox(outputs, { width: WIDTH, height: HEIGHT, keep });
}

/** A box by its centre, which lies in the picture. */
const around = (cx: number, cy: number, w: number, h: number): Box => ({
  x1: cx - w / 2,
  y1: cy - h / 2,
  x2: cx + w / 2,
  y2: cy + h / 2,
});

const found: fc.Arbitrary<Found> = fc
  .record({
    label: fc.constantFrom(...PER_CLASS_BOX_CLASSES),
    cx: fc.double({ min: 0, max: WIDTH - 1, noNaN: true }),
    cy: fc.double({ min: 0, max: HEIGHT - 1, noNaN: true }),
    w: fc.double({ min: 1, max: 1000, noNaN: true }),
    h: fc.double({ min: 1, max: 1000, noNaN: true }),
    score: fc.double({ min: 0.1, max: 1, noNaN: true }),
    stride: fc.constantFrom(8 as const, 16 as const, 32 as const),
  })
  .map(({ label, cx, cy, w, h, score, stride }) => ({ label, box: around(cx, cy, w, h), score, stride }));
/** Where an object is encoded: two of them would overwrite each other. */
const placeOf = ({ label, box, stride }: Found): string =>
  `${label} ${stride} ${Math.floor((box.x1 + box.x2) / 2 / stride)} ${Math.floor((box.y1 + box.y2) / 2 / stride)}`;
const scene = fc.uniqueArray(found, { selector: placeOf, maxLength: 12 });

function expectSame(decoded: readonly RawDetection[], encoded: readonly Found[]): void {
  expect(decoded).toHaveLength(encoded.length);
  for (const { label, box, score } of encoded) {
    const twin = decoded.find(
      (d) =>
        d.label === label &&
        Math.abs(d.score - score) < 1e-6 &&
        (['x1', 'y1', 'x2', 'y2'] as const).every((side) => Math.abs(d.box[side] - box[side]) < 0.01),
    );
    expect(twin, `${label} ${JSON.stringify(box)}`).toBeDefined();
  }
}

describe('decodePerClassBox', () => {
  it('gives back any objects, of all strides, as they were encoded', () => {
    fc.assert(fc.property(scene, (objects) => expectSame(decode(predictions(objects, WIDTH, HEIGHT)), objects)));
  });

  it('reads the classes that are wanted, and no other', () => {
    const wanted = fc.subarray([...PER_CLASS_BOX_CLASSES]);
    fc.assert(
      fc.property(scene, wanted, (objects, classes) => {
        const keep = Object.fromEntries(classes.map((cls) => [cls, 0.05]));
        const expected = objects.filter(({ label }) => (classes as ClassName[]).includes(label));
        expectSame(decode(predictions(objects, WIDTH, HEIGHT), keep), expected);
      }),
    );
  });

  it('finds objects of several classes in one cell, which stay apart', () => {
    const box = around(100, 60, 40, 40);
    const objects = PER_CLASS_BOX_CLASSES.map((label): Found => ({ label, box, score: 0.9, stride: 16 }));
    const kept = nms(decode(predictions(objects, WIDTH, HEIGHT)));
    expect(kept.map((d) => d.label).sort()).toEqual(['body', 'face', 'plate']);
  });
});

describe('a box of absurd numbers', () => {
  const good: readonly Found[] = [
    { label: 'face', box: around(40, 40, 20, 24), score: 0.8, stride: 8 },
    { label: 'body', box: around(130, 80, 60, 120), score: 0.9, stride: 16 },
    { label: 'plate', box: around(200, 120, 50, 16), score: 0.7, stride: 32 },
  ];
  const policy = {
    classes: PER_CLASS_BOX_CLASSES,
    redact: { face: 'blur', body: 'blur', plate: 'blur', text: 'blur' },
    grow: { face: 0.1, body: 0.1, plate: 0.1, text: 0.1 },
  } as const;

  const huge = 3.4e38;
  const absurd: readonly (readonly [string, readonly number[], number])[] = [
    ['a width whose exponential overflows', [0.5, 0.5, 1000, 0], 1],
    ['both sides beyond any number', [0.5, 0.5, huge, huge], 1],
    ['a side of nothing', [0.5, 0.5, -huge, 0], 0],
    ['a place out of this world', [huge, -huge, 0, 0], 0],
    ['no shape at all', [huge, huge, -huge, huge], 0],
  ];

  // A cell that holds none of the good ones.
  const CELL = 300;
  it.each(
    absurd.flatMap(([name, values, regions]) =>
      PER_CLASS_BOX_CLASSES.map((cls) => [name, cls, values, regions] as const),
    ),
  )('%s (%s) is finite, and leaves the others as they are', (_, cls, values, regions) => {
    const tensor = predictions(good, WIDTH, HEIGHT);
    tensor.data.set([...values, 0.99], CELL * 15 + PER_CLASS_BOX_CLASSES.indexOf(cls) * 5);
    const decoded = nms(decode(tensor));
    for (const { box } of decoded) {
      expect(Object.values(box).every(Number.isFinite)).toBe(true);
      expect(isEmptyBox(box)).toBe(false);
    }
    expectSame(
      decoded.filter((d) => d.score < 0.95),
      good,
    );
    const planned = planRegions(
      decoded.map((d) => ({ ...d, model: 'm' })),
      policy,
      WIDTH,
      HEIGHT,
    );
    // What is larger than the picture redacts all of it rather than nothing.
    expect(planned).toHaveLength(good.length + regions);
  });

  it.each([Number.NaN, Infinity, -Infinity])('%d ends the run: such a network cannot be trusted', (bad) => {
    for (const at of [0, 2, 4]) {
      const tensor = predictions(good, WIDTH, HEIGHT);
      tensor.data[CELL * 15 + at] = bad;
      expect(() => decode(tensor)).toThrow(ModelError);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { byAttribute } from '../../src/eval/attributes.ts';
import { byHeight, bySource, type ImageRecord, measureImages, measureObjects } from '../../src/eval/groups.ts';

type Made = readonly [attributes: Record<string, string>, covered: boolean, height?: number];

function record(objects: readonly Made[], more: Partial<ImageRecord> = {}): ImageRecord {
  return {
    source: 'made-up',
    objects: objects.map(([attributes, covered, height = 20]) => ({
      attributes,
      height,
      area: 100,
      coverage: covered ? 0.95 : 0.5,
      anyCoverage: 1,
      found: covered,
    })),
    detections: { counted: 0, right: 0 },
    background: 0,
    margin: { pixels: 0, redacted: 0 },
    redacted: 0,
    ...more,
  };
}

/** Photographs with one object of each value, `covered` of them covered. */
function skin(counts: Readonly<Record<string, readonly [images: number, covered: number]>>): ImageRecord[] {
  return Object.entries(counts).flatMap(([value, [images, covered]]) =>
    Array.from({ length: images }, (_, i) => record([[{ skin: value }, i < covered]])),
  );
}

describe('gaps', () => {
  it.each<[string, ImageRecord[], object]>([
    [
      'a large difference',
      skin({ I: [200, 180], VI: [200, 120] }),
      { verdict: 'gap', best: 'I', worst: 'VI', difference: expect.closeTo(0.3) },
    ],
    ['none in many', skin({ I: [2000, 1800], VI: [2000, 1790] }), { verdict: 'no gap shown', best: 'I', worst: 'VI' }],
    ['an interval too wide', skin({ I: [40, 32], VI: [40, 28] }), { verdict: 'too few to conclude', best: 'I' }],
    ['29 objects', skin({ I: [2000, 2000], VI: [29, 1] }), { verdict: 'too few to conclude' }],
    ['a single value', skin({ I: [2000, 1800] }), { verdict: 'too few to conclude' }],
    [
      'unknown values',
      skin({ I: [200, 180], 'Not Sure': [200, 20], unknown: [200, 10], none: [200, 0], '': [200, 0] }),
      { verdict: 'too few to conclude' },
    ],
    [
      'many objects in few photographs',
      [record(Array.from({ length: 50 }, () => [{ skin: 'VI' }, false] as const)), ...skin({ I: [200, 180] })],
      { verdict: 'too few to conclude' },
    ],
    [
      // 0.80 against 0.90 of 200 each: shown for one pair, not for the best of six values.
      'chance among many values',
      skin({ a: [200, 180], b: [200, 170], c: [200, 170], d: [200, 170], e: [200, 170], f: [200, 160] }),
      { verdict: 'too few to conclude', best: 'a', worst: 'f' },
    ],
    ['the same two alone', skin({ a: [200, 180], f: [200, 160] }), { verdict: 'gap', best: 'a', worst: 'f' }],
  ])('%s', (_, images, expected) => {
    const [attribute] = byAttribute(images).byAttribute;
    expect(attribute?.name).toBe('skin');
    expect(attribute?.gap).toMatchObject(expected);
  });

  it('lists unknown values all the same', () => {
    const { byAttribute: reports } = byAttribute(skin({ I: [3, 3], 'Not Sure': [5, 2] }));
    expect(reports[0]?.groups.map((g) => [g.name, g.objects, g.cover90.hits])).toEqual([
      ['Not Sure', 5, 2],
      ['I', 3, 3],
    ]);
  });

  it('counts objects of one photograph as alike', () => {
    // The same 90 % and 60 %, but whole photographs are covered or not: 20 of them instead of 200.
    const grouped = (value: string, covered: number): ImageRecord[] =>
      Array.from({ length: 20 }, (_, i) =>
        record(Array.from({ length: 10 }, () => [{ skin: value }, i < covered] as const)),
      );
    const [attribute] = byAttribute([...grouped('I', 18), ...grouped('VI', 14)]).byAttribute;
    expect(attribute?.groups.map((g) => g.objects)).toEqual([200, 200]);
    expect(attribute?.gap.verdict).toBe('too few to conclude');
  });
});

it('leaves out numbers and names, and says so', () => {
  const images = Array.from({ length: 13 }, (_, i) =>
    record([[{ year: `${1990 + i}`, name: `n${i}`, kind: 'a' }, true]]),
  );
  const { byAttribute: reports, skippedAttributes } = byAttribute(images);
  expect(reports.map((r) => r.name)).toEqual(['kind']);
  expect(skippedAttributes).toEqual([
    { name: 'name', reason: '13 values, more than 12' },
    { name: 'year', reason: 'its values are numbers' },
  ]);
});

it.each([
  [0, '< 16 px'],
  [15.99, '< 16 px'],
  [16, '16–32 px'],
  [32, '32–96 px'],
  [95.9, '32–96 px'],
  [96, '≥ 96 px'],
  [1e9, '≥ 96 px'],
])('%d px belong to %s', (height, name) => {
  expect(
    byHeight([record([[{}, true, height]])])
      .filter((g) => g.objects > 0)
      .map((g) => g.name),
  ).toEqual([name]);
});

it('pools background and precision over photographs, by source', () => {
  const images = [
    record([], {
      source: 'b',
      background: 1000,
      redacted: 100,
      detections: { counted: 4, right: 3 },
      margin: { pixels: 1000, redacted: 500 },
    }),
    record([[{}, true]], { source: 'a', background: 9000, redacted: 0 }),
  ];
  expect(measureImages(images)).toMatchObject({
    background: 100 / 10_000,
    unlabelled: 600 / 11_000,
    precision: { value: 0.75 },
  });
  expect(bySource(images)).toMatchObject([
    { name: 'a', objects: 1, background: 0, precision: { value: null } },
    { name: 'b', objects: 0, background: 0.1, cover90: { value: null } },
  ]);
});

it('says nothing about no objects', () => {
  expect(measureObjects([])).toMatchObject({
    objects: 0,
    images: 0,
    meanCoverage: null,
    medianHeight: null,
    cover90: { value: null, low: null, high: null },
  });
});

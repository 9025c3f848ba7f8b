import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundingBox,
  boxCorners,
  clockwise,
  iou,
  polygonArea,
  rectCorners,
  sharedArea,
  unite,
} from '../../src/core/geometry.ts';
import type { Box, Detection, Label } from '../../src/core/types.ts';
import { average, fuse as fuseSightings, type Sightings } from '../../src/detect/fuse.ts';
import { SAME_OBJECT, type SameObject } from '../../src/detect/nms.ts';

const everyLabel = (iou: number): SameObject => ({ face: iou, body: iou, plate: iou, text: iou, vehicle: iou });
const SAME = everyLabel(0.5);

function seen(score: number, [x1, y1, x2, y2]: readonly number[], label: Label = 'face'): Detection {
  return { label, model: 'm', score, box: { x1, y1, x2, y2 } as Box };
}

/** A line of text, `angle` in degrees. */
function line(score: number, cx: number, cy: number, width: number, height: number, angle = 0): Detection {
  const polygon = rectCorners({ cx, cy, width, height, angle: (angle * Math.PI) / 180 });
  return { label: 'text', model: 'ocr', score, polygon, box: boundingBox(polygon) };
}

/** Of sightings that no border has cut. */
const fuse = (whole: readonly Detection[], same: SameObject): Detection[] => fuseSightings({ whole, cut: [] }, same);

const boxOf = ({ box: { x1, y1, x2, y2 } }: Detection): number[] => [x1, y1, x2, y2];
const listed = (found: readonly Detection[]): unknown[] => found.map((d) => [d.label, d.score, ...boxOf(d)]);
const nearly = (rows: readonly unknown[]): unknown[] =>
  rows.map((row) => (row as unknown[]).map((v) => (typeof v === 'number' ? expect.closeTo(v, 9) : v)));
const holds = (outer: Box, inner: Box): boolean =>
  inner.x1 >= outer.x1 - 1e-6 &&
  inner.y1 >= outer.y1 - 1e-6 &&
  inner.x2 <= outer.x2 + 1e-6 &&
  inner.y2 <= outer.y2 + 1e-6;

describe('fuse keeps one box per object, halfway between the mean and the outermost of what was seen of it', () => {
  it.each<[string, Detection[], unknown[]]>([
    ['nothing', [], []],
    ['one sighting', [seen(0.4, [1, 2, 3, 4])], [['face', 0.4, 1, 2, 3, 4]]],
    [
      'sightings at two scales',
      [seen(0.6, [12, 8, 110, 108]), seen(0.9, [10, 10, 100, 100])],
      [['face', 0.9, 10.4, 8.6, 107, 105.6]],
    ],
    [
      'a faint sighting that would only blow the box up',
      [seen(0.9, [10, 10, 100, 100]), seen(0.44, [0, 0, 110, 110])],
      [['face', 0.9, 10, 10, 100, 100]],
    ],
    [
      'a sighting of just half the score',
      [seen(0.8, [10, 10, 100, 100]), seen(0.4, [0, 0, 110, 110])],
      [['face', 0.8, 10 / 3, 10 / 3, 320 / 3, 320 / 3]],
    ],
    [
      'a small face inside the box of a large one',
      [seen(0.9, [0, 0, 100, 100]), seen(0.5, [40, 40, 60, 60])],
      [
        ['face', 0.9, 0, 0, 100, 100],
        ['face', 0.5, 40, 40, 60, 60],
      ],
    ],
    [
      'neighbours that overlap a little',
      [seen(0.9, [0, 0, 100, 100]), seen(0.8, [60, 0, 160, 100])],
      [
        ['face', 0.9, 0, 0, 100, 100],
        ['face', 0.8, 60, 0, 160, 100],
      ],
    ],
    [
      'the same place under two labels',
      [seen(0.9, [0, 0, 100, 100], 'body'), seen(0.8, [0, 0, 101, 100], 'vehicle')],
      [
        ['body', 0.9, 0, 0, 100, 100],
        ['vehicle', 0.8, 0, 0, 101, 100],
      ],
    ],
    [
      'an overlap of exactly the limit: two objects',
      [seen(0.9, [0, 0, 100, 100]), seen(0.8, [0, 0, 100, 50])],
      [
        ['face', 0.9, 0, 0, 100, 100],
        ['face', 0.8, 0, 0, 100, 50],
      ],
    ],
    [
      'a chain: likeness counts towards the best sighting, so the box cannot creep on and on',
      [seen(0.9, [0, 0, 100, 100]), seen(0.8, [30, 0, 130, 100]), seen(0.7, [40, 0, 140, 100])],
      [
        ['face', 0.9, 120 / 17, 0, 2075 / 17, 100],
        ['face', 0.7, 40, 0, 140, 100],
      ],
    ],
    ['an empty box twice', [seen(0.5, [5, 5, 5, 5])], [['face', 0.5, 5, 5, 5, 5]]],
  ])('%s', (_, sightings, expected) => {
    expect(listed(fuse(sightings, SAME))).toEqual(nearly(expected));
  });

  // Few distinct places and scores, so that overlaps and ties are common.
  const sighting: fc.Arbitrary<Detection> = fc
    .record({
      label: fc.constantFrom<Label>('face', 'body', 'text'),
      x1: fc.integer({ min: 0, max: 8 }),
      y1: fc.integer({ min: 0, max: 8 }),
      w: fc.integer({ min: 1, max: 8 }),
      h: fc.integer({ min: 1, max: 8 }),
      score: fc.integer({ min: 1, max: 8 }).map((n) => n / 8),
    })
    .map(({ label, x1, y1, w, h, score }) => seen(score, [x1, y1, x1 + w, y1 + h], label));
  const text = fc
    .record({
      cx: fc.integer({ min: 0, max: 60 }),
      cy: fc.integer({ min: 0, max: 60 }),
      width: fc.integer({ min: 10, max: 60 }),
      height: fc.integer({ min: 4, max: 12 }),
      // Not ± the same angle, which would give two outlines of one score in one box.
      angle: fc.integer({ min: 0, max: 44 }),
      score: fc.integer({ min: 1, max: 8 }).map((n) => n / 8),
    })
    .map(({ cx, cy, width, height, angle, score }) => line(score, cx, cy, width, height, angle));
  const sightings = fc.array(fc.oneof(sighting, text), { maxLength: 24 });
  const limit = fc.constantFrom(0.3, 0.45, 0.5, 0.7).map(everyLabel);

  it('gives the same for every order, and leaves its argument as it was', () => {
    const shuffled = sightings.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, limit, ([all, other], limit) => {
        const before = structuredClone(all);
        expect(fuse(other, limit)).toEqual(fuse(all, limit));
        expect(all).toEqual(before);
      }),
    );
  });

  it('mixes no labels and invents no scores: best first, each the score of a sighting', () => {
    fc.assert(
      fc.property(sightings, limit, (all, limit) => {
        const fused = fuse(all, limit);
        expect(fused.length).toBeLessThanOrEqual(all.length);
        for (const [i, f] of fused.entries()) {
          expect(all.some((s) => s.label === f.label && s.score === f.score && iou(f.box, s.box) > 0)).toBe(true);
          if (i > 0) expect(f.score).toBeLessThanOrEqual(fused[i - 1]?.score as number);
        }
        const labels = (some: readonly Detection[]) => [...new Set(some.map((d) => d.label))].sort();
        expect(labels(fused)).toEqual(labels(all));
      }),
    );
  });

  it('gives one box for each of several objects, inside all that was seen of it and around the mean', () => {
    const jitter = fc.integer({ min: -8, max: 8 });
    const looks = fc.array(fc.tuple(jitter, jitter, jitter, jitter, fc.integer({ min: 50, max: 100 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(looks, { minLength: 1, maxLength: 5 }), (objects) => {
        const seenOf = objects.map((looks, i) =>
          looks.map(([a, b, c, d, score]) => seen(score / 100, [i * 150 + a, b, i * 150 + 100 + c, 100 + d])),
        );
        const fused = fuse(seenOf.flat(), SAME);
        expect(fused.length).toBe(objects.length);
        for (const sightings of seenOf) {
          const hull = sightings.map(({ box }) => box).reduce(unite);
          const weight = sightings.reduce((sum, { score }) => sum + score, 0);
          const mean = (side: keyof Box): number =>
            sightings.reduce((sum, { box, score }) => sum + score * box[side], 0) / weight;
          const middle = { x1: mean('x1'), y1: mean('y1'), x2: mean('x2'), y2: mean('y2') };
          expect(fused.filter(({ box }) => holds(hull, box) && holds(box, middle))).toHaveLength(1);
        }
      }),
    );
  });
});

describe('fuse with outlines of text', () => {
  it('tells crossing lines apart though their boxes are alike', () => {
    const falling = line(0.9, 100, 100, 100, 12, 45);
    const rising = line(0.8, 100, 100, 100, 12, -45);
    expect(boxOf(falling).map(Math.round)).toEqual(boxOf(rising).map(Math.round));
    expect(fuse([falling, rising], SAME)).toEqual([falling, rising]);
  });

  it.each([0, 20, -35, 90])('widens a line at %i° along itself, not to its axis-aligned box', (angle) => {
    const radians = (angle * Math.PI) / 180;
    const moved = line(0.7, 200 + 30 * Math.cos(radians), 200 + 30 * Math.sin(radians), 120, 20, angle);
    const [fused, ...others] = fuse([line(0.9, 200, 200, 120, 20, angle), moved], SAME);
    expect(others).toEqual([]);
    expect(fused).toMatchObject({ label: 'text', score: 0.9, model: 'ocr' });
    const polygon = fused?.polygon ?? [];
    expect(polygon).toHaveLength(4);
    expect(polygonArea(polygon)).toBeCloseTo(150 * 20, 6);
    expect(polygon).toEqual(clockwise(polygon));
    for (const [i, value] of boxOf(fused as Detection).entries()) {
      expect(value).toBeCloseTo(Object.values(boundingBox(polygon))[i] as number, 9);
    }
    expect(sharedArea(moved.polygon ?? [], polygon)).toBeCloseTo(120 * 20, 6);
  });

  it('joins an outline with a plain box', () => {
    const box = { ...seen(0.6, [90, 88, 210, 112]), label: 'text' as const };
    const [fused, ...others] = fuse([line(0.9, 150, 100, 110, 20), box], SAME);
    expect(others).toEqual([]);
    expect(sharedArea(boxCorners(box.box), fused?.polygon ?? [])).toBeCloseTo(120 * 24, 6);
  });

  it('takes an outline that was listed anticlockwise', () => {
    const backwards = line(0.8, 100, 100, 100, 20, 30);
    const reversed = { ...backwards, polygon: backwards.polygon?.toReversed() ?? [] };
    expect(fuse([line(0.9, 100, 100, 100, 20, 30), reversed], SAME)).toHaveLength(1);
  });

  it.each<[string, Detection, boolean]>([
    ['a word inside it', line(0.85, 110, 100, 40, 18), false],
    ['a word as certain as the line', line(0.9, 110, 100, 40, 18), false],
    // The line may end up below the least redacted score, and the word would stay readable with it.
    ['a word that is more certain', line(0.95, 110, 100, 40, 18), true],
    ['a word that sticks out a little', line(0.85, 67, 100, 40, 18), false],
    ['a word that sticks out more', line(0.85, 57, 100, 20, 18), true],
    ['a word that half sticks out', line(0.85, 50, 100, 20, 18), true],
    ['a word below it', line(0.85, 110, 130, 40, 18), true],
    ['a line that crosses it', line(0.85, 100, 100, 60, 8, 90), true],
  ])('a line of text and %s', (_, word, kept) => {
    // 100 × 20 around (100, 100).
    const whole = line(0.9, 100, 100, 100, 20);
    const fused = fuse([word, whole], SAME);
    expect(new Set(fused)).toEqual(new Set(kept ? [whole, word] : [whole]));
    expect(fused).toHaveLength(kept ? 2 : 1);
  });

  it('keeps the box of a line at an angle from hiding the text beside it', () => {
    const diagonal = line(0.9, 100, 100, 140, 14, 45);
    const beside = line(0.8, 125, 68, 20, 10);
    expect(holds(diagonal.box, beside.box)).toBe(true);
    expect(fuse([diagonal, beside], SAME)).toEqual([diagonal, beside]);
  });

  it('drops what lies inside for text only', () => {
    const inner = seen(0.5, [40, 40, 60, 60], 'body');
    expect(fuse([seen(0.9, [0, 0, 100, 100], 'body'), inner], SAME)).toHaveLength(2);
    expect(fuse([seen(0.9, [0, 0, 100, 100], 'text'), inner], SAME)).toHaveLength(2);
  });
});

describe('fuse with what a border between tiles has cut', () => {
  const face = seen(0.6, [0, 0, 100, 100]);
  const whole = ['face', 0.6, 0, 0, 100, 100];

  it.each<[string, Detection[], unknown[]]>([
    ['within what was found whole', [seen(0.5, [50, 0, 100, 100])], [whole]],
    ['as certain as the whole', [seen(0.6, [50, 0, 100, 100])], [whole]],
    // Otherwise what was found whole may end up below the least redacted score, and the part with it.
    ['more certain than the whole', [seen(0.61, [50, 0, 100, 100])], [['face', 0.61, 0, 0, 100, 100]]],
    ['twice as certain', [seen(1.3, [50, 0, 100, 100])], [['face', 1.3, 50, 0, 100, 100], whole]],
    ['seven tenths inside: widens it', [seen(0.5, [30, 0, 130, 100])], [['face', 0.6, 0, 0, 130, 100]]],
    ['just half as certain: widens it', [seen(0.3, [30, 0, 130, 100])], [['face', 0.6, 0, 0, 130, 100]]],
    ['fainter than that', [seen(0.29, [30, 0, 130, 100])], [whole]],
    ['less than seven tenths inside', [seen(0.5, [31, 0, 131, 100])], [whole, ['face', 0.5, 31, 0, 131, 100]]],
    ['somewhere else', [seen(0.3, [300, 0, 350, 100])], [whole, ['face', 0.3, 300, 0, 350, 100]]],
    ['of another label', [seen(0.5, [50, 0, 100, 100], 'body')], [whole, ['body', 0.5, 50, 0, 100, 100]]],
    ['larger than the whole', [seen(0.5, [0, 0, 100, 300])], [whole, ['face', 0.5, 0, 0, 100, 300]]],
    [
      'next to another part that has widened the whole',
      [seen(0.4, [60, 0, 150, 100]), seen(0.5, [30, 0, 130, 100])],
      [['face', 0.6, 0, 0, 150, 100]],
    ],
    [
      'seen in two tiles of which none shows all of it',
      [seen(0.5, [220, 0, 310, 100]), seen(0.55, [200, 0, 300, 100])],
      [whole, ['face', 0.55, 200, 0, 310, 100]],
    ],
  ])('a part that is %s', (_, cut, expected) => {
    expect(listed(fuseSightings({ whole: [face], cut }, SAME))).toEqual(expected);
  });

  it('takes the outline of a line, not its box', () => {
    const diagonal = line(0.9, 100, 100, 140, 14, 45);
    const beside = line(0.8, 125, 68, 20, 10);
    expect(fuseSightings({ whole: [diagonal], cut: [beside] }, SAME)).toEqual([diagonal, beside]);
  });

  it('lists parts alone where nothing was found whole', () => {
    const part = seen(0.4, [50, 0, 100, 100]);
    expect(fuseSightings({ whole: [], cut: [part] }, SAME)).toEqual([part]);
    expect(fuseSightings({ whole: [], cut: [] }, SAME)).toEqual([]);
  });

  const few = fc.array(
    fc
      .record({
        label: fc.constantFrom<Label>('face', 'body'),
        x1: fc.integer({ min: 0, max: 6 }),
        y1: fc.integer({ min: 0, max: 2 }),
        w: fc.integer({ min: 1, max: 8 }),
        h: fc.integer({ min: 1, max: 3 }),
        score: fc.integer({ min: 1, max: 8 }).map((n) => n / 8),
      })
      .map(({ label, x1, y1, w, h, score }) => seen(score, [x1, y1, x1 + w, y1 + h], label)),
    { maxLength: 10 },
  );

  it('covers every part with something at least as certain, all of it unless it is faint', () => {
    fc.assert(
      fc.property(few, few, (whole, cut) => {
        const fused = fuseSightings({ whole, cut }, SAME);
        for (const part of cut) {
          const over = fused.filter((f) => f.label === part.label && f.score >= part.score);
          const isFaint = over.some((f) => part.score < f.score / 2);
          expect(isFaint || over.some((f) => holds(f.box, part.box))).toBe(true);
        }
      }),
    );
  });

  it('takes nothing away from what was found whole', () => {
    fc.assert(
      fc.property(few, few, (whole, cut) => {
        const fused = fuseSightings({ whole, cut }, SAME);
        for (const d of fuse(whole, SAME)) {
          expect(fused.some((f) => f.label === d.label && f.score >= d.score && holds(f.box, d.box))).toBe(true);
        }
      }),
    );
  });

  it('gives the same for every order, and leaves its argument as it was', () => {
    const shuffled = fc
      .tuple(few, few)
      .chain(([whole, cut]) =>
        fc.tuple(
          fc.constant<Sightings>({ whole, cut }),
          fc.shuffledSubarray(whole, { minLength: whole.length }),
          fc.shuffledSubarray(cut, { minLength: cut.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([sightings, whole, cut]) => {
        const before = structuredClone(sightings);
        expect(fuseSightings({ whole, cut }, SAME)).toEqual(fuseSightings(sightings, SAME));
        expect(sightings).toEqual(before);
      }),
    );
  });
});

it('takes two sightings for one by the overlap that is usual for their label', () => {
  // IoU 0.54: two people in a crowd, but one face.
  const twice = (label: Label): Detection[] => [
    seen(0.9, [0, 0, 100, 100], label),
    seen(0.8, [30, 0, 130, 100], label),
  ];
  const labels = (found: readonly Detection[]): string[] => found.map((d) => d.label).sort();
  const all = (['face', 'plate', 'text', 'body', 'vehicle'] as const).flatMap(twice);
  const expected = ['body', 'body', 'face', 'plate', 'text', 'vehicle', 'vehicle'];
  expect(labels(fuse(all, SAME_OBJECT))).toEqual(expected);
  const [first, second] = [0, 1].map((i) => all.filter((_, at) => at % 2 === i));
  expect(labels(average(first as Detection[], second as Detection[]))).toEqual(expected);
});

describe('average', () => {
  it.each<[string, Detection[], Detection[], unknown[]]>([
    ['nothing on either side', [], [], []],
    [
      'seen by both: the mean score, halfway between the mean and the outermost box',
      [seen(0.9, [10, 10, 100, 100])],
      [seen(0.5, [12, 8, 104, 98])],
      [['face', 0.7, 145 / 14, 121 / 14, 1438 / 14, 1395 / 14]],
    ],
    ['seen in the image alone: half', [seen(0.9, [10, 10, 100, 100])], [], [['face', 0.45, 10, 10, 100, 100]]],
    ['seen in the mirror alone: half', [], [seen(0.8, [10, 10, 100, 100])], [['face', 0.4, 10, 10, 100, 100]]],
    [
      'unmatched on both sides',
      [seen(0.9, [0, 0, 50, 50])],
      [seen(0.8, [100, 0, 150, 50])],
      [
        ['face', 0.45, 0, 0, 50, 50],
        ['face', 0.4, 100, 0, 150, 50],
      ],
    ],
    [
      'another label in the same place',
      [seen(0.9, [0, 0, 50, 50], 'body')],
      [seen(0.8, [0, 0, 50, 50], 'vehicle')],
      [
        ['body', 0.45, 0, 0, 50, 50],
        ['vehicle', 0.4, 0, 0, 50, 50],
      ],
    ],
    [
      'the closest of two twins, the other left over',
      [seen(0.8, [0, 0, 100, 100])],
      [seen(0.7, [0, 0, 100, 60]), seen(0.5, [0, 0, 100, 96])],
      [
        ['face', 0.65, 0, 0, 100, 1290 / 13],
        ['face', 0.35, 0, 0, 100, 60],
      ],
    ],
    [
      '…whichever is listed first',
      [seen(0.8, [0, 0, 100, 100])],
      [seen(0.5, [0, 0, 100, 96]), seen(0.3, [0, 0, 100, 60])],
      [
        ['face', 0.65, 0, 0, 100, 1290 / 13],
        ['face', 0.15, 0, 0, 100, 60],
      ],
    ],
    [
      'a twin for one alone',
      [seen(0.8, [0, 0, 100, 100]), seen(0.6, [0, 30, 100, 130])],
      [seen(0.8, [0, 0, 100, 104])],
      [
        ['face', 0.8, 0, 0, 100, 103],
        ['face', 0.3, 0, 30, 100, 130],
      ],
    ],
  ])('%s', (_, found, mirrored, expected) => {
    const result = average(found, mirrored, SAME);
    expect(listed(result)).toEqual(nearly(expected));
  });
});

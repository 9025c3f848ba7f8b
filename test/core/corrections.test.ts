import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Correction, certainOf, correct } from '../../src/core/corrections.ts';
import type { ClassName, Detection } from '../../src/core/types.ts';

const box = (x: number, y: number, size: number) => ({ x1: x, y1: y, x2: x + size, y2: y + size });
const found = (label: ClassName, x: number, y: number, size: number, score = 0.9): Detection => ({
  label,
  box: box(x, y, size),
  score,
  model: 'test',
});
const LARGE = found('face', 0, 0, 100);
const SMALL = found('face', 10, 10, 20);
const APART = found('face', 200, 0, 50);
const TEXT: Detection = {
  ...found('text', 300, 0, 100),
  polygon: [
    { x: 300, y: 0 },
    { x: 400, y: 90 },
    { x: 400, y: 100 },
    { x: 300, y: 10 },
  ],
};
const ALL = [LARGE, SMALL, APART, TEXT];

describe('correct', () => {
  it.each<[string, Correction, readonly Detection[]]>([
    ['a point in one', { action: 'remove', class: 'face', target: { at: { x: 210, y: 10 } } }, [LARGE, SMALL, TEXT]],
    ['the inner of two', { action: 'remove', class: 'face', target: { at: { x: 15, y: 15 } } }, [LARGE, APART, TEXT]],
    [
      'the one most like the box',
      { action: 'remove', class: 'face', target: { at: { x: 15, y: 15 }, box: box(0, 0, 90) } },
      [SMALL, APART, TEXT],
    ],
    ['a box alone', { action: 'remove', class: 'face', target: { box: box(205, 0, 50) } }, [LARGE, SMALL, TEXT]],
    ['the left edge', { action: 'remove', class: 'face', target: { at: { x: 200, y: 0 } } }, [LARGE, SMALL, TEXT]],
    ['an outline', { action: 'remove', class: 'text', target: { at: { x: 350, y: 50 } } }, [LARGE, SMALL, APART]],
  ])('removes what is addressed by %s', (_, correction, rest) => {
    const { settled, unmatched, counts } = correct(ALL, [correction]);
    expect(settled).toEqual(rest);
    expect(unmatched).toEqual([]);
    expect(counts).toEqual({ add: 0, remove: 1, change: 0 });
  });

  it.each<Correction>([
    { action: 'remove', class: 'body', target: { at: { x: 210, y: 10 } } },
    { action: 'remove', class: 'face', target: { at: { x: 250, y: 10 } } },
    { action: 'remove', class: 'text', target: { at: { x: 310, y: 90 } } },
    { action: 'remove', class: 'face', target: { box: box(500, 500, 10) } },
    { action: 'change', class: 'face', target: { at: { x: 500, y: 10 } }, region: { box: box(490, 0, 30) } },
  ])('tells of one that addresses nothing and changes nothing: %j', (correction) => {
    const { settled, unmatched } = correct(ALL, [correction]);
    expect(settled).toEqual(ALL);
    expect(unmatched).toEqual([correction]);
  });

  it('a change puts a reviewed region in the place of the detection, and wins over a removal', () => {
    const target = { at: { x: 210, y: 10 } };
    const region = { box: box(190, 0, 70) };
    const { settled, counts } = correct(ALL, [
      { action: 'change', class: 'face', target, region },
      { action: 'remove', class: 'face', target },
    ]);
    expect(settled).toEqual([
      LARGE,
      SMALL,
      TEXT,
      { label: 'face', ...region, score: 1, model: 'review', origin: 'review' },
    ]);
    expect(counts).toEqual({ add: 0, remove: 0, change: 1 });
  });

  it('does not depend on the order, nor on repetitions', () => {
    const corrections: Correction[] = [
      { action: 'add', class: 'face', region: { box: box(5, 5, 30) } },
      { action: 'add', class: 'plate', region: { box: box(50, 50, 30) } },
      { action: 'remove', class: 'face', target: { at: { x: 15, y: 15 } } },
      { action: 'change', class: 'face', target: { at: { x: 90, y: 90 } }, region: { box: box(0, 0, 120) } },
    ];
    const once = correct(ALL, corrections);
    fc.assert(
      fc.property(fc.shuffledSubarray([...corrections, ...corrections], { minLength: 8 }), (shuffled) => {
        expect(correct(ALL, shuffled)).toEqual(once);
      }),
    );
  });
});

it('certainOf keeps what reaches the score of its class, and everything that a person has drawn', () => {
  const drawn: Detection = { ...found('face', 0, 0, 10, 0), origin: 'given' };
  const thresholds = { face: 0.5, body: 0, plate: 0, text: 0.95 };
  expect(certainOf([found('face', 0, 0, 9, 0.5), found('face', 0, 0, 9, 0.49), drawn, TEXT], thresholds)).toEqual([
    found('face', 0, 0, 9, 0.5),
    drawn,
  ]);
});

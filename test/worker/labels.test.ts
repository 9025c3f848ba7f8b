import { describe, expect, it } from 'vitest';
import type { LabelledArea } from '../../src/core/labels.ts';
import type { Box, Detection, Label, Region } from '../../src/core/types.ts';
import { labelledAreas, lossesOf, withoutProtected } from '../../src/worker/labels.ts';
import { processSample } from '../../src/worker/process.ts';
import { photograph } from '../e2e/command.ts';
import { jobWithoutNetworks, networksThatSee } from '../fixtures/without-networks.ts';

const box = (x1: number, y1: number, x2: number, y2: number): Box => ({ x1, y1, x2, y2 });
const dog = (area: Box): LabelledArea => ({ category: 'dog', box: area });
const found = (label: Label, area: Box, more: Partial<Detection> = {}): Detection => ({
  label,
  box: area,
  score: 1,
  model: 'm',
  ...more,
});
const region = (area: Box): Region => ({
  class: 'body',
  box: area,
  shape: 'box',
  core: area,
  mode: 'solid',
  shortSide: 1,
});

describe('labelledAreas', () => {
  it('scales fractions, and leaves pixels alone', () => {
    const areas = [{ category: 'a', box: box(0, 0.5, 0.5, 1), polygon: [{ x: 1, y: 0.5 }] }];
    expect(labelledAreas({ unit: 'fraction', areas }, 200, 100)).toEqual([
      { category: 'a', box: box(0, 50, 100, 100), polygon: [{ x: 200, y: 50 }] },
    ]);
    const pixels = { unit: 'pixel', size: { width: 200, height: 100 }, areas: [dog(box(-5, 0, 10, 10))] } as const;
    expect(labelledAreas(pixels, 200, 100)).toEqual(pixels.areas);
  });

  it.each([
    ['of the picture as it is stored', { width: 100, height: 200 }, box(0, 0, 1, 1), 'labels-not-upright'],
    ['of another picture', { width: 200, height: 101 }, box(0, 0, 1, 1), 'labels-of-another-size'],
    ['beside the picture', undefined, box(200, 0, 210, 10), 'label-outside'],
  ])('refuses labels %s', (_, size, area, reason) => {
    const labels = { unit: 'pixel', areas: [dog(area)], ...(size ? { size } : {}) } as const;
    expect(() => labelledAreas(labels, 200, 100)).toThrow(expect.objectContaining({ reason }));
  });
});

describe('withoutProtected', () => {
  const inside = box(10, 10, 50, 50);
  const areas = [dog(box(0, 0, 60, 60))];

  it.each<[what: string, detection: Detection, categories: string[], exempted: number]>([
    ['a body in it', found('body', inside), ['dog'], 1],
    [
      'text in it',
      found('text', inside, {
        polygon: [
          { x: 10, y: 10 },
          { x: 50, y: 10 },
          { x: 50, y: 50 },
        ],
      }),
      ['dog'],
      1,
    ],
    ['a face in it', found('face', inside), ['dog'], 0],
    ['a body that reaches out of it', found('body', box(10, 10, 90, 50)), ['dog'], 0],
    ['a body in an object of another category', found('body', inside), ['cat'], 0],
    ['what a person added', found('body', inside, { origin: 'review' }), ['dog'], 0],
    ['what a list of boxes says', found('body', inside, { origin: 'given' }), ['dog'], 0],
  ])('%s', (_, detection, categories, exempted) => {
    expect(withoutProtected([detection], areas, categories)).toEqual({
      left: exempted === 1 ? [] : [detection],
      exempted,
    });
  });
});

describe('lossesOf', () => {
  it('is the share of the object’s own pixels within the image that regions cover, counted once', () => {
    const regions = [region(box(0, 0, 10, 10)), region(box(0, 0, 10, 5))];
    const triangle = [
      { x: 0, y: 0 },
      { x: 20, y: 0 },
      { x: 0, y: 20 },
    ];
    const lost = (areas: LabelledArea[]) => lossesOf(areas, regions, 40, 40).map((area) => area.lost);
    expect(lost([dog(box(0, 0, 20, 10)), dog(box(-20, 0, 10, 10)), dog(box(20, 20, 30, 30))])).toEqual([0.5, 1, 0]);
    expect(lost([{ category: 'a', box: box(0, 0, 20, 20), polygon: triangle }])[0]).toBeCloseTo(0.5, 1);
  });
});

describe('a sample with labels', () => {
  // As `networksThatSee` places them: the body fills 0.5, 0.3 to 0.9, 1.
  const labels = {
    unit: 'fraction',
    areas: [dog(box(0.45, 0.25, 0.95, 1)), { category: 'sky', box: box(0, 0.9, 0.3, 1) }],
  } as const;

  it('tells in private what they lost', async () => {
    const outcome = await processSample(await photograph(1, 200), jobWithoutNetworks('solid'), networksThatSee, 0, {
      labels,
    });
    if (outcome.status !== 'verified') throw new Error(outcome.message);
    expect(outcome.labels).toMatchObject([{ category: 'dog' }, { category: 'sky', lost: 0 }]);
    expect(outcome.labels?.[0]?.lost).toBeGreaterThan(0.7);
    expect(outcome.record).not.toHaveProperty('protected');
  });

  it('keeps what is in protected objects and says how often', async () => {
    const job = jobWithoutNetworks('solid', { protectLabels: ['dog'] });
    const outcome = await processSample(await photograph(1, 200), job, networksThatSee, 0, { labels });
    if (outcome.status !== 'verified') throw new Error(outcome.message);
    expect(outcome.record).toMatchObject({ protected: 1, counts: { face: 1, body: 0, plate: 1, text: 1 } });
    expect(outcome.labels?.[0]?.lost).toBeLessThan(0.1);
    expect(outcome.detections.map(({ label }) => label)).toContain('body');
  });

  it('is held back when its labels are of another picture', async () => {
    const wrong = { ...labels, unit: 'pixel', size: { width: 3, height: 4 } } as const;
    expect(
      await processSample(await photograph(1, 200), jobWithoutNetworks('solid'), networksThatSee, 0, { labels: wrong }),
    ).toMatchObject({ status: 'quarantined', reason: 'labels-of-another-size' });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iou } from '../../src/core/geometry.ts';
import type { Box, Label } from '../../src/core/types.ts';
import { nms as nmsByLabel } from '../../src/detect/nms.ts';

interface Candidate {
  readonly label: Label;
  readonly box: Box;
  readonly score: number;
}

// Few distinct places and scores, so that overlaps and ties are common.
const candidate: fc.Arbitrary<Candidate> = fc
  .record({
    label: fc.constantFrom<Label>('face', 'body', 'vehicle'),
    x1: fc.integer({ min: 0, max: 8 }),
    y1: fc.integer({ min: 0, max: 8 }),
    w: fc.integer({ min: 1, max: 8 }),
    h: fc.integer({ min: 1, max: 8 }),
    score: fc.integer({ min: 1, max: 4 }).map((n) => n / 4),
  })
  .map(({ label, x1, y1, w, h, score }) => ({ label, score, box: { x1, y1, x2: x1 + w, y2: y1 + h } }));
const candidates = fc.array(candidate, { maxLength: 40 });
const threshold = fc.constantFrom(0, 0.3, 0.45, 0.6, 1);

/** At one threshold for every label. */
const nms = (all: readonly Candidate[], t: number): Candidate[] =>
  nmsByLabel(all, { face: t, body: t, plate: t, text: t, vehicle: t });

describe('nms', () => {
  it('keeps no two boxes of a label that overlap more than the threshold, best score first', () => {
    fc.assert(
      fc.property(candidates, threshold, (all, threshold) => {
        const kept = nms(all, threshold);
        for (const [i, a] of kept.entries()) {
          expect(all).toContain(a);
          for (const b of kept.slice(i + 1)) {
            expect(a.score).toBeGreaterThanOrEqual(b.score);
            if (a.label === b.label) expect(iou(a.box, b.box)).toBeLessThanOrEqual(threshold);
          }
        }
      }),
    );
  });

  it('drops a box only for one of its own label that scores at least as high', () => {
    fc.assert(
      fc.property(candidates, threshold, (all, threshold) => {
        const kept = nms(all, threshold);
        for (const c of all) {
          if (kept.includes(c)) continue;
          const reasons = kept.filter(
            (k) => k.label === c.label && k.score >= c.score && iou(k.box, c.box) > threshold,
          );
          expect(reasons).not.toEqual([]);
        }
      }),
    );
  });

  it('does not depend on the order of candidates, nor changes it', () => {
    const shuffled = candidates.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, threshold, ([all, other], threshold) => {
        const before = [...all];
        expect(nms(other, threshold)).toEqual(nms(all, threshold));
        expect(all).toEqual(before);
      }),
    );
  });

  it.each([
    { x1: 1, y1: 0, x2: 20, y2: 20 },
    { x1: 0, y1: 1, x2: 20, y2: 20 },
    { x1: 0, y1: 0, x2: 19, y2: 20 },
    { x1: 0, y1: 0, x2: 20, y2: 19 },
  ])('decides between equal scores by place: %j', (box) => {
    const a: Candidate = { label: 'face', score: 0.5, box: { x1: 0, y1: 0, x2: 20, y2: 20 } };
    const b: Candidate = { label: 'face', score: 0.5, box };
    expect(nms([a, b], 0.45)).toHaveLength(1);
    expect(nms([a, b], 0.45)).toEqual(nms([b, a], 0.45));
  });

  it('keeps equal boxes of different labels', () => {
    const box = { x1: 0, y1: 0, x2: 10, y2: 10 };
    const all: Candidate[] = [
      { label: 'body', box, score: 0.9 },
      { label: 'vehicle', box, score: 0.4 },
      { label: 'body', box, score: 0.5 },
    ];
    expect(nms(all, 0.45)).toEqual(all.slice(0, 2));
  });

  it('judges the boxes of each label by its own threshold', () => {
    const boxes = [
      { x1: 0, y1: 0, x2: 100, y2: 100 },
      { x1: 30, y1: 0, x2: 130, y2: 100 },
    ];
    // Their IoU is 0.54.
    const all = (['face', 'body', 'plate', 'vehicle'] as const).flatMap((label) =>
      boxes.map((box, i): Candidate => ({ label, box, score: 0.9 - i / 10 })),
    );
    expect(nmsByLabel(all).map((c) => c.label)).toEqual(['body', 'face', 'plate', 'vehicle', 'body', 'vehicle']);
  });
});

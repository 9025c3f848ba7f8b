import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { polygonArea } from '../../src/core/geometry.ts';
import type { Detection } from '../../src/core/types.ts';
import { SampleError } from '../../src/errors.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { detect, each, policyOf, regionOf, scenes, tilted } from './scenes.ts';

describe('planRegions', () => {
  it('gives each class its shape, grown and rounded outwards', () => {
    expect(regionOf(detect('body', [10.6, 20, 30.2, 60]), 'blur', 100, 100, 0.1)).toEqual({
      class: 'body',
      shape: 'box',
      mode: 'blur',
      core: { x1: 8, y1: 16, x2: 33, y2: 64 },
      box: { x1: 8, y1: 16, x2: 33, y2: 64 },
      shortSide: 25,
    });
    const face = regionOf(detect('face', [40.5, 40, 59.5, 60]), 'blur', 100, 100);
    expect(face).toMatchObject({ shape: 'ellipse', core: { x1: 40, y1: 40, x2: 60, y2: 60 } });
    // Half of 20 times √2 is 14.14 on each side of 50.
    expect(face.box).toEqual({ x1: 35, y1: 35, x2: 65, y2: 65 });
    expect(face.shortSide).toBeCloseTo(20 * Math.SQRT2);
    expect(regionOf(detect('plate', [10, 10, 40, 20]), 'blur', 100, 100)).toMatchObject({
      shape: 'box',
      shortSide: 10,
    });
  });

  it.each([0, 0.3, Math.PI / 4, -1.2])(
    'grows a line of text tilted by %f by a share of its height all round',
    (angle) => {
      const text = detect('text', [0, 0, 1, 1], tilted(100, 100, 80, 20, angle));
      const region = regionOf(text, 'blur', 200, 200, 0.25);
      expect(region.shape).toBe('polygon');
      expect(region.shortSide).toBeCloseTo(30);
      expect(polygonArea(region.polygon ?? [])).toBeCloseTo(90 * 30);
      const upright = (region.polygon ?? []).map(({ x, y }) => [
        (x - 100) * Math.cos(angle) + (y - 100) * Math.sin(angle),
        (y - 100) * Math.cos(angle) - (x - 100) * Math.sin(angle),
      ]);
      for (const [u = 0, v = 0] of upright) {
        expect(Math.abs(u)).toBeCloseTo(45);
        expect(Math.abs(v)).toBeCloseTo(15);
      }
    },
  );

  it('falls back to the box when an outline has no area', () => {
    for (const polygon of [
      [],
      [[5, 5]],
      [
        [5, 5],
        [9, 9],
        [7, 7],
      ],
    ] as [number, number][][]) {
      expect(regionOf(detect('text', [4, 4, 30, 12], polygon), 'blur', 50, 50)).toMatchObject({
        shape: 'box',
        box: { x1: 4, y1: 4, x2: 30, y2: 12 },
      });
    }
  });

  it('redacts no vehicle, no class left out, nothing under mode none', () => {
    const found = [detect('vehicle', [1, 1, 9, 9]), detect('face', [1, 1, 9, 9]), detect('text', [1, 1, 9, 9])];
    const policy = { classes: ['face', 'body'] as const, redact: each('blur' as const), grow: each(0) };
    expect(planRegions(found, policy, 20, 20).map((r) => r.class)).toEqual(['face']);
    expect(planRegions(found, policyOf('none'), 20, 20)).toEqual([]);
  });

  it('clips to the image, to the last row and column', () => {
    const region = regionOf(detect('body', [80.5, -30, 400, 400]), 'solid', 100, 60);
    expect(region.box).toEqual({ x1: 80, y1: 0, x2: 100, y2: 60 });
    expect(region.core).toEqual({ x1: 80, y1: -30, x2: 400, y2: 400 });
  });

  it.each<[string, Detection]>([
    ['beyond the right edge', detect('body', [100, 10, 120, 20])],
    ['above', detect('face', [10, -90, 30, -60])],
    ['without area', detect('body', [10, 10, 10, 30])],
    // Its bounding box overlaps the corner of the image, the line itself does not.
    ['diagonal, past a corner', detect('text', [0, 0, 1, 1], tilted(-6, -6, 40, 4, -Math.PI / 4))],
  ])('drops a region %s', (_, detection) => {
    expect(planRegions([detection], policyOf('blur'), 100, 100)).toEqual([]);
  });

  it.each<[string, Detection, number]>([
    ['NaN', detect('face', [10, Number.NaN, 20, 20]), 0],
    ['infinite', detect('body', [10, 10, Number.POSITIVE_INFINITY, 20]), 0],
    [
      'an outline with NaN',
      detect(
        'text',
        [1, 1, 9, 9],
        [
          [1, 1],
          [9, 1],
          [9, Number.NaN],
        ],
      ),
      0,
    ],
    ['infinite once grown', detect('body', [-1e308, 0, 1e307, 20]), 1],
    ['NaN of a label that is not redacted', detect('vehicle', [Number.NaN, 0, 1, 1]), 0],
    ['a growth that is not a number', detect('face', [1, 1, 9, 9]), Number.NaN],
    ['a negative growth', detect('face', [1, 1, 9, 9]), -0.2],
  ])('refuses %s instead of dropping it', (_, detection, grow) => {
    const act = () => planRegions([detection], policyOf('blur', grow), 100, 100);
    expect(act).toThrow(SampleError);
    expect(act).toThrow(expect.objectContaining({ stage: 'redact', reason: 'invalid-region' }));
  });

  it('puts larger regions first and does not depend on the order of detections', () => {
    const found = [
      detect('face', [40, 40, 50, 50]),
      detect('text', [0, 0, 10, 10]),
      detect('body', [10, 10, 90, 90]),
      detect('plate', [0, 0, 10, 10]),
      detect('text', [20, 0, 30, 10]),
    ];
    const plan = planRegions(found, policyOf('blur'), 100, 100);
    expect(plan.map((r) => r.class)).toEqual(['body', 'face', 'plate', 'text', 'text']);
    fc.assert(
      fc.property(fc.shuffledSubarray(found, { minLength: found.length }), (shuffled) => {
        expect(planRegions(shuffled, policyOf('blur'), 100, 100)).toEqual(plan);
      }),
    );
  });

  it('keeps every box whole, inside the image, and its short side positive', () => {
    fc.assert(
      fc.property(scenes, ({ width, height, detection, grow }) => {
        for (const { box, shortSide } of planRegions([detection], policyOf('blur', grow), width, height)) {
          expect([box.x1, box.y1, box.x2, box.y2].every(Number.isInteger)).toBe(true);
          expect(box.x1).toBeGreaterThanOrEqual(0);
          expect(box.y1).toBeGreaterThanOrEqual(0);
          expect(box.x2).toBeLessThanOrEqual(width);
          expect(box.y2).toBeLessThanOrEqual(height);
          expect(box.x1 < box.x2 && box.y1 < box.y2 && shortSide > 0).toBe(true);
        }
      }),
    );
  });
});

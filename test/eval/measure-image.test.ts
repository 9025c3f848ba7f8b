import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleError } from '../../src/errors.ts';
import { Curve } from '../../src/eval/curve.ts';
import { Levels } from '../../src/eval/levels.ts';
import { type ClassMeasurement, COVERED } from '../../src/eval/measure-image.ts';
import { type Corners, detection, measure, OPERATING, object, photograph, points } from './scenes.ts';

function body(...args: Parameters<typeof measure>): ClassMeasurement {
  const measured = measure(...args).get('body');
  if (!measured) throw new Error('Expected body to be measured');
  return measured;
}

/** Redacted background pixels at the operating threshold. */
function redacted({ backgroundLevels }: ClassMeasurement, levels = new Levels(0.1, OPERATING)): number {
  return backgroundLevels.slice(levels.operating + 1).reduce((sum, n) => sum + n, 0);
}

describe('coverage', () => {
  it.each<[string, Corners, [score: number, ...Corners][], number]>([
    ['no detection', [10, 10, 20, 20], [], 0],
    ['half of it', [10, 10, 20, 20], [[0.9, 10, 10, 20, 15]], 0.5],
    [
      'two that overlap count once',
      [10, 10, 20, 20],
      [
        [0.9, 10, 10, 20, 16],
        [0.8, 10, 14, 20, 18],
      ],
      0.8,
    ],
    [
      'a weaker one below a stronger one',
      [10, 10, 20, 20],
      [
        [0.3, 10, 10, 20, 20],
        [0.9, 10, 10, 20, 14],
      ],
      0.4,
    ],
    ['a score on the threshold', [10, 10, 20, 20], [[0.5, 10, 10, 20, 20]], 1],
    ['a score below it', [10, 10, 20, 20], [[0.4999, 10, 10, 20, 20]], 0],
    ['an object over the border: only what is seen', [-10, 0, 10, 10], [[0.9, 0, 0, 5, 10]], 0.5],
    ['a detection over the border', [90, 90, 110, 110], [[0.9, 80, 80, 150, 150]], 1],
  ])('%s', (_, labelled, detections, expected) => {
    const found = detections.map(([score, ...corners]) => detection('body', corners, score));
    const { objects } = body(photograph([object('body', labelled)]), found);
    expect(objects).toHaveLength(1);
    expect(objects[0]?.coverage).toBeCloseTo(expected, 10);
  });

  it('counts growth', () => {
    const image = photograph([object('body', [10, 10, 30, 30])]);
    const found = [detection('body', [12, 12, 28, 28])];
    expect(body(image, found).objects[0]?.coverage).toBeCloseTo(256 / 400);
    expect(body(image, found, { grow: 0.125 }).objects[0]?.coverage).toBe(1);
  });

  it('measures a polygon by its own pixels', () => {
    const triangle = object('body', [0, 0, 10, 10], { polygon: points([0, 0], [10, 0], [0, 10]) });
    const { objects } = body(photograph([triangle]), [detection('body', [0, 0, 10, 5])]);
    // Row y has 9 − y centres left of the slanted edge.
    expect(objects[0]).toMatchObject({ area: 45, coverage: 35 / 45 });
  });

  it('tells the own class from all classes', () => {
    const image = photograph([object('face', [10, 10, 20, 20])], ['face']);
    const measured = measure(image, [detection('body', [0, 0, 50, 50])]).get('face');
    expect(measured?.objects[0]).toMatchObject({ coverage: 0, anyCoverage: 1, found: false });
  });

  it('measures only classes that are labelled', () => {
    const measured = measure(photograph([], ['body']), [detection('face', [0, 0, 50, 50])]);
    expect([...measured.keys()]).toEqual(['body']);
  });

  it('leaves out objects without a pixel in the image', () => {
    const { objects } = body(photograph([object('body', [200, 0, 210, 10]), object('body', [3, 3, 3.2, 3.2])]), []);
    expect(objects).toEqual([]);
  });
});

describe('background', () => {
  it('is what lies outside every label and its margin', () => {
    // With a quarter of 20 pixels on each side the labels reach to 25 and from 5 to 35.
    const image = photograph([object('body', [0, 0, 20, 20]), object('body', [10, 10, 30, 30])]);
    const measured = body(image, [detection('body', [0, 0, 40, 10])]);
    expect(measured.background).toBe(10_000 - (625 + 900 - 400));
    expect(redacted(measured)).toBe(5 * 15 + 5 * 5);
    // 700 pixels are labelled, of which the region holds 200.
    expect(measured.margin).toEqual({ pixels: 1125 - 700, redacted: 400 - 100 - 200 });
  });

  it('excludes ignored objects, which are no objects either', () => {
    const image = photograph([object('body', [0, 0, 50, 100], { ignore: true })]);
    const measured = body(image, [detection('body', [0, 0, 70, 10])]);
    expect(measured).toMatchObject({ objects: [], ignored: 1, background: 3800, detections: { counted: 0, right: 0 } });
    expect(redacted(measured)).toBe(80);
    expect(measured.margin).toEqual({ pixels: 1200, redacted: 120 });
    expect(measured.regions).toMatchObject([{ area: 700, outside: 80 }]);
  });

  it('keeps the margin of a tilted outline along its sides', () => {
    const polygon = points([50, 30], [70, 50], [50, 70], [30, 50]);
    const { background, margin } = body(photograph([object('body', [30, 30, 70, 70], { polygon })]), []);
    // A square of 800 pixels on its corner, and one of 1.5 times its sides.
    expect(10_000 - background).toBe(1800);
    expect(margin.pixels).toBe(1000);
  });

  it('does not know what another class covers', () => {
    const measured = body(photograph([]), [detection('face', [0, 0, 50, 50])]);
    expect([measured.background, redacted(measured)]).toEqual([10_000, 0]);
  });
});

it('refuses detections that are not finite', () => {
  expect(() => measure(photograph([]), [detection('body', [0, 0, Number.NaN, 5])])).toThrow(SampleError);
});

describe('the curve', () => {
  const corner = fc.integer({ min: -10, max: 50 });
  const size = fc.integer({ min: 1, max: 30 });
  const corners = fc.tuple(corner, corner, size, size).map(([x, y, w, h]): Corners => [x, y, x + w, y + h]);
  const scene = fc.record({
    objects: fc.array(fc.tuple(corners, fc.boolean()), { maxLength: 5 }),
    detections: fc.array(fc.tuple(corners, fc.double({ min: 0.1, max: 1, noNaN: true })), { maxLength: 8 }),
  });

  it('rises as the threshold falls, and meets what is measured at the operating point', () => {
    fc.assert(
      fc.property(fc.array(scene, { minLength: 1, maxLength: 4 }), (scenes) => {
        const levels = new Levels(0.1, OPERATING);
        const curve = new Curve(levels);
        const measured = scenes.map(({ objects, detections }) => {
          const image = photograph(objects.map(([at, ignore]) => object('body', at, { ignore })));
          const own = body(
            image,
            detections.map(([at, score]) => detection('body', at, score)),
            { side: 40, levels },
          );
          curve.add(
            own,
            detections.map(([, score]) => score),
          );
          return own;
        });
        const points = curve.points();
        for (const [i, point] of points.entries()) {
          const before = points[i - 1];
          if (!before) continue;
          expect(point.threshold).toBeLessThan(before.threshold);
          expect(point.cover90 ?? 0).toBeGreaterThanOrEqual(before.cover90 ?? 0);
          expect(point.background ?? 0).toBeGreaterThanOrEqual(before.background ?? 0);
        }
        const operating = points.filter((p) => p.operating);
        expect(operating).toHaveLength(1);
        expect(operating[0]?.threshold).toBe(OPERATING);
        const objects = measured.flatMap((m) => m.objects);
        const covered = objects.filter((o) => o.coverage >= COVERED).length;
        expect(operating[0]?.cover90).toEqual(objects.length > 0 ? covered / objects.length : null);
        const background = measured.reduce((sum, m) => sum + m.background, 0);
        const hidden = measured.reduce((sum, m) => sum + redacted(m, levels), 0);
        expect(operating[0]?.background).toEqual(background > 0 ? hidden / background : null);
      }),
      { numRuns: 60 },
    );
  });

  it('is what separate measurements at its thresholds would give', () => {
    const image = photograph([object('body', [0, 0, 20, 20]), object('body', [40, 40, 60, 60])]);
    const found = [
      detection('body', [0, 0, 20, 20], 0.95),
      detection('body', [40, 40, 60, 50], 0.8),
      detection('body', [40, 50, 60, 60], 0.4),
      detection('body', [70, 0, 100, 100], 0.2),
    ];
    const curve = new Curve(new Levels(0.1, OPERATING));
    curve.add(
      body(image, found),
      found.map((d) => d.score),
    );
    const points = curve.points();
    expect(points.length).toBeLessThanOrEqual(24);
    for (const { threshold, cover90, background } of points) {
      const levels = new Levels(0.1, threshold);
      const single = body(image, found, { levels });
      expect(cover90).toBe(single.objects.filter((o) => o.coverage >= COVERED).length / 2);
      expect(background).toBe(redacted(single, levels) / single.background);
    }
  });
});

it('levels count the thresholds that a score reaches', () => {
  const levels = new Levels(0.1, OPERATING);
  expect(levels.thresholds[levels.operating]).toBe(OPERATING);
  expect(levels.of(0.0999)).toBe(0);
  expect(levels.of(0.1)).toBe(1);
  expect(levels.of(OPERATING)).toBe(levels.operating + 1);
  expect(levels.of(OPERATING - 1e-12)).toBe(levels.operating);
  expect(levels.of(1)).toBe(levels.count);
});

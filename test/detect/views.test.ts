import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box } from '../../src/core/types.ts';
import { isCut, type Pass, planPasses, type View, viewOf, wholeScale } from '../../src/detect/views.ts';
import type { ModelInput, ModelLevel } from '../../src/models/manifest.ts';

/** Documented overlap of neighbouring tiles, pixels of the model. */
const OVERLAP = 64;
/** Most pixels of the model that one pass may cover. */
const MOST_PIXELS = 16e6;
/** Least gain in scale from pass to pass, also where a smaller one would save tiles. */
const LEAST_GAIN = 1.3;

type Looks = Parameters<typeof planPasses>[3];
const plain: Looks = { enlarge: 2, mirror: false };
const tiled = (doublings: number, enlarge: number, more: Partial<Looks> = {}): Looks => ({
  ...plain,
  ...more,
  tiles: { doublings, enlarge, where: 'everywhere' },
});

function inputOf(size: ModelInput['size'], align: ModelInput['align'] = 'top-left', multiple = 32): ModelInput {
  return { size, align, multiple, layout: 'nchw', channels: 'rgb', mean: [0, 0, 0], std: [1, 1, 1], pad: 0 };
}
const square = inputOf({ width: 512, height: 512 });
const wide = inputOf({ width: 640, height: 480 }, 'center');
const dynamic = inputOf({ longSide: 960 });

const sizeOf = ({ letterbox: lb }: View): string =>
  `${lb.contentWidth}×${lb.contentHeight} in ${lb.width}×${lb.height}`;
const summary = (passes: readonly Pass[]): string[] =>
  passes.map(({ kind, views }) => `${kind} ${views.length} ${sizeOf(views[0] as View)}`);

describe('planPasses', () => {
  it.each<[string, number, number, ModelInput, Looks, string[]]>([
    ['one look', 1000, 800, square, plain, ['whole 1 512×410 in 512×512']],
    ['a small image fills a fixed input', 64, 48, square, tiled(3, 2), ['whole 1 512×384 in 512×512']],
    ['…but is enlarged only so far in a dynamic one', 64, 48, dynamic, tiled(3, 2), ['whole 1 128×96 in 128×96']],
    ['a single pixel', 1, 1, dynamic, tiled(3, 2), ['whole 1 2×2 in 32×32']],
    ["the family's long side", 2000, 1000, dynamic, plain, ['whole 1 960×480 in 960×480']],
    ["the level's long side", 2000, 1000, dynamic, { ...plain, longSide: 512 }, ['whole 1 512×256 in 512×256']],
    [
      'a long side means nothing to a fixed input',
      1000,
      800,
      square,
      { ...plain, longSide: 64 },
      ['whole 1 512×410 in 512×512'],
    ],
    [
      'mirror and shrunk looks, before tiles',
      1024,
      1024,
      square,
      tiled(1, 1, { mirror: true, shrink: 0.5 }),
      [
        'whole 1 512×512 in 512×512',
        'mirror 1 512×512 in 512×512',
        'shrunk 1 256×256 in 512×512',
        'tiles 4 511×511 in 512×512',
      ],
    ],
    [
      'a shrunk look in a dynamic input',
      1920,
      1080,
      dynamic,
      { ...plain, shrink: 0.5 },
      ['whole 1 960×540 in 960×544', 'shrunk 1 480×270 in 480×288'],
    ],
    [
      'doubled until there are no more pixels, the last step shorter',
      1792,
      1792,
      square,
      tiled(5, 1),
      ['whole 1 512×512 in 512×512', 'tiles 4 512×512 in 512×512', 'tiles 16 512×512 in 512×512'],
    ],
    [
      'a little smaller where that saves tiles: not quite twice the size',
      4000,
      512,
      square,
      tiled(1, 2),
      ['whole 1 512×66 in 512×512', 'tiles 2 512×115 in 512×512'],
    ],
    [
      'twice the size where it saves none',
      1024,
      1024,
      inputOf({ width: 256, height: 256 }),
      tiled(1, 2),
      ['whole 1 256×256 in 256×256', 'tiles 9 224×224 in 256×256'],
    ],
    ['no step for a gain of less than a third', 640, 640, square, tiled(5, 1), ['whole 1 512×512 in 512×512']],
    [
      'as many doublings as are asked for',
      8000,
      600,
      square,
      tiled(1, 2),
      ['whole 1 512×38 in 512×512', 'tiles 2 512×68 in 512×512'],
    ],
    [
      'tiles in one direction of a strip',
      600,
      12000,
      inputOf({ longSide: 640 }),
      tiled(3, 1),
      [
        'whole 1 32×640 in 32×640',
        'tiles 1 64×1280 in 64×1280',
        'tiles 1 128×2560 in 128×2560',
        'tiles 2 225×2304 in 256×2304',
      ],
    ],
    ['a line of pixels', 1, 5000, dynamic, tiled(1, 1), ['whole 1 1×960 in 32×960', 'tiles 1 1×1920 in 32×1920']],
  ])('%s: %i × %i', (_, width, height, input, looks, expected) => {
    expect(summary(planPasses(width, height, input, looks))).toEqual(expected);
  });

  it('looks only at suspected tiles where the level says so', () => {
    const looks = { ...plain, tiles: { doublings: 2, enlarge: 1, where: 'suspected' as const } };
    expect(planPasses(2048, 2048, square, looks).map((p) => p.onlyWhereSuspected)).toEqual([false, true, true]);
    expect(planPasses(2048, 2048, square, tiled(2, 1)).some((p) => p.onlyWhereSuspected)).toBe(false);
  });

  it('shows the mirror image of the whole, nothing else, mirrored', () => {
    const passes = planPasses(900, 700, wide, tiled(2, 2, { mirror: true, shrink: 0.5 }));
    for (const { kind, views } of passes) expect(views.every((v) => v.mirrored === (kind === 'mirror'))).toBe(true);
    expect(passes[1]?.views).toEqual(passes[0]?.views.map((v) => ({ ...v, mirrored: true })));
  });
});

const side = fc.oneof(fc.integer({ min: 1, max: 12_000 }), fc.constantFrom(1, 2, 511, 512, 513, 65_535));
const input: fc.Arbitrary<ModelInput> = fc.oneof(
  fc
    .record({
      width: fc.integer({ min: 256, max: 1024 }),
      height: fc.integer({ min: 256, max: 1024 }),
      align: fc.constantFrom('top-left' as const, 'center' as const),
    })
    .map(({ width, height, align }) => inputOf({ width, height }, align)),
  fc
    .record({ longSide: fc.integer({ min: 320, max: 1600 }), multiple: fc.constantFrom(16, 32) })
    .map(({ longSide, multiple }) => inputOf({ longSide }, 'top-left', multiple)),
);
const looks: fc.Arbitrary<Looks> = fc.record({
  enlarge: fc.constantFrom(1, 1.25, 2),
  mirror: fc.boolean(),
  shrink: fc.constantFrom(undefined, 0.5, 0.5714),
  tiles: fc.record({
    doublings: fc.integer({ min: 1, max: 5 }),
    enlarge: fc.constantFrom(0.5, 1, 1.6, 2),
    where: fc.constantFrom('everywhere' as const, 'suspected' as const),
  }),
});
const plans = fc.tuple(side, side, input, looks);
const tilesOf = (passes: readonly Pass[]): Pass[] => passes.filter((p) => p.kind === 'tiles');

/** Distinct intervals along one axis, in order. */
function along(views: readonly View[], axis: 'x' | 'y'): (readonly [number, number])[] {
  const byStart = new Map(
    views.map(({ region: r }) => (axis === 'x' ? [r.x1, r.x2] : [r.y1, r.y2])) as [number, number][],
  );
  return [...byStart].sort(([a], [b]) => a - b);
}

describe('the views of every plan', () => {
  it('show whole pixels of the image, inside the network’s input and on its multiples', () => {
    fc.assert(
      fc.property(plans, ([width, height, input, looks]) => {
        for (const { views } of planPasses(width, height, input, looks)) {
          for (const { region, letterbox: lb } of views) {
            expect(Object.values(region).every(Number.isInteger)).toBe(true);
            expect(Math.min(region.x1, region.y1)).toBeGreaterThanOrEqual(0);
            expect([region.x2 <= width, region.y2 <= height]).toEqual([true, true]);
            expect([region.x2 > region.x1, region.y2 > region.y1]).toEqual([true, true]);
            expect(Math.min(lb.left, lb.top)).toBeGreaterThanOrEqual(0);
            expect(Math.min(lb.contentWidth, lb.contentHeight)).toBeGreaterThanOrEqual(1);
            expect(lb.left + lb.contentWidth).toBeLessThanOrEqual(lb.width);
            expect(lb.top + lb.contentHeight).toBeLessThanOrEqual(lb.height);
            if ('width' in input.size) expect({ width: lb.width, height: lb.height }).toEqual(input.size);
            else {
              expect([lb.width % input.multiple, lb.height % input.multiple]).toEqual([0, 0]);
              // A short side that is rounded down to a multiple takes up to half a pixel of it off the long side, too.
              const rounding = 1 + 0.5 / input.multiple;
              expect(lb.width).toBeLessThan(lb.contentWidth * rounding + input.multiple + 1);
              expect(lb.height).toBeLessThan(lb.contentHeight * rounding + input.multiple + 1);
            }
          }
        }
      }),
    );
  });

  it('cover every pixel of the image in every pass', () => {
    fc.assert(
      fc.property(plans, ([width, height, input, looks]) => {
        for (const { views } of planPasses(width, height, input, looks)) {
          const [columns, rows] = [along(views, 'x'), along(views, 'y')];
          // All columns in all rows: it is enough that each axis has no gap.
          expect(views.length).toBe(columns.length * rows.length);
          for (const [intervals, length] of [
            [columns, width],
            [rows, height],
          ] as const) {
            expect(intervals[0]?.[0]).toBe(0);
            expect(intervals.at(-1)?.[1]).toBe(length);
            for (const [i, [from]] of intervals.entries()) {
              if (i > 0) expect(from).toBeLessThanOrEqual(intervals[i - 1]?.[1] as number);
            }
          }
        }
      }),
    );
  });

  it('overlap their neighbours by what is documented, up to rounding to whole pixels', () => {
    fc.assert(
      fc.property(plans, ([width, height, input, looks]) => {
        for (const { views } of tilesOf(planPasses(width, height, input, looks))) {
          for (const axis of ['x', 'y'] as const) {
            const { scaleX, scaleY } = (views[0] as View).letterbox;
            const scale = axis === 'x' ? scaleX : scaleY;
            const intervals = along(views, axis);
            for (const [i, [from]] of intervals.entries()) {
              if (i === 0) continue;
              const shared = ((intervals[i - 1]?.[1] as number) - from) * scale;
              expect(shared).toBeGreaterThanOrEqual(OVERLAP * 0.97 - 3 * scale);
            }
          }
        }
      }),
    );
  });

  it('double from pass to pass, are all of one size, and never exceed `enlarge` in tiles', () => {
    fc.assert(
      fc.property(plans, ([width, height, input, looks]) => {
        let before = wholeScale(width, height, input, looks);
        const passes = tilesOf(planPasses(width, height, input, looks));
        expect(passes.length).toBeLessThanOrEqual(looks.tiles?.doublings ?? 0);
        for (const { views } of passes) {
          expect(new Set(views.map((v) => JSON.stringify(v.letterbox))).size).toBe(1);
          const { region, letterbox: lb } = views[0] as View;
          // What a content is long in pixels of the model may be half a pixel more than its scale says.
          const [w, h] = [region.x2 - region.x1, region.y2 - region.y1];
          const [most, length] = w >= h ? [lb.contentWidth, w] : [lb.contentHeight, h];
          expect(most).toBeLessThanOrEqual((looks.tiles?.enlarge ?? 0) * length + 0.5);
          expect(most).toBeLessThanOrEqual(2.07 * before * length + 1);
          expect(most).toBeGreaterThanOrEqual(LEAST_GAIN * before * length - 1);
          before = most / length;
        }
      }),
    );
  });

  it('stay few on gigantic images', () => {
    const gigantic = fc.oneof(
      fc.tuple(fc.integer({ min: 10_000, max: 32_000 }), fc.integer({ min: 10_000, max: 32_000 })),
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1e6, max: 1e8 })),
    );
    fc.assert(
      fc.property(gigantic, input, looks, ([width, height], input, looks) => {
        for (const { views } of planPasses(width, height, input, looks)) {
          const { scaleX, scaleY } = (views[0] as View).letterbox;
          if (Math.min(width, height) > 1000) {
            expect(width * height * scaleX * scaleY).toBeLessThanOrEqual(MOST_PIXELS * 1.01);
          }
          const shown = views.reduce((sum, { letterbox: lb }) => sum + lb.width * lb.height, 0);
          expect(shown).toBeLessThan(4 * MOST_PIXELS);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([1, 8, 32, 64, 65, 100])('cover the image for an input of %i pixels, of the overlap or less', (side) => {
    const input = inputOf({ width: side, height: side }, 'top-left', 1);
    const [, tiles] = planPasses(256, 192, input, tiled(1, 1));
    for (const [axis, length] of [
      ['x', 256],
      ['y', 192],
    ] as const) {
      const intervals = along(tiles?.views ?? [], axis);
      expect(intervals[0]?.[0]).toBe(0);
      expect(intervals.at(-1)?.[1]).toBe(length);
      for (const [i, [from, to]] of intervals.entries()) {
        expect(to).toBeGreaterThan(from);
        if (i > 0) expect(from).toBeLessThanOrEqual(intervals[i - 1]?.[1] as number);
      }
    }
  });
});

describe('viewOf', () => {
  it.each<[string, Box, number, ModelInput, string]>([
    ['a fixed input', { x1: 10, y1: 20, x2: 110, y2: 70 }, 2, square, '200×100 in 512×512'],
    ['no larger than fits', { x1: 0, y1: 0, x2: 400, y2: 100 }, 9, square, '512×128 in 512×512'],
    ['padded to the multiple', { x1: 10, y1: 20, x2: 110, y2: 70 }, 1, dynamic, '100×50 in 128×64'],
    ['at least one pixel', { x1: 0, y1: 0, x2: 3, y2: 900 }, 0.1, dynamic, '1×90 in 32×96'],
  ])('%s', (_, region, scale, input, expected) => {
    const view = viewOf(region, scale, input);
    expect(sizeOf(view)).toBe(expected);
    expect(view.region).toEqual(region);
    expect(view.mirrored).toBe(false);
  });
});

describe('isCut', () => {
  const [width, height] = [1000, 800];
  // Half size: two pixels of the model are four of the image.
  const region: Box = { x1: 200, y1: 100, x2: 600, y2: 500 };
  const inner = viewOf(region, 0.5, square);

  it.each<[string, Box, boolean]>([
    ['in the middle', { x1: 300, y1: 200, x2: 400, y2: 300 }, false],
    ['at the left border', { x1: 203, y1: 200, x2: 400, y2: 300 }, true],
    ['next to the left border', { x1: 204, y1: 200, x2: 400, y2: 300 }, false],
    ['at the top border', { x1: 300, y1: 103, x2: 400, y2: 300 }, true],
    ['next to the top border', { x1: 300, y1: 104, x2: 400, y2: 300 }, false],
    ['at the right border', { x1: 300, y1: 200, x2: 597, y2: 300 }, true],
    ['next to the right border', { x1: 300, y1: 200, x2: 596, y2: 300 }, false],
    ['at the bottom border', { x1: 300, y1: 200, x2: 400, y2: 497 }, true],
    ['next to the bottom border', { x1: 300, y1: 200, x2: 400, y2: 496 }, false],
    ['over a border', { x1: 150, y1: 200, x2: 400, y2: 300 }, true],
  ])('judges a box %s', (_, box, cut) => {
    expect(isCut(box, inner, width, height)).toBe(cut);
  });

  it('measures two pixels of the model along each axis, of which a narrow region rounds one', () => {
    // 45 pixels are shown as 5, 900 as 90: two are 18 and 20.
    const narrow = viewOf({ x1: 100, y1: 50, x2: 145, y2: 950 }, 0.1, dynamic);
    const flat = viewOf({ x1: 50, y1: 100, x2: 950, y2: 145 }, 0.1, dynamic);
    for (const [near, cut] of [
      [119, false],
      [117, true],
    ] as const) {
      expect(isCut({ x1: near, y1: 400, x2: 126, y2: 500 }, narrow, width, 2000)).toBe(cut);
      expect(isCut({ x1: 400, y1: near, x2: 500, y2: 126 }, flat, width, height)).toBe(cut);
    }
  });

  it('never takes a border of the image for one of a tile', () => {
    const whole = viewOf({ x1: 0, y1: 0, x2: width, y2: height }, 0.5, square);
    expect(isCut({ x1: -5, y1: -5, x2: width + 5, y2: height + 5 }, whole, width, height)).toBe(false);
    const corner = viewOf({ x1: 600, y1: 400, x2: width, y2: height }, 0.5, square);
    expect(isCut({ x1: 700, y1: 500, x2: width, y2: height }, corner, width, height)).toBe(false);
    expect(isCut({ x1: 601, y1: 500, x2: width, y2: height }, corner, width, height)).toBe(true);
  });
});

describe('wholeScale', () => {
  it.each<[string, number, number, ModelInput, Pick<ModelLevel, 'longSide' | 'enlarge'>, number]>([
    ['fixed, by the tighter side', 1000, 1000, wide, plain, 0.48],
    ['fixed, enlarging at will', 10, 10, wide, plain, 48],
    ['dynamic', 1920, 1080, dynamic, plain, 0.5],
    ['dynamic, of a level', 1920, 1080, dynamic, { ...plain, longSide: 480 }, 0.25],
    ['dynamic, enlarging so far', 100, 50, dynamic, { enlarge: 1.25 }, 1.25],
  ])('%s', (_, width, height, input, looks, expected) => {
    expect(wholeScale(width, height, input, looks)).toBeCloseTo(expected, 12);
  });
});

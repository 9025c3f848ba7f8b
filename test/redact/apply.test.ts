import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClassName, Mode, Region, RgbImage } from '../../src/core/types.ts';
import { redactInPlace } from '../../src/redact/apply.ts';
import { rasterizeRegion } from '../../src/redact/mask.ts';
import { planRegions } from '../../src/redact/plan.ts';
import { copy, detect, FILL, noise, paint, policyOf, random, regionOf, type Scene, scenes, tilted } from './scenes.ts';

type Redacting = Exclude<Mode, 'none'>;
const EACH_MODE: readonly Redacting[] = ['blur', 'gaussian', 'pixelate', 'solid'];
const modes = fc.constantFrom<Redacting[]>(...EACH_MODE, 'inpaint', 'synthetic');
/** Those that leave nothing sharp; what replaces is sharp by intention, and has tests of its own. */
const softening = fc.constantFrom(...EACH_MODE);
const fill = { fill: FILL };

const regionsOf = ({ detection, grow, width, height }: Scene, mode: Redacting): Region[] =>
  planRegions([detection], policyOf(mode, grow), width, height);

function maskOf(regions: readonly Region[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (const region of regions) rasterizeRegion(region, width, height, mask);
  return mask;
}

/** Indices of pixels whose colour differs between two images of one size. */
function changed(a: RgbImage, b: RgbImage): number[] {
  const pixels: number[] = [];
  for (let i = 0; i < a.data.length / 3; i++) {
    if ([0, 1, 2].some((c) => a.data[3 * i + c] !== b.data[3 * i + c])) pixels.push(i);
  }
  return pixels;
}

/** Restated from the design: 6 % of the short side, 2 to 24 px, none for the modes with hard edges. */
const featherOf = ({ mode, shortSide }: Region): number =>
  mode === 'solid' || mode === 'pixelate' ? 0 : Math.min(24, Math.max(2, 0.06 * shortSide));

describe('outside a region', () => {
  it('not a byte changes beyond the feather', () => {
    const pad = 30;
    fc.assert(
      fc.property(scenes, modes, fc.integer(), (scene, mode, seed) => {
        const { width, height } = scene;
        const before = noise(width, height, seed);
        for (const region of regionsOf(scene, mode)) {
          const after = copy(before);
          redactInPlace({ rgb: after }, [region], fill);
          // The shape on a larger canvas, so that the part outside the image counts too.
          const move = (p: { x: number; y: number }) => ({ x: p.x + pad, y: p.y + pad });
          const { core, polygon } = region;
          const moved: Region = {
            ...region,
            core: { x1: core.x1 + pad, y1: core.y1 + pad, x2: core.x2 + pad, y2: core.y2 + pad },
            ...(polygon === undefined ? {} : { polygon: polygon.map(move) }),
          };
          const canvas = width + 2 * pad;
          const mask = maskOf([moved], canvas, height + 2 * pad);
          const reach = featherOf(region);
          const span = Math.ceil(reach);
          const near = (x: number, y: number): boolean => {
            for (let j = -span; j <= span; j++) {
              for (let i = -span; i <= span; i++) {
                const gap = Math.hypot(Math.max(0, Math.abs(i) - 0.5), Math.max(0, Math.abs(j) - 0.5));
                if (gap <= reach && mask[(y + pad + j) * canvas + x + pad + i] === 1) return true;
              }
            }
            return false;
          };
          const inside = maskOf([region], width, height);
          const far = changed(before, after).filter((i) => inside[i] === 0 && !near(i % width, Math.floor(i / width)));
          expect(far).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('the feather falls from the redacted colour to the source without a jump', () => {
    for (const detection of [
      detect('body', [100, 100, 300, 300]),
      detect('face', [130, 120, 270, 280]),
      detect('text', [0, 0, 1, 1], tilted(200, 200, 200, 150, 0.4)),
    ]) {
      // White inside, black outside: along a row, the values only fall and take more than two steps to do so.
      const region = regionOf(detection, 'blur', 400, 400);
      const mask = maskOf([region], 400, 400);
      const image = paint(400, 400, (x, y) => (mask[y * 400 + x] === 1 ? 255 : 0));
      redactInPlace({ rgb: image }, [region], fill);
      const row = Array.from({ length: 200 }, (_, i) => image.data[3 * (200 * 400 + 200 + i)] as number);
      const edge = mask.subarray(200 * 400 + 200, 200 * 400 + 400).indexOf(0);
      const soft = row.slice(edge, edge + 30);
      expect(soft).toEqual([...soft].sort((a, b) => b - a));
      expect(new Set(soft).size).toBeGreaterThan(4);
      expect(row[edge - 1] as number).toBeGreaterThan(60);
      expect((row[edge - 1] as number) - (row[edge] as number)).toBeLessThan(0.25 * (row[edge - 1] as number));
      expect(soft.at(-1)).toBe(0);
    }
  });
});

/** Shuffles the pixels within each cell of the grid that divides a region's box into equal cells. */
function shuffleWithinCells(image: RgbImage, { box, shortSide }: Region, across: number, seed: number): RgbImage {
  const out = copy(image);
  const next = random(seed);
  const cell = Math.max(4, shortSide / across);
  const edges = (from: number, to: number): number[] => {
    const count = Math.max(1, Math.floor((to - from) / cell + 1e-9));
    return Array.from({ length: count + 1 }, (_, i) => from + Math.floor((i * (to - from)) / count));
  };
  const [columns, rows] = [edges(box.x1, box.x2), edges(box.y1, box.y2)];
  for (let j = 1; j < rows.length; j++) {
    for (let i = 1; i < columns.length; i++) {
      const pixels: number[] = [];
      for (let y = rows[j - 1] as number; y < (rows[j] as number); y++) {
        for (let x = columns[i - 1] as number; x < (columns[i] as number); x++) pixels.push(y * image.width + x);
      }
      for (let k = pixels.length - 1; k > 0; k--) {
        const [a, b] = [3 * (pixels[k] as number), 3 * (pixels[Math.floor(next() * (k + 1))] as number)];
        const kept = out.data.slice(a, a + 3);
        out.data.copyWithin(a, b, b + 3);
        out.data.set(kept, b);
      }
    }
  }
  return out;
}

describe('inside a region', () => {
  it.each(['blur', 'pixelate'] as const)('%s shows nothing but the means of its cells, up to the very edge', (mode) => {
    fc.assert(
      fc.property(scenes, fc.integer(), (scene, seed) => {
        const { width, height } = scene;
        for (const region of regionsOf(scene, mode)) {
          const image = noise(width, height, seed);
          const across = region.class === 'face' || region.class === 'body' ? 6 : 1;
          const shuffled = shuffleWithinCells(image, region, across, seed + 1);
          redactInPlace({ rgb: image }, [region], fill);
          redactInPlace({ rgb: shuffled }, [region], fill);
          const mask = maskOf([region], width, height);
          expect(changed(image, shuffled).filter((i) => mask[i] === 1)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('solid is the fill, everywhere and exactly', () => {
    fc.assert(
      fc.property(scenes, fc.integer(), (scene, seed) => {
        const image = noise(scene.width, scene.height, seed);
        const regions = regionsOf(scene, 'solid');
        redactInPlace({ rgb: image }, regions, fill);
        const filled = paint(scene.width, scene.height, (_x, _y, c) => [FILL.r, FILL.g, FILL.b][c] as number);
        const mask = maskOf(regions, scene.width, scene.height);
        expect(changed(image, filled).filter((i) => mask[i] === 1)).toEqual([]);
      }),
    );
  });

  it('pixelate shows the mean of every pixel of a cell, not one of them', () => {
    // 13 × 10 pixels in cells of at least 4: columns 0-4, 4-8, 8-13 and rows 0-5, 5-10.
    const image = noise(20, 20, 5);
    const source = copy(image);
    const region = regionOf(detect('body', [3, 6, 16, 16]), 'pixelate', 20, 20);
    redactInPlace({ rgb: image }, [region], fill);
    const [columns, rows] = [
      [3, 7, 11, 16],
      [6, 11, 16],
    ] as const;
    for (let j = 0; j < 2; j++) {
      for (let i = 0; i < 3; i++) {
        for (let c = 0; c < 3; c++) {
          const [before, after]: [number[], number[]] = [[], []];
          for (let y = rows[j] as number; y < (rows[j + 1] as number); y++) {
            for (let x = columns[i] as number; x < (columns[i + 1] as number); x++) {
              before.push(source.data[3 * (y * 20 + x) + c] as number);
              after.push(image.data[3 * (y * 20 + x) + c] as number);
            }
          }
          const mean = Math.round(before.reduce((sum, v) => sum + v, 0) / before.length);
          expect(new Set(after)).toEqual(new Set([mean]));
        }
      }
    }
  });

  it.each(EACH_MODE)('%s keeps a plain colour exactly, black and white included', (mode) => {
    for (const value of [0, 1, 127, 254, 255]) {
      const image = paint(60, 50, () => value);
      redactInPlace({ rgb: image }, [regionOf(detect('face', [10, 10, 50, 40]), mode, 60, 50)], {
        fill: { r: value, g: value, b: value },
      });
      expect(new Set(image.data)).toEqual(new Set([value]));
    }
  });

  it('the channels stay apart', () => {
    for (const mode of ['blur', 'gaussian', 'pixelate'] as const) {
      const image = paint(60, 60, (x, _, c) => (c === 0 ? 40 : c === 1 ? (x < 30 ? 0 : 255) : 200));
      redactInPlace({ rgb: image }, [regionOf(detect('body', [5, 5, 55, 55]), mode, 60, 60)], fill);
      expect(new Set(image.data.filter((_, i) => i % 3 === 0))).toEqual(new Set([40]));
      expect(new Set(image.data.filter((_, i) => i % 3 === 2))).toEqual(new Set([200]));
      expect(new Set(image.data.filter((_, i) => i % 3 === 1)).size).toBeGreaterThan(1);
    }
  });
});

describe('the smooth modes', () => {
  /** Stripes and patches from fine to coarse, so that every frequency and every border matters. */
  const scene = (width: number, height: number): RgbImage =>
    paint(width, height, (x, y, c) => {
      const waves =
        Math.sin(((x + 40) ** 2 / 900) * (c + 1)) + Math.sin((y * (x + 90)) / 1500) + (x > y + 10 * c ? 1 : -1);
      return Math.round(127.5 + 42 * waves);
    });

  it.each([
    ['in the middle', [40, 30, 100, 90]],
    ['in a corner', [0, 0, 60, 60]],
    ['cut by the far corner', [90, 70, 190, 170]],
    ['wide and low', [10, 50, 130, 74]],
  ] as const)('gaussian equals a sampled kernel, the image mirrored at its border: %s', (_, box) => {
    const [width, height] = [140, 120];
    const image = scene(width, height);
    const region = regionOf(detect('body', box), 'gaussian', width, height);
    const sigma = region.shortSide / 6;
    const reach = Math.ceil(5 * sigma);
    const fold = (i: number, n: number): number => (i < 0 ? -1 - i : i < n ? i : 2 * n - 1 - i);
    const pass = (values: Float64Array, dx: number, dy: number): Float64Array =>
      values.map((_value, i) => {
        const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
        let [sum, total] = [0, 0];
        for (let k = -reach; k <= reach; k++) {
          const weight = Math.exp(-(k * k) / (2 * sigma * sigma));
          const at = fold(y + dy * k, height) * width + fold(x + dx * k, width);
          sum += weight * (values[3 * at + c] as number);
          total += weight;
        }
        return sum / total;
      });
    const expected = pass(pass(Float64Array.from(image.data), 1, 0), 0, 1);
    redactInPlace({ rgb: image }, [region], fill);
    const mask = maskOf([region], width, height);
    const errors = [...image.data.keys()]
      .filter((i) => mask[Math.floor(i / 3)] === 1)
      .map((i) => Math.abs((image.data[i] as number) - (expected[i] as number)));
    expect(Math.max(...errors)).toBeLessThanOrEqual(4);
  });

  it.each(['blur', 'gaussian', 'pixelate'] as const)('%s of a transposed image is the transposed image', (mode) => {
    const flip = ([x1, y1, x2, y2]: readonly [number, number, number, number]) => [y1, x1, y2, x2] as const;
    const transpose = ({ data, width, height }: RgbImage): RgbImage =>
      paint(height, width, (x, y, c) => data[3 * (x * width + y) + c] as number);
    for (const box of [
      [20, 30, 91, 74],
      [-9, 4, 30, 80],
      [60, 50, 140, 101],
    ] as const) {
      for (const label of ['body', 'text'] as const) {
        const image = scene(120, 100);
        const turned = transpose(image);
        redactInPlace({ rgb: image }, [regionOf(detect(label, box), mode, 120, 100)], fill);
        redactInPlace({ rgb: turned }, [regionOf(detect(label, flip(box)), mode, 100, 120)], fill);
        const difference = transpose(turned).data.map((v, i) => Math.abs(v - (image.data[i] as number)));
        // The order of the two passes may round a value either way.
        expect(Math.max(...difference)).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('slivers and tiny images', () => {
  it.each(['blur', 'gaussian', 'pixelate'] as const)(
    '%s widens its cell when the image cuts the region to a sliver',
    (mode) => {
      // A checkerboard of 0 and 255: a mean of many pixels is near the middle, a source pixel is not.
      for (const box of [
        [-59, 20, 1, 80],
        [99, 20, 160, 80],
        [20, -59, 80, 1],
        [20, 99, 80, 160],
        [99, 99, 150, 150],
      ] as const) {
        for (const label of ['body', 'text'] as const) {
          const image = paint(100, 100, (x, y) => 255 * ((x + y) % 2));
          const region = regionOf(detect(label, box), mode, 100, 100);
          redactInPlace({ rgb: image }, [region], fill);
          const mask = maskOf([region], 100, 100);
          const inside = [...mask.keys()].filter((i) => mask[i] === 1).map((i) => image.data[3 * i] as number);
          expect(inside.length).toBeGreaterThan(0);
          expect(inside.filter((value) => value < 110 || value > 145)).toEqual([]);
        }
      }
    },
  );

  it.each([
    [1, 1],
    [1, 5000],
    [5000, 1],
    [2, 3],
  ])('%d × %d pixels are redacted whole', (width, height) => {
    for (const mode of EACH_MODE) {
      for (const label of ['face', 'body', 'plate', 'text'] as ClassName[]) {
        const region = regionOf(detect(label, [0, 0, width, height]), mode, width, height, 0.1);
        expect(maskOf([region], width, height)).toEqual(new Uint8Array(width * height).fill(1));
        const image = noise(width, height, 3);
        const before = copy(image);
        const alpha = new Uint8Array(width * height);
        redactInPlace({ rgb: image, alpha }, [region], fill);
        expect(new Set(alpha)).toEqual(new Set([255]));
        if (width * height > 100) expect(changed(before, image).length).toBeGreaterThan(0.98 * width * height);
      }
    }
  });
});

describe('overlaps', () => {
  const pair = scenes.chain((first) =>
    scenes.map((second) => [first, { ...second, width: first.width, height: first.height }] as const),
  );

  it('leave no source pixel in any shape, whatever the order and the modes', () => {
    fc.assert(
      fc.property(pair, softening, softening, fc.boolean(), ([one, two], a, b, swap) => {
        const { width, height } = one;
        fc.pre(width >= 8 && height >= 8);
        const regions = [...regionsOf(one, a), ...regionsOf(two, b)];
        if (swap) regions.reverse();
        const image = paint(width, height, (x, y) => 255 * ((x + y) % 2));
        redactInPlace({ rgb: image }, regions, { fill: { r: 120, g: 120, b: 120 } });
        const mask = maskOf(regions, width, height);
        const sharp = [...mask.keys()].filter(
          (i) => mask[i] === 1 && Math.abs((image.data[3 * i] as number) - 127) > 60,
        );
        expect(sharp).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  // Painted one after the other, a fill must not carry what a neighbour has yet to hide. Neighbours that fade out would
  // show their cells across the border.
  it('a replacement takes nothing from a region beside it, whichever mode that one has', () => {
    fc.assert(
      fc.property(
        pair,
        fc.constantFrom<Redacting[]>('solid', 'pixelate', 'inpaint'),
        fc.constantFrom<Redacting[]>('inpaint', 'synthetic'),
        fc.integer(),
        ([one, two], a, b, seed) => {
          const { width, height } = one;
          const neighbours = regionsOf(one, a);
          const [region] = regionsOf(two, b);
          if (!region || region.class === 'face') return;
          const secret = maskOf(neighbours, width, height);
          const own = maskOf([region], width, height);
          const redacted = [1, 2].map((n) => {
            const image = noise(width, height, seed);
            const other = noise(width, height, seed + n);
            for (const i of secret.keys()) {
              if (secret[i] === 1 && own[i] === 0) image.data.set(other.data.subarray(3 * i, 3 * i + 3), 3 * i);
            }
            redactInPlace({ rgb: image }, [region, ...neighbours], fill);
            return image;
          });
          const leaked = changed(redacted[0] as RgbImage, redacted[1] as RgbImage).filter(
            (i) => own[i] === 1 && secret[i] === 0,
          );
          expect(leaked).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('solid stays solid under and over a neighbour that is blurred', () => {
    const solid = regionOf(detect('plate', [30, 30, 70, 50]), 'solid', 100, 100);
    const blurred = regionOf(detect('text', [50, 35, 95, 60]), 'blur', 100, 100);
    for (const regions of [
      [solid, blurred],
      [blurred, solid],
    ]) {
      const image = noise(100, 100, 9);
      redactInPlace({ rgb: image }, regions, fill);
      for (let y = 30; y < 50; y++) {
        const row = image.data.subarray(3 * (y * 100 + 30), 3 * (y * 100 + 70));
        expect([...new Set(row)].sort()).toEqual([FILL.r, FILL.g, FILL.b].sort());
      }
    }
  });
});

const SLIVER: Scene = {
  ...{ width: 5, height: 18, grow: 0.1 },
  detection: detect(
    'plate',
    [-0.25, -4.8765591383206175, 0.25, 4.8765591383206175],
    [
      [-0.25, -4.8765591383206175],
      [0.25, -4.8765591383206175],
      [0.25, 4.8765591383206175],
      [-0.25, 4.8765591383206175],
    ],
  ),
};

describe('alpha', () => {
  it('becomes opaque exactly where colour may have changed', () => {
    fc.assert(
      fc.property(scenes, modes, fc.integer(), (scene, mode, seed) => {
        const { width, height } = scene;
        const before = noise(width, height, seed);
        const image = copy(before);
        const alpha = new Uint8Array(width * height).fill(7);
        const regions = regionsOf(scene, mode);
        redactInPlace({ rgb: image, alpha }, regions, fill);
        const mask = maskOf(regions, width, height);
        expect([...mask.keys()].filter((i) => mask[i] === 1 && alpha[i] !== 255)).toEqual([]);
        expect(changed(before, image).filter((i) => alpha[i] !== 255)).toEqual([]);
        const opaque = alpha.filter((value) => value === 255).length;
        expect(alpha.filter((value) => value === 7).length).toBe(width * height - opaque);
        if (mode === 'solid' || mode === 'pixelate') expect(opaque).toBe(mask.filter((v) => v === 1).length);
      }),
      // A plate of half a pixel at the border, whose drawing is blurred beyond its soft edge.
      { examples: [[SLIVER, 'synthetic', -15]] },
    );
  });
});

describe('wrong input changes nothing and says what was expected', () => {
  const region = regionOf(detect('body', [2, 2, 8, 8]), 'blur', 10, 10);
  const text = regionOf(detect('text', [0, 0, 1, 1], tilted(5, 5, 6, 3, 0.2)), 'blur', 10, 10);
  it.each<[string, Region, RegExp]>([
    ['a box beyond the image', { ...region, box: { x1: 2, y1: 2, x2: 11, y2: 8 } }, /within 10 × 10 .* 2,2 to 11,8/],
    ['an empty box', { ...region, box: { x1: 2, y1: 2, x2: 2, y2: 8 } }, /within 10 × 10/],
    ['a fractional box', { ...region, box: { x1: 2.5, y1: 2, x2: 9, y2: 8 } }, /within 10 × 10/],
    ['NaN in the core', { ...region, core: { ...region.core, x1: Number.NaN } }, /finite numbers/],
    ['a short side of 0', { ...region, shortSide: 0 }, /finite numbers/],
    ['NaN in an outline', { ...text, polygon: [...(text.polygon ?? []), { x: 1, y: Number.NaN }] }, /finite numbers/],
    ['a polygon without points', { ...text, polygon: [] }, /3 points but received 0/],
    ['mode none', { ...region, mode: 'none' as Redacting }, /redaction mode but received none/],
  ])('%s', (_, wrong, message) => {
    const image = noise(10, 10, 1);
    const before = copy(image);
    expect(() => redactInPlace({ rgb: image }, [region, wrong], fill)).toThrow(message);
    expect(image).toEqual(before);
  });

  it('buffers and fills of the wrong size', () => {
    const rgb = noise(10, 10, 1);
    expect(() => redactInPlace({ rgb: { ...rgb, width: 11 } }, [], fill)).toThrow(
      /11 × 10 × 3 bytes of RGB but received 300/,
    );
    expect(() => redactInPlace({ rgb, alpha: new Uint8Array(99) }, [], fill)).toThrow(/alpha but received 99/);
    expect(() => redactInPlace({ rgb }, [region], { fill: { r: 256, g: 0, b: 0 } })).toThrow(/0…255 but received 256/);
  });
});

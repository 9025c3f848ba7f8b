import { describe, expect, it } from 'vitest';
import type { Region, RgbImage } from '../../../src/core/types.ts';
import { redactInPlace } from '../../../src/redact/apply.ts';
import { randomFrom } from '../../../src/redact/random.ts';
import { uprightRect } from '../../../src/redact/synthetic/line-frame.ts';
import { syntheticText } from '../../../src/redact/synthetic/text.ts';
import { drawText } from '../../../src/redact/synthetic/text-drawing.ts';
import { textLook } from '../../../src/redact/synthetic/text-look.ts';
import { randomWord } from '../../../src/redact/synthetic/words.ts';
import { copy, detect, paint, random, regionOf, tilted } from '../scenes.ts';
import { assertWithinPatch } from './within-patch.ts';

const FILL = { r: 0, g: 0, b: 0 };
const WALL = [190, 180, 170] as const;
const INK = [20, 60, 150] as const;
const LINE = { x: 50, y: 50, width: 120, height: 20 };

/** A line of text on a wall, a little smaller than what is detected: bars of ink where `isInk` says so, of 30 columns of 4 px. */
function photographOf(isInk: (column: number) => boolean): RgbImage {
  return paint(220, 120, (x, y, c) => {
    const [u, v] = [x - LINE.x, y - LINE.y];
    const isLine = u >= 0 && v >= 3 && u < LINE.width && v < LINE.height - 3;
    return (isLine && isInk(Math.floor(u / 4)) ? INK : WALL)[c] as number;
  });
}

/** Half of the columns, chosen at random, the first and the last among them. */
function bars(seed: number): (column: number) => boolean {
  const next = random(seed);
  const chosen = new Set([0, 29]);
  while (chosen.size < 15) chosen.add(Math.floor(next() * 30));
  return (column) => chosen.has(column);
}

const REGION = regionOf(
  detect(
    'text',
    [LINE.x, LINE.y, LINE.x + LINE.width, LINE.y + LINE.height],
    tilted(LINE.x + LINE.width / 2, LINE.y + LINE.height / 2, LINE.width, LINE.height, 0),
  ),
  'synthetic',
  220,
  120,
  0.4,
);

function redacted(image: RgbImage, region: Region, ...seed: number[]): Uint8Array {
  const out = copy(image);
  redactInPlace({ rgb: out }, [region], { fill: FILL, seed });
  return out.data;
}

describe('random words', () => {
  it('depend on nothing but the seed', () => {
    const words = (seed: number): string[] => {
      const next = randomFrom(seed);
      return Array.from({ length: 20 }, () => randomWord(next, 7));
    };
    expect(words(1)).toEqual(words(1));
    expect(words(1)).not.toEqual(words(2));
    for (const word of words(3)) expect(word).toMatch(/^([a-z]{7}|\d{4})$/);
  });
});

describe('the look of a line of text', () => {
  const rect = uprightRect(REGION);

  it('is its ink, its ground and where it begins and ends', () => {
    const look = textLook(photographOf(bars(1)), rect, 36);
    expect(look.ink).toEqual(INK);
    for (const ground of look.grounds) expect(ground).toEqual(WALL);
    expect(look.along[0]).toBeCloseTo((LINE.x - (rect.cx - rect.width / 2)) / rect.width, 1);
    expect(look.along[1]).toBeCloseTo((LINE.x + LINE.width - (rect.cx - rect.width / 2)) / rect.width, 1);
    expect(look.across[1] - look.across[0]).toBeCloseTo((LINE.height - 6) / rect.height, 1);
  });

  it('is the same for the same amount of ink', () => {
    const look = textLook(photographOf(bars(1)), rect, 36);
    for (const seed of [2, 3, 4]) expect(textLook(photographOf(bars(seed)), rect, 36)).toEqual(look);
  });

  it('takes what lies on the rim for the ground, even where there is more ink', () => {
    const { ink } = textLook(
      photographOf((column) => column % 6 !== 2),
      rect,
      36,
    );
    expect(ink).toEqual(INK);
  });

  it('is readable where nothing can be told', () => {
    const { ink, grounds } = textLook(
      paint(220, 120, () => 200),
      rect,
      36,
    );
    expect(Math.abs(ink[0] - (grounds[0]?.[0] as number))).toBeGreaterThan(60);
  });
});

describe('the direction of a line', () => {
  it.each([0, 0.3, -0.4, 1.2, -1.5, 3.1])('at %s is upright again', (angle) => {
    const region = regionOf(detect('text', [0, 0, 9, 9], tilted(110, 60, 90, 20, angle)), 'synthetic', 220, 120);
    const rect = uprightRect(region);
    const along = Math.abs(Math.cos(angle)) > Math.SQRT1_2;
    expect(rect.angle).toBeGreaterThan(-Math.PI / 4 - 1e-9);
    expect(rect.angle).toBeLessThan(Math.PI / 4 + 1e-9);
    expect(rect.width).toBeCloseTo(along ? 90 : 20);
    expect(rect.height).toBeCloseTo(along ? 20 : 90);
    expect(Math.abs(Math.sin(2 * (rect.angle - angle)))).toBeLessThan(1e-9);
  });
});

describe('synthetic text', () => {
  it('is the same whatever was written', () => {
    const first = redacted(photographOf(bars(1)), REGION, 5);
    for (const seed of [2, 3, 4]) expect(Buffer.compare(redacted(photographOf(bars(seed)), REGION, 5), first)).toBe(0);
  });

  it('is the same for the same seed, another for another', () => {
    const image = photographOf(bars(1));
    expect(Buffer.compare(redacted(image, REGION, 1), redacted(image, REGION, 1))).toBe(0);
    expect(Buffer.compare(redacted(image, REGION, 1), redacted(image, REGION, 2))).not.toBe(0);
  });

  it('is drawn from its form alone', () => {
    const form = { ink: INK, weight: 'regular', capitals: false, width: 300, height: 30, stacked: false } as const;
    const sheets = [4, 4, 5].map((seed) => Buffer.from(drawText(form, randomFrom(seed)).rgba.buffer));
    expect(Buffer.compare(sheets[0] as Buffer, sheets[1] as Buffer)).toBe(0);
    expect(Buffer.compare(sheets[0] as Buffer, sheets[2] as Buffer)).not.toBe(0);
  });

  it('fills its line from end to end', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { rgba, width, height } = drawText(
        { ink: INK, weight: 'regular', capitals: false, width: 300, height: 30, stacked: false },
        randomFrom(seed),
      );
      const inked = Array.from({ length: width }, (_, x) =>
        Array.from({ length: height }, (_, y) => rgba[(y * width + x) * 4 + 3] as number).some((a) => a > 0.5),
      );
      expect(inked.indexOf(true)).toBeLessThan(30);
      expect(inked.lastIndexOf(true)).toBeGreaterThan(270);
    }
  });

  it('leaves no pixel of the text, and the wall as it is', () => {
    const out = redacted(photographOf(bars(1)), REGION, 1);
    const plain = redacted(photographOf(bars(1)), { ...REGION, mode: 'inpaint' }, 1);
    const { x1, y1, x2, y2 } = REGION.box;
    const changed = Array.from({ length: (x2 - x1) * (y2 - y1) }, (_, i) => {
      const at = ((y1 + Math.floor(i / (x2 - x1))) * 220 + x1 + (i % (x2 - x1))) * 3;
      return Math.abs((out[at] as number) - (plain[at] as number)) > 40;
    }).filter(Boolean).length;
    // Written on, but not painted over.
    expect(changed / ((x2 - x1) * (y2 - y1))).toBeGreaterThan(0.04);
    expect(changed / ((x2 - x1) * (y2 - y1))).toBeLessThan(0.4);
    expect([...out.slice(0, 3)]).toEqual([...WALL]);
  });

  it('is not cut off by the fill of the next line', () => {
    const below = { ...REGION, box: { ...REGION.box, y1: REGION.box.y1 + 22, y2: REGION.box.y2 + 22 } };
    const polygon = (REGION.polygon ?? []).map(({ x, y }) => ({ x, y: y + 22 }));
    const core = { ...REGION.core, y1: REGION.core.y1 + 22, y2: REGION.core.y2 + 22 };
    const second = { ...below, polygon, core };
    const inkAt = (regions: Region[]): number => {
      const out = photographOf(bars(1));
      redactInPlace({ rgb: out }, regions, { fill: FILL, seed: [3] });
      let dark = 0;
      for (let y = LINE.y; y < LINE.y + LINE.height; y++) {
        for (let x = 0; x < 220; x++) if ((out.data[(y * 220 + x) * 3] as number) < 90) dark++;
      }
      return dark;
    };
    expect(inkAt([REGION, second])).toBeGreaterThan(0.8 * inkAt([REGION]));
  });

  it('is finite and within its patch, wherever the region lies and whatever is there', () => {
    assertWithinPatch('text', syntheticText);
  });
});

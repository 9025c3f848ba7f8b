import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Region, RgbImage } from '../../../src/core/types.ts';
import { redactInPlace } from '../../../src/redact/apply.ts';
import { randomFrom } from '../../../src/redact/random.ts';
import { syntheticPlate } from '../../../src/redact/synthetic/plate.ts';
import { drawPlate, invalidRegistration } from '../../../src/redact/synthetic/plate-drawing.ts';
import { plateLook } from '../../../src/redact/synthetic/plate-look.ts';
import { plateOutline } from '../../../src/redact/synthetic/plate-outline.ts';
import { pureInk, twoColours } from '../../../src/redact/synthetic/two-colours.ts';
import { copy, detect, paint, random, regionOf } from '../scenes.ts';
import { assertWithinPatch } from './within-patch.ts';

const FILL = { r: 0, g: 0, b: 0 };
const PLATE = { x: 60, y: 50, width: 96, height: 24 };
const CAR = [120, 40, 40] as const;
const GROUND = [225, 220, 200] as const;
const INK = [25, 30, 35] as const;

/** A light plate on a car: ink where `isInk` says so, of the 16 × 4 fields (6 px each) of the plate. */
function photographOf(isInk: (field: number) => boolean): RgbImage {
  return paint(220, 120, (x, y, c) => {
    const [u, v] = [x - PLATE.x, y - PLATE.y];
    const isPlate = u >= 0 && v >= 0 && u < PLATE.width && v < PLATE.height;
    const colour = isPlate ? (isInk(Math.floor(v / 6) * 16 + Math.floor(u / 6)) ? INK : GROUND) : CAR;
    return colour[c] as number;
  });
}

const REGION = regionOf(
  detect('plate', [PLATE.x, PLATE.y, PLATE.x + PLATE.width, PLATE.y + PLATE.height]),
  'synthetic',
  220,
  120,
  0.06,
);

/** Fields of the two middle rows, two columns from the edge: where characters stand. */
const FIELDS = [16, 32].flatMap((row) => Array.from({ length: 12 }, (_, i) => row + 2 + i));

/** Twelve of the 24 fields, chosen at random, as many in each row and in each half. */
function characters(seed: number): (field: number) => boolean {
  const next = random(seed);
  const chosen = new Set<number>();
  for (const start of [0, 6, 12, 18]) {
    const part = FIELDS.slice(start, start + 6);
    while ([...chosen].filter((f) => part.includes(f)).length < 3) chosen.add(part[Math.floor(next() * 6)] as number);
  }
  return (field) => chosen.has(field);
}

function redacted(image: RgbImage, region: Region, ...seed: number[]): Uint8Array {
  const out = copy(image);
  redactInPlace({ rgb: out }, [region], { fill: FILL, seed });
  return out.data;
}

describe('an invalid registration', () => {
  it('alternates letters and digits and begins with a letter that reads as a digit', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(7, 9), (seed, length) => {
        const text = invalidRegistration(randomFrom(seed), length);
        expect(text).toHaveLength(length);
        expect(text).toMatch(/^[IOQ](\d[A-Z])*\d?$/);
      }),
    );
  });

  it('depends on nothing but the seed', () => {
    const texts = [1, 1, 2, 3].map((seed) => invalidRegistration(randomFrom(seed), 9));
    expect(texts[0]).toBe(texts[1]);
    expect(new Set(texts).size).toBe(3);
  });
});

describe('two colours', () => {
  it('are those of a picture that has no more, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 12, maxLength: 200 }), (inked) => {
        const n = inked.filter(Boolean).length;
        fc.pre(n > 0 && 2 * n < inked.length);
        const found = twoColours(inked.flatMap((is) => (is ? INK : GROUND)));
        expect(found).toEqual({ major: GROUND, minor: INK, share: n / inked.length });
      }),
    );
  });

  it('tell red from green of the same lightness', () => {
    const { major, minor } = twoColours([...Array(20).keys()].flatMap((i) => (i % 3 ? [180, 60, 60] : [60, 180, 60])));
    expect([major, minor]).toEqual([
      [180, 60, 60],
      [60, 180, 60],
    ]);
  });
});

describe('ink', () => {
  it.each([
    [0.5, 'thin', 25],
    [1.5, 'less thin', 75],
    [3, 'wide enough', 100],
  ])('of a pen of %s px is %s', (pen, _, most) => {
    const [r, g, b] = pureInk([100, 100, 150], [200, 200, 150], pen);
    expect(r).toBe(g);
    expect(b).toBe(150);
    expect(r).toBeGreaterThan(most - 26);
    expect(r).toBeLessThanOrEqual(most + 15);
  });
});

describe('the outline of a plate', () => {
  it.each([-0.15, 0, 0.1, 0.2])('is found when it is turned by %s', (angle) => {
    const { cx, cy, width, height } = { cx: 110, cy: 80, width: 120, height: 30 };
    const image = paint(220, 160, (x, y, c) => {
      const [dx, dy] = [x + 0.5 - cx, y + 0.5 - cy];
      const u = dx * Math.cos(angle) + dy * Math.sin(angle);
      const v = dy * Math.cos(angle) - dx * Math.sin(angle);
      const isPlate = Math.abs(u) < width / 2 && Math.abs(v) < height / 2;
      const isInk = Math.abs(v) < 9 && Math.abs(u) < 50 && Math.floor(u / 6) % 2 === 0;
      return ((isPlate ? (isInk ? INK : GROUND) : CAR) as readonly number[])[c] as number;
    });
    const w = width * Math.cos(angle) + height * Math.abs(Math.sin(angle));
    const h = height * Math.cos(angle) + width * Math.abs(Math.sin(angle));
    const outline = plateOutline(image, { cx, cy, width: w * 1.12, height: h * 1.12, angle: 0 });
    const signs = [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ] as const;
    for (const [i, [su, sv]] of signs.entries()) {
      const [u, v] = [(su * width) / 2, (sv * height) / 2];
      expect(Math.abs((outline[i] as { x: number }).x - (cx + u * Math.cos(angle) - v * Math.sin(angle)))).toBeLessThan(
        5,
      );
      expect(Math.abs((outline[i] as { y: number }).y - (cy + u * Math.sin(angle) + v * Math.cos(angle)))).toBeLessThan(
        4,
      );
    }
  });

  it('is where detections usually end when there is nothing to see', () => {
    const outline = plateOutline(
      paint(90, 60, () => 80),
      { cx: 45, cy: 30, width: 72, height: 24, angle: 0 },
    );
    expect(outline.map(({ x, y }) => [Math.round(x), Math.round(y)])).toEqual([
      [15, 20],
      [75, 20],
      [75, 40],
      [15, 40],
    ]);
  });
});

describe('the look of a plate', () => {
  const outline = plateOutline(
    photographOf(() => false),
    { cx: 108, cy: 62, width: 107, height: 27, angle: 0 },
  );

  it('is its two colours, one line and no band', () => {
    expect(plateLook(photographOf(characters(1)), outline)).toEqual({
      ground: GROUND,
      ink: INK,
      lines: 1,
      light: { across: 0, down: 0 },
    });
  });

  it('has a band where there is one', () => {
    const { data } = photographOf(characters(1));
    const blue = paint(220, 120, (x, y, c) => {
      if (x >= PLATE.x && x < PLATE.x + 12 && y >= PLATE.y && y < PLATE.y + PLATE.height)
        return [10, 40, 160][c] as number;
      return data[(y * 220 + x) * 3 + c] as number;
    });
    const { band } = plateLook(blue, outline);
    expect(band?.side).toBe('left');
    expect(band?.colour[2]).toBeGreaterThan(140);
  });

  it.each([
    [1, 60, (v: number) => v >= 20 && v < 40],
    [2, 60, (v: number) => (v >= 8 && v < 26) || (v >= 34 && v < 52)],
  ] as const)('has %s lines', (lines, height, isLine) => {
    const image = paint(120, height, (x, y, c) => {
      return ((isLine(y) && x > 12 && x < 108 && Math.floor(x / 5) % 2 ? INK : GROUND) as readonly number[])[
        c
      ] as number;
    });
    const corners = [
      { x: 0, y: 0 },
      { x: 120, y: 0 },
      { x: 120, y: height },
      { x: 0, y: height },
    ] as const;
    expect(plateLook(image, corners).lines).toBe(lines);
  });

  it('grows lighter where the plate does', () => {
    const { data } = photographOf(characters(1));
    const image = paint(220, 120, (x, y, c) => {
      const value = data[(y * 220 + x) * 3 + c] as number;
      return value * (0.7 + (0.3 * (x - PLATE.x)) / PLATE.width);
    });
    const { across, down } = plateLook(image, outline).light;
    expect(across).toBeGreaterThan(0.25);
    expect(across).toBeLessThan(0.45);
    expect(Math.abs(down)).toBeLessThan(0.05);
  });
});

describe('a synthetic plate', () => {
  it('is the same whatever characters were on the plate', () => {
    const first = redacted(photographOf(characters(1)), REGION, 5);
    for (const seed of [2, 3, 4, 5]) {
      const other = photographOf(characters(seed));
      expect(other.data).not.toEqual(photographOf(characters(1)).data);
      expect(Buffer.compare(redacted(other, REGION, 5), first)).toBe(0);
    }
  });

  it('is the same for the same seed, another for another', () => {
    const image = photographOf(characters(1));
    expect(Buffer.compare(redacted(image, REGION, 1), redacted(image, REGION, 1))).toBe(0);
    expect(Buffer.compare(redacted(image, REGION, 1), redacted(image, REGION, 2))).not.toBe(0);
  });

  it('has the colours and the place of the plate', () => {
    const out = redacted(photographOf(characters(1)), REGION, 1);
    const at = (x: number, y: number): number[] => [...out.slice((y * 220 + x) * 3, (y * 220 + x) * 3 + 3)];
    const seen = twoColours(
      Array.from({ length: 80 * 16 }, (_, i) => at(PLATE.x + 8 + (i % 80), PLATE.y + 4 + Math.floor(i / 80))).flat(),
    );
    const [light, dark] = seen.major[0] > seen.minor[0] ? [seen.major, seen.minor] : [seen.minor, seen.major];
    const distance = (a: readonly number[], b: readonly number[]): number =>
      Math.max(...a.map((v, c) => Math.abs(v - (b[c] as number))));
    expect(distance(light, GROUND)).toBeLessThan(25);
    expect(distance(dark, INK)).toBeLessThan(45);
    // Beside the plate, within the region, is the car.
    expect(distance(at(PLATE.x - 2, PLATE.y + 12), CAR)).toBeLessThan(60);
  });

  it('is drawn from its form alone', () => {
    const form = { ground: GROUND, ink: INK, lines: 2, light: { across: 0, down: 0 }, width: 90, height: 45 } as const;
    const sheets = [4, 4, 5].map((seed) => Buffer.from(drawPlate(form, randomFrom(seed)).rgba.buffer));
    expect(Buffer.compare(sheets[0] as Buffer, sheets[1] as Buffer)).toBe(0);
    expect(Buffer.compare(sheets[0] as Buffer, sheets[2] as Buffer)).not.toBe(0);
  });

  it('stays within its patch, wherever the region lies and whatever is there', () => {
    assertWithinPatch('plate', syntheticPlate, ({ label }) => label === 'plate' || label === 'text');
  });
});

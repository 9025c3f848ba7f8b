import type { OrientedRect } from '../../core/geometry.ts';
import type { Patch } from '../patch.ts';
import type { Random } from '../random.ts';
import type { Colour } from './lettering/sheet.ts';

/** Mean distance in colour from which a fill is not what the text was written on, and from which nothing of it stays. */
const STRANGE = { from: 24, to: 48 } as const;

/**
 * The fill where it looks like the ground of the text. Elsewhere, such as between the lines of a poster that is covered
 * as a whole, the ground's own mean colours, interpolated along the line.
 * @param rect its width runs along the line.
 * @param grounds mean colours of equal parts of it.
 * @param noise standard deviation, 0…255.
 */
export function onGrounds(
  patch: Patch,
  rect: OrientedRect,
  grounds: readonly Colour[],
  noise: number,
  random: Random,
): Patch {
  const data = patch.image.data.slice();
  const { width } = patch.image;
  const cos = (Math.cos(rect.angle) * grounds.length) / rect.width;
  const sin = (Math.sin(rect.angle) * grounds.length) / rect.width;
  /** Where pixel `i` is along the line, in parts. */
  const partAt = (i: number): number => {
    const x = patch.x + (i % width) + 0.5 - rect.cx;
    const y = patch.y + Math.floor(i / width) + 0.5 - rect.cy;
    return Math.min(grounds.length, Math.max(0, x * cos + y * sin + grounds.length / 2));
  };
  const pixels = data.length / 3;
  const sum = new Float64Array(grounds.length);
  const count = new Float64Array(grounds.length);
  for (let i = 0; i < pixels; i++) {
    const part = Math.min(grounds.length - 1, Math.floor(partAt(i)));
    const [r, g, b] = grounds[part] as Colour;
    const [dr, dg, db] = [
      (data[3 * i] as number) - r,
      (data[3 * i + 1] as number) - g,
      (data[3 * i + 2] as number) - b,
    ];
    sum[part] = (sum[part] as number) + Math.sqrt(dr * dr + dg * dg + db * db);
    count[part] = (count[part] as number) + 1;
  }
  const share = sum.map((s, i) =>
    limited((s / Math.max(1, count[i] as number) - STRANGE.from) / (STRANGE.to - STRANGE.from)),
  );
  if (share.every((s) => s === 0)) return patch;
  for (let i = 0; i < pixels; i++) {
    const at = partAt(i) - 0.5;
    const first = Math.max(0, Math.floor(at));
    const last = Math.min(grounds.length - 1, first + 1);
    const t = limited(at - first);
    const weight = (share[first] as number) * (1 - t) + (share[last] as number) * t;
    if (weight === 0) continue;
    const speck = noise * random.normal();
    for (let c = 0; c < 3; c++) {
      const ground = ((grounds[first] as Colour)[c] as number) * (1 - t) + ((grounds[last] as Colour)[c] as number) * t;
      const value = (data[3 * i + c] as number) * (1 - weight) + (ground + speck) * weight + 0.5;
      data[3 * i + c] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  }
  return { ...patch, image: { ...patch.image, data } };
}

const limited = (value: number): number => Math.min(1, Math.max(0, value));

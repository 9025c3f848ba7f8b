import type { OrientedRect } from '../../core/geometry.ts';
import type { Region } from '../../core/types.ts';
import type { Patch, Scene } from '../patch.ts';
import type { Random } from '../random.ts';
import { featherWidth } from '../strength.ts';
import type { Colour } from './lettering/sheet.ts';
import { pointIn } from './text-look.ts';

/** Mean distance in colour from which a fill is not what the text was written on, and from which nothing of it stays. */
const STRANGE = { from: 28, to: 56 } as const;
/** Where the photograph beside the line does not look like its ground, the ground fades out over this share of the height. */
const RIM = 0.22;
/** How far beyond the soft edge the photograph is compared with the ground, as a share of the height. */
const BESIDE = 0.2;

/**
 * Lays the ground of the text over a fill that does not look like it, such as between the lines of a poster that is
 * covered as a whole: mean colours, interpolated along the line. The ground comes with the patch as an overlay of its
 * own too, because the fills of neighbouring lines reach into this one.
 * @param rect its width runs along the line.
 * @param grounds mean colours of equal parts of it.
 * @param noise standard deviation, 0…255.
 */
export function onGround(
  scene: Scene,
  region: Region,
  fill: Patch,
  rect: OrientedRect,
  grounds: readonly Colour[],
  noise: number,
  random: Random,
): Patch {
  const strange = strangeness(fill, rect, grounds);
  if (strange.every((s) => s === 0)) return fill;
  const parts = grounds.length;
  const feather = featherWidth(region);
  const ends = endsOfGround(scene, rect, grounds, feather + 1);
  const { width, height } = fill.image;
  const data = fill.image.data.slice();
  const rgba = new Float32Array(width * height * 4);
  const rim = RIM * rect.height;
  eachWithin(fill, rect, feather + 2, (i, x, y) => {
    const along = (x * parts) / rect.width;
    const first = Math.min(parts - 1, Math.max(0, Math.floor(along - 0.5)));
    const last = Math.min(parts - 1, first + 1);
    const t = limited(along - 0.5 - first);
    const between = (values: ArrayLike<number>): number =>
      (values[first] as number) * (1 - t) + (values[last] as number) * t;
    const alpha =
      between(strange) *
      faded(between(ends.above), y / rim) *
      faded(between(ends.below), (rect.height - y) / rim) *
      faded(ends.before, x / rim) *
      faded(ends.after, (rect.width - x) / rim);
    if (alpha === 0) return;
    const isInside = x >= 0 && y >= 0 && x < rect.width && y < rect.height;
    const speck = noise * random.normal();
    for (let c = 0; c < 3; c++) {
      const ground = ((grounds[first] as Colour)[c] as number) * (1 - t) + ((grounds[last] as Colour)[c] as number) * t;
      const value = (data[3 * i + c] as number) * (1 - alpha) + (ground + speck) * alpha + 0.5;
      data[3 * i + c] = value < 0 ? 0 : value > 255 ? 255 : value;
      if (isInside) rgba[4 * i + c] = (ground + speck) * alpha;
    }
    if (isInside) rgba[4 * i + 3] = alpha;
  });
  const ground = { rgba, width, height, x: fill.x, y: fill.y };
  return { ...fill, image: { data, width, height }, ground };
}

/** Visits the pixels of the fill up to `reach` from the rectangle: their number, and their place along and across it, pixels. */
function eachWithin(
  fill: Patch,
  { cx, cy, width, height, angle }: OrientedRect,
  reach: number,
  visit: (i: number, along: number, across: number) => void,
): void {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  for (let i = 0; i < fill.image.width * fill.image.height; i++) {
    const x = fill.x + (i % fill.image.width) + 0.5 - cx;
    const y = fill.y + Math.floor(i / fill.image.width) + 0.5 - cy;
    const along = x * cos + y * sin + width / 2;
    const across = y * cos - x * sin + height / 2;
    if (along > -reach && along < width + reach && across > -reach && across < height + reach) visit(i, along, across);
  }
}

/** By part, 0 where the fill looks like the ground, 1 where it does not at all. */
function strangeness(fill: Patch, rect: OrientedRect, grounds: readonly Colour[]): Float64Array {
  const { data } = fill.image;
  const sum = new Float64Array(grounds.length);
  const count = new Float64Array(grounds.length);
  eachWithin(fill, rect, 0, (i, along) => {
    const part = Math.min(grounds.length - 1, Math.floor((along * grounds.length) / rect.width));
    sum[part] = (sum[part] as number) + difference(data, i, grounds[part] as Colour);
    count[part] = (count[part] as number) + 1;
  });
  return sum.map((s, part) => unlike(s, count[part] as number));
}

/** Where the ground ends beside the line, 0…1; not where nothing is known of what is beside it. */
interface Ends {
  readonly above: readonly number[];
  readonly below: readonly number[];
  readonly before: number;
  readonly after: number;
}

function endsOfGround({ image, covered }: Scene, rect: OrientedRect, grounds: readonly Colour[], gap: number): Ends {
  const { width, height } = rect;
  /** Compares a strip, its corner and size in the rectangle's own pixels, with a colour. */
  const endsIn = (x: number, y: number, w: number, h: number, ground: Colour): number => {
    const [columns, rows] = [Math.min(24, Math.ceil(w)), Math.min(24, Math.ceil(h))];
    let sum = 0;
    let count = 0;
    for (let k = 0; k < columns * rows; k++) {
      const u = (x + (((k % columns) + 0.5) / columns) * w) / width;
      const v = (y + ((Math.floor(k / columns) + 0.5) / rows) * h) / height;
      const point = pointIn(rect, u, v);
      const [px, py] = [Math.floor(point.x), Math.floor(point.y)];
      if (px < 0 || py < 0 || px >= image.width || py >= image.height || covered[py * image.width + px]) continue;
      sum += difference(image.data, py * image.width + px, ground);
      count++;
    }
    return unlike(sum, count);
  };
  const reach = Math.max(2, BESIDE * height);
  const step = width / grounds.length;
  return {
    above: grounds.map((ground, i) => endsIn(i * step, -gap - reach, step, reach, ground)),
    below: grounds.map((ground, i) => endsIn(i * step, height + gap, step, reach, ground)),
    before: endsIn(-gap - reach, 0, reach, height, grounds[0] as Colour),
    after: endsIn(width + gap, 0, reach, height, grounds[grounds.length - 1] as Colour),
  };
}

function difference(data: Uint8Array, pixel: number, [r, g, b]: Colour): number {
  const at = 3 * pixel;
  return Math.hypot((data[at] as number) - r, (data[at + 1] as number) - g, (data[at + 2] as number) - b);
}

const unlike = (sum: number, count: number): number =>
  count === 0 ? 0 : limited((sum / count - STRANGE.from) / (STRANGE.to - STRANGE.from));

/** 1, or where the ground `ends`, less the nearer the end: `distance` in rims. */
function faded(ends: number, distance: number): number {
  const d = limited(distance);
  return 1 - ends * (1 - d * d * (3 - 2 * d));
}

const limited = (value: number): number => Math.min(1, Math.max(0, value));

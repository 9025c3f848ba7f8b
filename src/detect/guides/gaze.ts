import type { FaceGuide, Point } from '../../core/types.ts';
import type { Part } from './face-crop.ts';

/** First point of each eye: outer or inner corner, two on the upper lid, corner, two on the lower lid. */
const EYES = [36, 42] as const;
/** Narrower eyes do not show where they look, pixels of the image. */
const LEAST_WIDTH = 6;
/** The iris is off centre by this share of the eye's width, or of its opening, when it looks aside. */
const ASIDE = 0.11;
const UPWARDS = 0.22;

/**
 * Where the eyes look, in three steps each way: from the middle of what is dark between the lids, both eyes together.
 * @returns nothing when the eyes are too small or closed.
 */
export function gazeOf(part: Part, landmarks: readonly Point[]): FaceGuide['gaze'] {
  const offsets = EYES.map((first) => irisOffset(part, landmarks.slice(first, first + 6)));
  const [left, right] = offsets;
  if (!left || !right) return undefined;
  return { x: step((left.x + right.x) / 2, ASIDE), y: step((left.y + right.y) / 2, UPWARDS) };
}

const step = (value: number, least: number): -1 | 0 | 1 => (value > least ? 1 : value < -least ? -1 : 0);

/** How far the dark of an eye lies from its middle, along and across the line of its corners, in widths and openings. */
function irisOffset({ image, x: left, y: top, scaleX, scaleY }: Part, eye: readonly Point[]): Point | undefined {
  const [from, u1, u2, to, l2, l1] = eye as [Point, Point, Point, Point, Point, Point];
  const width = Math.hypot(to.x - from.x, to.y - from.y);
  const open = (Math.hypot(u1.x - l1.x, u1.y - l1.y) + Math.hypot(u2.x - l2.x, u2.y - l2.y)) / 2;
  if (width < LEAST_WIDTH || open < 0.12 * width) return undefined;
  const middle = eye.reduce((sum, p) => ({ x: sum.x + p.x / 6, y: sum.y + p.y / 6 }), { x: 0, y: 0 });
  const along = { x: (to.x - from.x) / width, y: (to.y - from.y) / width };
  const samples: { readonly u: number; readonly v: number; readonly bright: number }[] = [];
  for (let j = -4; j <= 4; j++) {
    for (let i = -12; i <= 12; i++) {
      const u = i / 30;
      const v = j / 10;
      const x = Math.floor((middle.x + u * width * along.x - v * open * along.y - left) * scaleX);
      const y = Math.floor((middle.y + u * width * along.y + v * open * along.x - top) * scaleY);
      if (x < 0 || y < 0 || x >= image.width || y >= image.height) return undefined;
      const at = (y * image.width + x) * 3;
      const bright = (image.data[at] as number) + (image.data[at + 1] as number) + (image.data[at + 2] as number);
      samples.push({ u, v, bright });
    }
  }
  const sorted = samples.map((s) => s.bright).sort((a, b) => a - b);
  const limit = sorted[Math.floor(sorted.length * 0.4)] as number;
  let [total, su, sv] = [0, 0, 0];
  for (const { u, v, bright } of samples) {
    const dark = Math.max(0, limit - bright);
    total += dark;
    su += dark * u;
    sv += dark * v;
  }
  return total > 0 ? { x: su / total, y: sv / total } : undefined;
}

import type { Random } from '../../random.ts';
import type { Layer } from './layer.ts';

/** The inner lips: upper from left to right, lower from left to right. */
const UPPER = [60, 61, 62, 63, 64] as const;
const LOWER = [60, 67, 66, 65, 64] as const;

/**
 * Draws what is seen between the lips: teeth below the upper lip, the dark of the mouth, some tongue. As ratios to the
 * colour of the skin, like the texture around it.
 * @param scale pixels of the layer per pixel of the frame.
 */
export function drawMouth(
  layer: Layer,
  places: Float32Array,
  scale: number,
  skin: readonly number[],
  random: Random,
): void {
  const x = (i: number): number => places[3 * i] as number;
  const y = (i: number): number => places[3 * i + 1] as number;
  const gap = Math.hypot(x(66) - x(62), y(66) - y(62));
  const across = Math.hypot(x(64) - x(60), y(64) - y(60));
  const teeth = 0.9 + 0.1 * random.next();
  if (gap < 0.6 * scale || across < 1) return;
  // Teeth are lighter than dark skin and about as light as light skin.
  const bright = 0.3 * (skin[0] as number) + 0.59 * (skin[1] as number) + 0.11 * (skin[2] as number);
  const enamel = bright + 0.3 * Math.max(0, 215 - bright);
  const cavity = [0.22, 0.1, 0.1];
  const tongue = [0.62, 0.36, 0.36];
  const curve = (points: readonly number[], t: number): [number, number] => {
    const at = Math.min(3.999, Math.max(0, t * 4));
    const i = Math.floor(at);
    const f = at - i;
    const [p, q] = [points[i] as number, points[i + 1] as number];
    return [x(p) * (1 - f) + x(q) * f, y(p) * (1 - f) + y(q) * f];
  };
  const steps = Math.max(2, Math.ceil(across * 1.5));
  const rows = Math.max(2, Math.ceil(gap * 1.6));
  for (let s = 0; s <= steps; s++) {
    const t = s / steps;
    const [ux, uy] = curve(UPPER, t);
    const [lx, ly] = curve(LOWER, t);
    const height = Math.hypot(lx - ux, ly - uy);
    for (let r = 0; r <= rows; r++) {
      const v = r / rows;
      const px = Math.floor(ux + (lx - ux) * v);
      const py = Math.floor(uy + (ly - uy) * v);
      if (px < 0 || py < 0 || px >= layer.width || py >= layer.height) continue;
      // Upper teeth hang about nine pixels of the frame below the lip; the corners lie in shadow.
      const depth = (v * height) / scale;
      const corner = 1 - Math.abs(2 * t - 1) ** 3;
      const isTooth = Math.max(0, Math.min(1, (9 * (0.75 + 0.25 * corner) - depth) / 1.5)) * Math.min(1, depth / 0.8);
      const lit = (0.55 + 0.45 * corner) * teeth;
      const low = Math.max(0, Math.min(1, (depth - 12) / 8));
      const at = (py * layer.width + px) * 4;
      const cast = [0.5 + (0.5 * (skin[0] as number)) / bright, 1, 0.45 + (0.5 * (skin[2] as number)) / bright];
      for (let c = 0; c < 3; c++) {
        const tooth = (enamel * (cast[c] as number) * lit) / Math.max(8, skin[c] as number);
        const dark = (cavity[c] as number) * (1 - low) + (tongue[c] as number) * low;
        layer.data[at + c] = tooth * isTooth + dark * (1 - isTooth);
      }
      layer.data[at + 3] = 1;
    }
  }
}

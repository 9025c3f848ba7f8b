import type { Random } from '../../random.ts';
import { emptyLayer, type Layer } from './layer.ts';
import { drawTriangle, pyramid } from './raster.ts';

/** The inner lips: upper from left to right, lower from left to right. */
const UPPER = [60, 61, 62, 63, 64] as const;
const LOWER = [60, 67, 66, 65, 64] as const;

/** Size of the texture between the lips. */
const WIDTH = 64;
const HEIGHT = 32;

/** How grey teeth are: shares of brightness that stand in for their colour. */
const GREY = [0.57, 0.55, 0.5] as const;

/** Ratios to the brightness of the skin. */
const CAVITY = [0.3, 0.13, 0.12] as const;
const TONGUE = [0.66, 0.38, 0.37] as const;

/**
 * Draws what is seen between the lips: teeth below the upper lip, the dark of the mouth, some tongue. As ratios to the
 * colour of the skin, like the texture around it.
 * @param places [points, 3], pixels of the layer.
 * @param scale pixels of the layer per pixel of the frame.
 * @param skin its colour, 0…255.
 */
export function drawMouth(
  layer: Layer,
  places: Float32Array,
  scale: number,
  skin: readonly [number, number, number],
  random: Random,
): void {
  const whiteness = 0.9 + 0.15 * random.next();
  const gap = Math.hypot(x(66) - x(62), y(66) - y(62)) / scale;
  if (gap < 0.7) return;
  const levels = pyramid(betweenLips(gap, whiteness, skin));
  const to = new Float64Array(6);
  const from = new Float64Array(6);
  const corner = (k: number, point: number, column: number, row: number): void => {
    to[2 * k] = x(point);
    to[2 * k + 1] = y(point);
    from[2 * k] = (column * WIDTH) / 4;
    from[2 * k + 1] = row * HEIGHT;
  };
  for (let i = 0; i < 4; i++) {
    corner(0, UPPER[i] as number, i, 0);
    corner(1, UPPER[i + 1] as number, i + 1, 0);
    corner(2, LOWER[i + 1] as number, i + 1, 1);
    drawTriangle(layer, levels, { to, from });
    corner(1, LOWER[i + 1] as number, i + 1, 1);
    corner(2, LOWER[i] as number, i, 1);
    drawTriangle(layer, levels, { to, from });
  }

  function x(point: number): number {
    return places[3 * point] as number;
  }
  function y(point: number): number {
    return places[3 * point + 1] as number;
  }
}

/** @param gap between the lips in the middle, pixels of the frame. */
function betweenLips(gap: number, whiteness: number, skin: readonly [number, number, number]): Layer {
  const layer = emptyLayer(WIDTH, HEIGHT);
  const bright = Math.max(8, 0.3 * skin[0] + 0.59 * skin[1] + 0.11 * skin[2]);
  // Teeth are lighter than dark skin and about as light as light skin, and nearly as grey as the light is.
  const enamel = Math.min(1.5, 1 + (0.25 * Math.max(0, 215 - bright)) / bright) * whiteness;
  const tooth = skin.map((c, k) => (enamel * (0.45 * c + (GREY[k] as number) * bright)) / Math.max(8, c));
  const visible = smooth((gap - 1.5) / 3);
  for (let j = 0; j < HEIGHT; j++) {
    for (let i = 0; i < WIDTH; i++) {
      const aside = Math.abs((2 * (i + 0.5)) / WIDTH - 1);
      const opening = gap * Math.sqrt(Math.max(0.02, 1 - aside * aside));
      const depth = ((j + 0.5) / HEIGHT) * opening;
      // Upper teeth end some eight pixels of the frame below the lip; towards the corners lies shadow.
      const shadow = 1 - 0.65 * aside * aside * aside;
      const shown = visible * smooth((8 * shadow - depth) / 1.5) * smooth(depth / 0.7 + 0.3);
      const low = smooth((depth - 10) / 8);
      const at = (j * WIDTH + i) * 4;
      for (let c = 0; c < 3; c++) {
        const dark = (CAVITY[c] as number) * (1 - low) + (TONGUE[c] as number) * low;
        layer.data[at + c] = (tooth[c] as number) * shadow * shown + dark * (1 - shown);
      }
      layer.data[at + 3] = 1;
    }
  }
  return layer;
}

function smooth(t: number): number {
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

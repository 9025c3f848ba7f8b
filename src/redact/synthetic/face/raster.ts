import { emptyLayer, halveLayer, type Layer } from './layer.ts';

/** Corners of a triangle in the image, [3, 2] pixels, and in the texture. */
export interface WarpedTriangle {
  readonly to: Float64Array;
  readonly from: Float64Array;
}

/** A texture at its own size and at halves of it, so that a small face is not drawn from single pixels of it. */
export function pyramid(texture: Layer): Layer[] {
  const levels = [texture];
  for (let last = texture; Math.min(last.width, last.height) > 8; ) {
    last = halveLayer(last);
    levels.push(last);
  }
  return levels;
}

/** Draws a textured triangle over what is there, at the pixels whose centres it holds; nothing when seen from behind. */
export function drawTriangle(layer: Layer, levels: readonly Layer[], { to, from }: WarpedTriangle): void {
  const [x1, y1, x2, y2, x3, y3] = to as unknown as [number, number, number, number, number, number];
  const area = (x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1);
  if (!(area > 1e-9)) return;
  const [u1, v1, u2, v2, u3, v3] = from as unknown as [number, number, number, number, number, number];
  const texels = Math.abs((u2 - u1) * (v3 - v1) - (u3 - u1) * (v2 - v1));
  const detail = Math.max(0, Math.min(levels.length - 1, Math.round(0.5 * Math.log2(Math.max(1e-9, texels / area)))));
  const level = levels[detail] as Layer;
  const shrink = 1 / 2 ** detail;
  const minY = Math.max(0, Math.ceil(Math.min(y1, y2, y3) - 0.5));
  const maxY = Math.min(layer.height - 1, Math.floor(Math.max(y1, y2, y3) - 0.5));
  const minX = Math.max(0, Math.ceil(Math.min(x1, x2, x3) - 0.5));
  const maxX = Math.min(layer.width - 1, Math.floor(Math.max(x1, x2, x3) - 0.5));
  const slack = -1e-7 * area - 1e-9;
  for (let y = minY; y <= maxY; y++) {
    for (let x = minX; x <= maxX; x++) {
      const px = x + 0.5;
      const py = y + 0.5;
      const b = (px - x1) * (y3 - y1) - (x3 - x1) * (py - y1);
      const c = (x2 - x1) * (py - y1) - (px - x1) * (y2 - y1);
      const a = area - b - c;
      if (a < slack || b < slack || c < slack) continue;
      const u = ((a * u1 + b * u2 + c * u3) / area) * shrink - 0.5;
      const v = ((a * v1 + b * v2 + c * v3) / area) * shrink - 0.5;
      sample(level, u, v, layer.data, (y * layer.width + x) * 4);
    }
  }
}

/** Bilinear; the border repeats. */
function sample({ data, width, height }: Layer, x: number, y: number, out: Float32Array, at: number): void {
  const cx = Math.max(0, Math.min(width - 1, x));
  const cy = Math.max(0, Math.min(height - 1, y));
  const i = Math.min(width - 2, Math.floor(cx));
  const j = Math.min(height - 2, Math.floor(cy));
  const fx = cx - i;
  const fy = cy - j;
  const from = (j * width + i) * 4;
  const below = from + width * 4;
  for (let c = 0; c < 4; c++) {
    const upper = (data[from + c] as number) * (1 - fx) + (data[from + 4 + c] as number) * fx;
    const lower = (data[below + c] as number) * (1 - fx) + (data[below + 4 + c] as number) * fx;
    out[at + c] = upper * (1 - fy) + lower * fy;
  }
}

/** Twice the size, cubic (Catmull and Rom), for faces that are larger than the texture. */
export function doubleLayer(layer: Layer): Layer {
  const wide = emptyLayer(layer.width * 2, layer.height);
  stretch(layer.data, wide.data, layer.height, layer.width, layer.width * 4, wide.width * 4, 4);
  const tall = emptyLayer(wide.width, layer.height * 2);
  stretch(wide.data, tall.data, wide.width, layer.height, 4, 4, wide.width * 4);
  return tall;
}

/** Each of `lines` runs of `length` pixels becomes one of twice the length. */
function stretch(
  source: Float32Array,
  out: Float32Array,
  lines: number,
  length: number,
  sourceLine: number,
  outLine: number,
  step: number,
): void {
  // Samples a quarter of a pixel before and after each source pixel.
  const near = [-0.0234375, 0.2265625, 0.8671875, -0.0703125] as const;
  const clamp = (k: number): number => Math.max(0, Math.min(length - 1, k)) * step;
  for (let i = 0; i < length; i++) {
    const [a, b, h, d, e] = [clamp(i - 2), clamp(i - 1), i * step, clamp(i + 1), clamp(i + 2)];
    for (let l = 0; l < lines; l++) {
      const line = l * sourceLine;
      const to = l * outLine + 2 * i * step;
      for (let c = line; c < line + 4; c++) {
        const before = source[b + c] as number;
        const here = source[h + c] as number;
        const after = source[d + c] as number;
        const at = to + c - line;
        out[at] = near[0] * (source[a + c] as number) + near[1] * before + near[2] * here + near[3] * after;
        out[at + step] = near[3] * before + near[2] * here + near[1] * after + near[0] * (source[e + c] as number);
      }
    }
  }
}

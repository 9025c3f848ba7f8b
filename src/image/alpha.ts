import type { RgbImage } from '../core/types.ts';

/**
 * Splits interleaved RGBA (`width * height * 4` bytes) into RGB and alpha planes. Colour under alpha 0 is set to
 * black, because it is invisible to whoever looks at the picture but not to whoever reads the file.
 * `alpha` is absent when every pixel is opaque.
 */
export function splitAlpha(rgba: Uint8Array, width: number, height: number): { rgb: RgbImage; alpha?: Uint8Array } {
  const pixels = width * height;
  const data = new Uint8Array(pixels * 3);
  const alpha = new Uint8Array(pixels);
  let opaque = 255;
  for (let i = 0, from = 0, to = 0; i < pixels; i++, from += 4, to += 3) {
    const a = rgba[from + 3] as number;
    alpha[i] = a;
    opaque &= a;
    if (a === 0) continue;
    data[to] = rgba[from] as number;
    data[to + 1] = rgba[from + 1] as number;
    data[to + 2] = rgba[from + 2] as number;
  }
  const rgb = { data, width, height };
  return opaque === 255 ? { rgb } : { rgb, alpha };
}

/** Joins RGB and alpha planes to interleaved RGBA; colour under alpha 0 is cleared. */
export function joinAlpha(rgb: RgbImage, alpha: Uint8Array): Uint8Array {
  const { data } = rgb;
  const rgba = new Uint8Array(alpha.length * 4);
  for (let i = 0, from = 0, to = 0; i < alpha.length; i++, from += 3, to += 4) {
    const a = alpha[i] as number;
    if (a === 0) continue;
    rgba[to] = data[from] as number;
    rgba[to + 1] = data[from + 1] as number;
    rgba[to + 2] = data[from + 2] as number;
    rgba[to + 3] = a;
  }
  return rgba;
}

/** The picture as it looks on a white page: what formats without alpha publish. */
export function flattenOntoWhite(rgb: RgbImage, alpha: Uint8Array): RgbImage {
  const data = new Uint8Array(rgb.data.length);
  for (let i = 0; i < data.length; i++) {
    const a = alpha[(i / 3) | 0] as number;
    data[i] = 255 - Math.round(((255 - (rgb.data[i] as number)) * a) / 255);
  }
  return { ...rgb, data };
}

/** Alpha as GIF can hold it: 0 below one half, 255 from there on. */
export function binaryAlpha(alpha: Uint8Array): Uint8Array {
  return alpha.map((a) => (a < 128 ? 0 : 255));
}

import { boxHeight, boxWidth, snapOutward } from '../../core/geometry.ts';
import type { Box, Point, RgbImage } from '../../core/types.ts';
import { resizeImage } from '../../image/resize.ts';

/** A square part of an image, which may be turned and mirrored. */
export interface Crop {
  readonly centre: Point;
  /** Length of a side in pixels of the image. */
  readonly side: number;
  /** Radians, clockwise on screen: how far the square's x axis is turned. */
  readonly angle: number;
  readonly mirrored: boolean;
}

/** A part of an image at a size that bilinear samples do it justice. */
export interface Part {
  readonly image: RgbImage;
  /** Top left corner in the whole image, pixels. */
  readonly x: number;
  readonly y: number;
  /** Pixels of the part per pixel of the whole image. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/** What of `box` lies within the image, scaled so that the longer side of the box is `size` pixels. */
export async function partOf(image: RgbImage, box: Box, size: number): Promise<Part | undefined> {
  const region = snapOutward(box, image.width, image.height);
  const [regionWidth, regionHeight] = [boxWidth(region), boxHeight(region)];
  if (regionWidth <= 0 || regionHeight <= 0) return undefined;
  const scale = size / Math.max(boxWidth(box), boxHeight(box));
  const width = Math.max(1, Math.round(regionWidth * scale));
  const height = Math.max(1, Math.round(regionHeight * scale));
  const content = await resizeImage(image, width, height, region);
  return { image: content, x: region.x1, y: region.y1, scaleX: width / regionWidth, scaleY: height / regionHeight };
}

/** From a place in the crop, as fractions of its side, to pixels of the image. */
export function cropToImage({ centre, side, angle, mirrored }: Crop, { x, y }: Point): Point {
  const u = (mirrored ? 0.5 - x : x - 0.5) * side;
  const v = (y - 0.5) * side;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return { x: centre.x + u * cos - v * sin, y: centre.y + u * sin + v * cos };
}

/**
 * Bilinear samples of a crop of `size` × `size` pixels: float32 [3, size, size], RGB, `(value − mean) / 255`, black
 * outside the image.
 */
export function sampleCrop(
  part: Part,
  crop: Crop,
  size: number,
  mean: readonly [number, number, number],
): Float32Array {
  const { image, x: left, y: top, scaleX, scaleY } = part;
  const { data, width, height } = image;
  const out = new Float32Array(3 * size * size);
  const plane = size * size;
  const at = (i: number, j: number, c: number): number =>
    i < 0 || j < 0 || i >= width || j >= height ? 0 : (data[(j * width + i) * 3 + c] as number);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const p = cropToImage(crop, { x: (column + 0.5) / size, y: (row + 0.5) / size });
      const x = (p.x - left) * scaleX - 0.5;
      const y = (p.y - top) * scaleY - 0.5;
      const i = Math.floor(x);
      const j = Math.floor(y);
      const fx = x - i;
      const fy = y - j;
      for (let c = 0; c < 3; c++) {
        const upper = at(i, j, c) * (1 - fx) + at(i + 1, j, c) * fx;
        const lower = at(i, j + 1, c) * (1 - fx) + at(i + 1, j + 1, c) * fx;
        out[c * plane + row * size + column] = (upper * (1 - fy) + lower * fy - (mean[c] as number)) / 255;
      }
    }
  }
  return out;
}

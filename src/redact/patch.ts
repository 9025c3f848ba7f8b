import type { Box, Region, RgbImage } from '../core/types.ts';
import type { RowPainter } from './cells.ts';
import { rowSpans, shapeBounds } from './mask.ts';
import type { Random } from './random.ts';
import { featherWidth } from './strength.ts';

/** What a replacement may look at: the photograph before anything in it was changed. */
export interface Scene {
  readonly image: RgbImage;
  /**
   * One byte a pixel, 1 where any region of the photograph or its soft edge lies. Pixels are copied, and textures
   * learnt, only from where it is 0: otherwise one region's secret would be painted into another.
   */
  readonly covered: Uint8Array;
}

/** Pixels to paint: `image` lies at `x`, `y` of the photograph and spans at least the region and its soft edge. */
export interface Patch {
  readonly image: RgbImage;
  readonly x: number;
  readonly y: number;
  /** What is drawn over it once the fills of all other regions are painted too, so that none of them cuts it off. */
  readonly overlay?: Overlay;
  /** What is drawn below the overlays of all regions. */
  readonly ground?: Overlay;
}

/**
 * Translucent pixels at `x`, `y` of the photograph, within the region's patch.
 * `rgba`: colour 0…255 multiplied by alpha 0…1, `rgba.length === width * height * 4`.
 */
export interface Overlay {
  readonly rgba: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}

/**
 * Makes what a region is replaced with, or nothing when it cannot: the region is blurred then.
 *
 * Of what lies inside the region, only coarse means (no finer than `blur` leaves) and the region's guide may reach
 * the patch.
 */
export type Replacer = (scene: Scene, region: Region, random: Random) => Patch | undefined;

/** The region's box with its soft edge, within the image. */
export function patchBox(region: Region, { width, height }: RgbImage): Box {
  const feather = Math.ceil(featherWidth(region));
  const { x1, y1, x2, y2 } = region.box;
  return {
    x1: Math.max(0, x1 - feather),
    y1: Math.max(0, y1 - feather),
    x2: Math.min(width, x2 + feather),
    y2: Math.min(height, y2 + feather),
  };
}

export function patchPainter({ image, x: left, y: top }: Patch): RowPainter {
  return (y, x1, x2, out, at) => {
    const from = ((y - top) * image.width + x1 - left) * 3;
    out.set(image.data.subarray(from, from + (x2 - x1) * 3), at);
  };
}

/**
 * Draws an overlay that lies within the image (`over`: Porter and Duff, 1984), but for pixels that its region does not
 * reach: the blur of what is drawn knows no shape.
 */
export function drawOverlay(
  { data, width }: RgbImage,
  overlay: Overlay,
  isReached: (x: number, y: number) => boolean,
): void {
  const { rgba } = overlay;
  for (let y = 0; y < overlay.height; y++) {
    for (let x = 0; x < overlay.width; x++) {
      const from = (y * overlay.width + x) * 4;
      const keep = 1 - (rgba[from + 3] as number);
      if (keep === 1 || !isReached(overlay.x + x, overlay.y + y)) continue;
      const at = ((overlay.y + y) * width + overlay.x + x) * 3;
      for (let c = 0; c < 3; c++) {
        const value = (rgba[from + c] as number) + (data[at + c] as number) * keep + 0.5;
        data[at + c] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
}

/** `Scene.covered`: every pixel that a region touches, and a border around it as wide as its soft edge. */
export function coveredBy(regions: readonly Region[], { width, height }: RgbImage): Uint8Array {
  const covered = new Uint8Array(width * height);
  for (const region of regions) {
    const feather = Math.ceil(featherWidth(region));
    const spans = rowSpans(region, width, height);
    const top = Math.max(0, Math.floor(shapeBounds(region).y1) - feather);
    const bottom = Math.min(height, Math.ceil(shapeBounds(region).y2) + feather);
    for (let y = top; y < bottom; y++) {
      let start = width;
      let end = 0;
      // Rows within the feather's reach; the union of convex spans may take in a little more than the feather.
      for (let row = Math.max(spans.y1, y - feather); row <= Math.min(spans.y2 - 1, y + feather); row++) {
        const from = spans.start[row - spans.y1] as number;
        const to = spans.end[row - spans.y1] as number;
        if (from >= to) continue;
        start = Math.min(start, from);
        end = Math.max(end, to);
      }
      if (start < end)
        covered.fill(1, y * width + Math.max(0, start - feather), y * width + Math.min(width, end + feather));
    }
  }
  return covered;
}

import type { Box, RgbImage } from '../core/types.ts';
import { resizeImage } from '../image/resize.ts';
import type { View } from './views.ts';

/** One image and its scaled copies, shared by the networks that look at it. */
export class ImageLevels {
  readonly image: RgbImage;
  /** Called before each run of a network; what it throws ends the detection. */
  readonly between: () => void;
  readonly #scaled = new Map<string, Promise<RgbImage>>();

  constructor(image: RgbImage, between: () => void = () => {}) {
    this.image = image;
    this.between = between;
  }

  /** The part of the image that a view shows, at the size at which it shows it. */
  content({ region, letterbox: { contentWidth, contentHeight } }: View): Promise<RgbImage> {
    const { width, height } = this.image;
    const isWhole = region.x2 - region.x1 === width && region.y2 - region.y1 === height;
    return isWhole ? this.scaledTo(contentWidth, contentHeight) : this.#scale(contentWidth, contentHeight, region);
  }

  /** The image at `width` × `height` pixels; the same sizes are scaled once. */
  scaledTo(width: number, height: number): Promise<RgbImage> {
    const key = `${width}x${height}`;
    let scaled = this.#scaled.get(key);
    if (!scaled) {
      scaled = this.#scale(width, height);
      this.#scaled.set(key, scaled);
    }
    return scaled;
  }

  #scale(width: number, height: number, region?: Box): Promise<RgbImage> {
    const scaled = resizeImage(this.image, width, height, region);
    // Awaited by whoever asks; until then a rejection must not count as unhandled.
    scaled.catch(() => {});
    return scaled;
  }
}

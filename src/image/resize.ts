import sharp from 'sharp';
import type { RgbImage } from '../core/types.ts';
import './setup.ts';

/**
 * Scales to `width` × `height` pixels, bilinear and without skipping source pixels when shrinking.
 * libvips does it on its own thread and with vector instructions: a third of what a loop here takes.
 */
export async function resizeImage(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  if (width === image.width && height === image.height) return image;
  const data = await sharp(image.data, {
    raw: { width: image.width, height: image.height, channels: 3 },
    limitInputPixels: false,
  })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.length), width, height };
}

import sharp from 'sharp';
import type { RgbImage } from '../core/types.ts';
import './setup.ts';

/** A small JPEG of an already published image, at most `side` pixels long, without metadata. */
export async function thumbnail(bytes: Uint8Array, side: number): Promise<Uint8Array> {
  return sharp(bytes, { failOn: 'warning' })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 80 })
    .toBuffer();
}

/** The same of raw pixels. */
export async function pictureOf({ data, width, height }: RgbImage, side: number): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 80 })
    .toBuffer();
}

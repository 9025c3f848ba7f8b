import sharp from 'sharp';
import './setup.ts';

/** A small JPEG of an already published image, at most `side` pixels long, without metadata. */
export async function thumbnail(bytes: Uint8Array, side: number): Promise<Uint8Array> {
  return sharp(bytes, { failOn: 'warning' })
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 80 })
    .toBuffer();
}

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UsageError } from '../../dist/errors.js';

/** Share of the surroundings next to the object that stays as it is; the rest fades out. */
const SOLID_RING = 0.4;
/** Share of the surroundings that may be cut off so that the copy has whole pixels at the exact scale. */
const CUT_RING = 0.25;

/**
 * @typedef {object} Patch
 * @property {Buffer} data RGB, 8 bits
 * @property {number} width
 * @property {number} height
 * @property {{x: number, y: number, w: number, h: number}} box the object in it, in fractions of pixels
 * @property {Float32Array} alpha per pixel: 1 on the object and next to it, 0 at the edges
 */

/**
 * An object with its surroundings, shrunk (Lanczos) so that the object has the wanted height.
 * @param {import('./sources.mjs').Source} source
 * @param {number} height pixels of the object
 * @returns {Promise<Patch>}
 * @throws UsageError for an image that is damaged
 */
export async function shrink({ file, box, area }, height) {
  const scale = height / (box.y2 - box.y1);
  const across = fitPixels(area.left, area.left + area.width, box.x1, box.x2, scale);
  const down = fitPixels(area.top, area.top + area.height, box.y1, box.y2, scale);
  const data = await sharp(await readFile(file), { failOn: 'truncated' })
    .autoOrient()
    .extract({ left: across.from, top: down.from, width: across.length, height: down.length })
    .resize(across.pixels, down.pixels, { fit: 'fill', kernel: 'lanczos3' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer()
    .catch((error) => {
      throw new UsageError(`Expected a whole image but received ${file}: ${error.message}`, { cause: error });
    });
  const [sx, sy] = [across.pixels / across.length, down.pixels / down.length];
  const scaled = {
    x: (box.x1 - across.from) * sx,
    y: (box.y1 - down.from) * sy,
    w: (box.x2 - box.x1) * sx,
    h: (box.y2 - box.y1) * sy,
  };
  const size = { width: across.pixels, height: down.pixels };
  return { data, ...size, box: scaled, alpha: feather(size, scaled) };
}

/** The part of [from, to) around the object [a, b) whose scaled length is nearest to a whole number of pixels. */
function fitPixels(from, to, a, b, scale) {
  const cutBefore = a - from > to - b;
  const most = Math.floor(CUT_RING * (cutBefore ? a - from : to - b));
  let best;
  for (let cut = 0; cut <= most; cut++) {
    const length = to - from - cut;
    const pixels = Math.max(1, Math.round(length * scale));
    const error = Math.abs(pixels / (length * scale) - 1);
    if (best === undefined || error < best.error) {
      best = { error, length, pixels, from: cutBefore ? from + cut : from };
    }
  }
  return best;
}

/** Falls from the object outwards along a raised cosine, separately wide on each side. */
function feather({ width, height }, box) {
  const across = distances(width, box.x, box.x + box.w);
  const down = distances(height, box.y, box.y + box.h);
  const alpha = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const fade = (Math.hypot(across[x], down[y]) - SOLID_RING) / (1 - SOLID_RING);
      alpha[i] = fade <= 0 ? 1 : fade >= 1 ? 0 : (1 + Math.cos(Math.PI * fade)) / 2;
    }
  }
  return alpha;
}

/** Per pixel: 0 on the object, 1 at the patch's edge. */
function distances(length, from, to) {
  return Float32Array.from({ length }, (_, i) => {
    const at = i + 0.5;
    if (at < from) return (from - at) / from;
    return at > to ? (at - to) / (length - to) : 0;
  });
}

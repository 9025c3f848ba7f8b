import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { UsageError } from '../../dist/errors.js';
import { readLabels } from '../../dist/eval/labels/read.js';

/** More enlargement would make a photograph that no camera takes. */
const MOST_ENLARGED = 1.5;

/**
 * @typedef {object} Background
 * @property {string} file absolute path
 * @property {number} width upright pixels
 * @property {number} height
 * @property {{x1: number, y1: number, x2: number, y2: number}[]} labelled boxes to keep free
 */

/**
 * @param {string} folder
 * @param {number} megapixels of the photographs that will be made
 * @returns {Promise<Background[]>} in the order of their names
 * @throws UsageError for a folder without photographs, or one that is too small or unreadable
 */
export async function readBackgrounds(folder, megapixels) {
  const names = (await readdir(folder)).filter((name) => /\.(jpe?g|png|webp|avif|tiff?)$/i.test(name)).sort();
  if (names.length === 0) {
    throw new UsageError(`Expected photographs (jpg, png, webp, avif, tif) in ${folder} but found none`);
  }
  const labels = path.join(folder, 'annotations.json');
  const labelled = new Map();
  if (existsSync(labels)) {
    for (const { file, objects } of (await readLabels(labels)).images) {
      labelled.set(
        path.basename(file),
        objects.map(({ box }) => box),
      );
    }
  }
  const backgrounds = [];
  for (const name of names) {
    const file = path.join(folder, name);
    const { autoOrient } = await sharp(await readFile(file))
      .metadata()
      .catch((error) => {
        throw new UsageError(`Expected a photograph but received ${file}: ${error.message}`, { cause: error });
      });
    const { width, height } = autoOrient;
    const least = (megapixels * 1e6) / MOST_ENLARGED ** 2;
    if (width * height < least) {
      throw new UsageError(
        `Expected at least ${(least / 1e6).toFixed(1)} megapixels for ${file} but received ${width} × ${height}: it would be enlarged by more than ${MOST_ENLARGED}`,
      );
    }
    backgrounds.push({ file, width, height, labelled: labelled.get(name) ?? [] });
  }
  return backgrounds;
}

/**
 * A random part of a background at the wanted size. Larger photographs are cut, shrunk or both, so that no two
 * parts are alike; smaller ones are enlarged as a whole.
 *
 * @param {Background} background
 * @param {number} megapixels
 * @param {import('./random.mjs').Random} random
 * @returns {Promise<{data: Buffer, width: number, height: number, labelled: object[]}>} RGB, 8 bits
 * @throws UsageError for a photograph that is damaged
 */
export async function cutBackground(background, megapixels, random) {
  const whole = Math.sqrt((megapixels * 1e6) / (background.width * background.height));
  const scale = whole >= 1 ? whole : whole + random.next() * (1 - whole);
  const width = Math.round(background.width * whole);
  const height = Math.round(background.height * whole);
  const cut = {
    width: Math.min(background.width, Math.round(width / scale)),
    height: Math.min(background.height, Math.round(height / scale)),
  };
  cut.left = random.below(background.width - cut.width + 1);
  cut.top = random.below(background.height - cut.height + 1);
  const data = await sharp(await readFile(background.file), { failOn: 'truncated' })
    .autoOrient()
    .extract(cut)
    .resize(width, height, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer()
    .catch((error) => {
      throw new UsageError(`Expected a whole image but received ${background.file}: ${error.message}`, {
        cause: error,
      });
    });
  const [sx, sy] = [width / cut.width, height / cut.height];
  const labelled = background.labelled.map((box) => ({
    x1: (box.x1 - cut.left) * sx,
    y1: (box.y1 - cut.top) * sy,
    x2: (box.x2 - cut.left) * sx,
    y2: (box.y2 - cut.top) * sy,
  }));
  return { data, width, height, labelled };
}

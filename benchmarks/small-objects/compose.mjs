import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { UsageError } from '../../dist/errors.js';
import { cutBackground, readBackgrounds } from './backgrounds.mjs';
import { blend } from './blend.mjs';
import { FOLDERS } from './options.mjs';
import { shrink } from './patch.mjs';
import { Random } from './random.mjs';
import { LEAST_SHRINK, readSources } from './sources.mjs';

/** How often one object may stand at one height. */
const MOST_COPIES = 4;
/** Pixels between two patches. */
const GAP = 16;
const TRIES = 2000;

/** The value of `attrs.height`: not a number to whoever reads it, and sorted as the heights are. */
export const heightName = (height) => `h${String(height).padStart(3, '0')}`;

/**
 * Writes `<out>/faces` and `<out>/plates`: every photograph holds one object of every height, so that all heights
 * meet the same backgrounds. A height of which too few sources are large enough has fewer objects.
 *
 * @param {ReturnType<import('./options.mjs').readOptions>} options
 * @param {(line: string) => void} say
 * @throws UsageError for data that cannot serve
 */
export async function makeSet(options, say) {
  await assertFree(options.out);
  const backgrounds = await readBackgrounds(options.backgrounds, options.megapixels);
  for (const cls of options.classes) {
    const sources = await readSources(options.data, cls);
    const draws = new Map();
    const made = {};
    for (const height of options.heights) {
      const pool = sources.filter(({ box }) => box.y2 - box.y1 >= LEAST_SHRINK * height);
      const drawn = new Random(options.seed, cls, 'sources', height).rounds(pool, options.perHeight, MOST_COPIES);
      draws.set(height, drawn);
      made[heightName(height)] = { objects: drawn.length, sources: new Set(drawn).size };
    }
    const count = Math.max(...[...draws.values()].map((drawn) => drawn.length));
    if (count === 0) {
      throw new UsageError(
        `Expected ${FOLDERS[cls]} of at least ${LEAST_SHRINK} times ${options.heights[0]} px, with surroundings, in ${options.data.join(', ')} but found none`,
      );
    }
    say(`${cls}: ${sources.length} objects to copy, ${backgrounds.length} backgrounds`);
    const folder = path.join(options.out, FOLDERS[cls]);
    await mkdir(path.join(folder, 'images'), { recursive: true });
    const order = new Random(options.seed, cls, 'backgrounds').rounds(backgrounds, count, Infinity);
    const images = [];
    for (const [i, background] of order.entries()) {
      const objects = [...draws]
        .map(([height, drawn]) => ({ height, source: drawn[i] }))
        .filter(({ source }) => source !== undefined);
      const file = `images/synthetic_${String(i).padStart(4, '0')}.jpg`;
      const random = new Random(options.seed, cls, 'photograph', i);
      images.push({ file, ...(await makePhotograph(path.join(folder, file), background, objects, options, random)) });
      say(`${cls}: ${i + 1} of ${order.length} photographs`);
    }
    const { seed, perHeight, megapixels } = options;
    const set = { made: { seed, perHeight, megapixels, heights: made }, classes: [cls], images };
    await writeFile(path.join(folder, 'annotations.json'), `${JSON.stringify(set, null, 1)}\n`);
  }
}

async function assertFree(out) {
  await mkdir(out, { recursive: true });
  const taken = await readdir(out);
  if (taken.length > 0) {
    throw new UsageError(`Expected a new or empty folder for --out but received ${out} with ${taken[0]}`);
  }
}

async function makePhotograph(file, background, objects, { megapixels }, random) {
  const photo = await cutBackground(background, megapixels, random);
  const taken = [...photo.labelled];
  const boxes = [];
  // The large first, while there is room.
  for (const { height, source } of objects.toReversed()) {
    const patch = await shrink(source, height);
    const { left, top } = place(patch, photo, taken, random, background.file);
    blend(photo, patch, left, top, random);
    taken.push({ x1: left, y1: top, x2: left + patch.width, y2: top + patch.height });
    const { x, y, w, h } = patch.box;
    boxes.push({
      x: round(left + x),
      y: round(top + y),
      w: round(w),
      h: round(h),
      attrs: { height: heightName(height) },
    });
  }
  const { data, width, height } = photo;
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toFile(file);
  return { width, height, source: 'synthetic', boxes: boxes.reverse() };
}

const round = (value) => Math.round(value * 100) / 100;

function place(patch, photo, taken, random, name) {
  for (let i = 0; i < TRIES && patch.width <= photo.width && patch.height <= photo.height; i++) {
    const left = random.below(photo.width - patch.width + 1);
    const top = random.below(photo.height - patch.height + 1);
    const free = taken.every(
      (box) =>
        box.x2 + GAP <= left ||
        box.x1 - GAP >= left + patch.width ||
        box.y2 + GAP <= top ||
        box.y1 - GAP >= top + patch.height,
    );
    if (free) return { left, top };
  }
  throw new UsageError(
    `Expected room for an object of ${patch.width} × ${patch.height} px in ${name} but found none: more --megapixels or fewer and smaller --heights`,
  );
}

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UsageError } from '../../dist/errors.js';
import { readLabels } from '../../dist/eval/labels/read.js';

/** Pixels. Below, a face or plate is often too poor for its label, and shrinking it would measure that. */
const LEAST_HEIGHT = 48;
/** Least ratio of the source's height to that of the copy: never enlarged, and shrunk enough to be sharp. */
export const LEAST_SHRINK = 1.5;
/** Surroundings to take along, in widths and heights of the box: head and shoulders, or the end of a car. */
const RINGS = { face: { across: 1, down: 1 }, plate: { across: 1, down: 2 } };
/** Shares of them that are tried until no other labelled object is among them. */
const RING_SHARES = [1, 0.75, 0.5];
/** What must remain of them where the photograph ends, in sizes of the box, so that there is room to fade. */
const LEAST_RING = 0.2;
/** Width to height. Outside, a box is no upright face, or a plate seen so steeply that its height says little. */
const ASPECTS = { face: [0.5, 1.3], plate: [1.5, 7] };

const clear = (value) => ['', '0', 'no', 'none', 'false', 'clear'].includes(value.toLowerCase());
/** Attributes that say that an object is hard for other reasons than its size. Absent ones say nothing. */
const ATTRIBUTES = {
  mask: (value) => value === 'without_mask',
  difficulty: (value) => value === 'easy' || value === 'medium',
  occlusion: clear,
  occluded: clear,
  truncated: clear,
  blur: clear,
  invalid: clear,
};

/**
 * @typedef {object} Source an object with its surroundings, in whole pixels of the upright photograph
 * @property {string} file absolute path
 * @property {{x1: number, y1: number, x2: number, y2: number}} box the object
 * @property {{left: number, top: number, width: number, height: number}} area the object and its surroundings
 */

/**
 * Objects that may be copied, in a stable order.
 * @param {string[]} folders labelled folders
 * @param {'face' | 'plate'} cls
 * @returns {Promise<Source[]>}
 * @throws UsageError for labels or images that are damaged
 */
export async function readSources(folders, cls) {
  const sources = [];
  for (const folder of folders) {
    const { images } = await readLabels(folder);
    for (const image of images) {
      const fit = image.objects.filter((object) => object.class === cls && isFit(object));
      if (fit.length === 0) continue;
      const { autoOrient } = await sharp(await readFile(image.file))
        .metadata()
        .catch((error) => {
          throw new UsageError(`Expected an image but received ${image.file}: ${error.message}`, { cause: error });
        });
      for (const object of fit) {
        const area = areaOf(object, image.objects, autoOrient.width, autoOrient.height);
        if (area !== undefined) sources.push({ file: image.file, box: object.box, area });
      }
    }
  }
  return sources;
}

function isFit({ class: cls, box, ignore, attributes }) {
  const height = box.y2 - box.y1;
  const aspect = (box.x2 - box.x1) / height;
  const [narrowest, widest] = ASPECTS[cls];
  if (ignore || height < LEAST_HEIGHT || aspect < narrowest || aspect > widest) return false;
  return Object.entries(attributes).every(([key, value]) => ATTRIBUTES[key]?.(value) ?? true);
}

function areaOf(object, all, width, height) {
  const { x1, y1, x2, y2 } = object.box;
  const w = x2 - x1;
  const h = y2 - y1;
  for (const share of RING_SHARES) {
    const across = RINGS[object.class].across * share * w;
    const down = RINGS[object.class].down * share * h;
    const left = Math.max(0, Math.ceil(x1 - across));
    const top = Math.max(0, Math.ceil(y1 - down));
    const right = Math.min(width, Math.floor(x2 + across));
    const bottom = Math.min(height, Math.floor(y2 + down));
    const ends = Math.min((x1 - left) / w, (right - x2) / w, (y1 - top) / h, (bottom - y2) / h);
    if (ends < LEAST_RING) return undefined;
    const alone = all.every(
      ({ box }) => box === object.box || box.x2 <= left || box.x1 >= right || box.y2 <= top || box.y1 >= bottom,
    );
    if (alone) return { left, top, width: right - left, height: bottom - top };
  }
  return undefined;
}

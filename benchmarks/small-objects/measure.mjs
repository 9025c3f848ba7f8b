import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../../dist/errors.js';
import { evaluate } from '../../dist/eval/evaluate.js';
import { FOLDERS } from './options.mjs';

/** Plates are widened to the text on them, as in any run that looks for both. */
const BESIDE = { face: ['face'], plate: ['plate', 'text'] };
/** Seconds for a photograph: slow is slow, not failed. */
const TIME_LIMIT = 3600;

/** What `makeSet` noted about one class of the set. @throws UsageError when it is another data set, or none */
async function readMade(out, cls) {
  const file = path.join(out, FOLDERS[cls], 'annotations.json');
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new UsageError(`Expected a set made by this script in ${out} but received none: ${error.message}`);
  });
  let made;
  try {
    ({ made } = JSON.parse(text));
  } catch (error) {
    throw new UsageError(`${file}: expected JSON but received text that is not: ${error.message}`, { cause: error });
  }
  if (made?.heights === undefined) {
    throw new UsageError(`${file}: expected a set made by this script but received other labels`);
  }
  return made;
}

/**
 * Measures one class of the set at every quality level.
 *
 * @param {ReturnType<import('./options.mjs').readOptions>} options
 * @param {(line: string) => void} say
 * @returns {Promise<{made: object, runs: object, curves: Map<string, import('./curve.mjs').Point[]>}>} curves, and what
 *   else is known of their runs, by level; photographs that failed are listed in `runs` and count nowhere
 * @throws UsageError when `--out` holds no set of this script
 */
export async function measureClass(cls, { out, qualities, model: models, limit }, say) {
  const made = await readMade(out, cls);
  const curves = new Map();
  const runs = {};
  for (const quality of qualities) {
    const { report } = await evaluate(
      {
        data: path.join(out, FOLDERS[cls]),
        classes: BESIDE[cls],
        quality,
        timeLimit: TIME_LIMIT,
        ...(models[cls] === undefined ? {} : { model: { [cls]: models[cls] } }),
        ...(limit === undefined ? {} : { limit }),
      },
      { onProgress: ({ done, total }) => say(`${cls}, ${quality}: ${done} of ${total} photographs measured`) },
    );
    const { failed, msPerImage, classes } = report;
    for (const { image, stage, message } of failed) say(`warning: ${image} is left out: ${stage}: ${message}`);
    const { model, threshold, grow, byAttribute } = classes.find((c) => c.class === cls);
    const heights = byAttribute.find(({ name }) => name === 'height');
    if (heights === undefined) throw new Error(`Every photograph failed: ${failed[0]?.message}`);
    curves.set(quality, curveOf(heights.groups, made));
    runs[quality] = { model, threshold, grow, msPerImage, failed };
  }
  return { made, runs, curves };
}

function curveOf(groups, { heights }) {
  return groups
    .map(({ name, objects, cover90 }) => ({
      height: Number(name.slice(1)),
      objects,
      sources: heights[name].sources,
      cover90: cover90.value,
      interval: [cover90.low, cover90.high],
    }))
    .sort((a, b) => a.height - b.height);
}

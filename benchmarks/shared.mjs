// What several benchmarks do in the same way.
import { readFile } from 'node:fs/promises';
import { processSample } from '../dist/worker/process.js';

/** `class=id,class=file` as the option `model` of a configuration. */
export const modelsOf = (text) =>
  Object.fromEntries(
    text
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=')),
  );

/** At most `limit` of the items, spread evenly over all of them. */
export function spread(items, limit) {
  const count = Math.min(limit, items.length);
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

/**
 * Sends every photograph through the whole pipeline (decode to verified bytes) of every side in turn, so that a slow
 * spell of the machine hits all of them. Adds mean milliseconds per photograph to `whole` and `detect` of each side.
 * The first `warmUp` photographs are sent once before, uncounted: they also pay for the networks' memory.
 */
export async function inTurn(files, sides, warmUp) {
  for (const [i, file] of [...files.slice(0, warmUp), ...files].entries()) {
    const bytes = await readFile(file);
    // Who goes first changes, since it finds colder caches.
    for (const side of i % 2 === 0 ? sides : [...sides].reverse()) {
      const start = performance.now();
      const outcome = await processSample(bytes, side.job, side.networks);
      if (outcome.status !== 'verified') throw new Error(`Expected a readable photograph but ${file} is not`);
      if (i < warmUp) continue;
      side.whole += (performance.now() - start) / files.length;
      side.detect += outcome.timings.detect / files.length;
    }
  }
}

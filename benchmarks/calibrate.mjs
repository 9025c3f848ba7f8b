// Which least score and growth does each model get?
//   node benchmarks/calibrate.mjs --data <labelled> [--qualities fast,balanced,max] [--classes …]
//     [--model id|class=id|class=path,…] [--json file] [--write]
// A model named by its id alone is used for all that it finds: every class gets its own least score and growth within
// its own budget, from the same looks.
// Chosen is, of a few growths, the one that covers most objects at the lowest score at which no more than the budget of
// the background is redacted. Reported is what that reaches on photographs that took no part in the choice: they are
// split into two halves, and each half is measured with what the other one has chosen. What ships is chosen on both.
// --write puts all into models/manifest.json, where the levels of the model, or of its family, are, class by class.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fillConfig } from '../dist/config.js';
import { UsageError } from '../dist/errors.js';
import { evaluationJob } from '../dist/eval/job.js';
import { readLabels } from '../dist/eval/labels/read.js';
import { Levels } from '../dist/eval/levels.js';
import { ImageMeasurer } from '../dist/eval/measure-image.js';
import { findModel, loadManifest, MANIFEST_URL } from '../dist/models/manifest.js';
import { prepareJob } from '../dist/prepare.js';
import { WorkerPool } from '../dist/worker/pool.js';

/** Share of the background that may be redacted for nothing. `max` may spend twice as much. */
const BUDGET = { face: 0.033, body: 0.032, plate: 0.006, text: 0.022 };
const SPENDS = { fast: 1, balanced: 1, max: 2 };
/** Lowest scores that are considered. */
const FLOOR = { face: 0.06, body: 0.06, plate: 0.03, text: 0.1 };
/** Growths to choose from: more would only fill the margin around labels that is not counted as background. */
const GROWTHS = {
  face: [0, 0.03, 0.06, 0.09],
  body: [0.04, 0.08, 0.12],
  plate: [0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.16],
  text: [0.2, 0.3, 0.4],
};

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    qualities: { type: 'string', default: 'fast,balanced,max' },
    classes: { type: 'string', default: 'face,body,plate,text' },
    model: { type: 'string', default: '' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
if (!values.data) throw new UsageError('Expected a folder of labelled photographs for --data but received nothing');
const classes = values.classes.split(',');
const model = Object.fromEntries(
  values.model
    .split(',')
    .filter(Boolean)
    .flatMap((named) => {
      if (named.includes('=')) return [named.split('=')];
      const found = findModel(loadManifest(), named).classes.filter((cls) => classes.includes(cls));
      return found.map((cls) => [cls, named]);
    }),
);

/** Which half a photograph belongs to, whatever else is in the set (FNV-1a of its name). */
function half(name) {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 16) & 1;
}

/** Detections of every photograph, from the floor on. */
async function detectAll(job, images, workers) {
  const pool = new WorkerPool(job, { workers });
  try {
    await pool.ready();
    const seen = await Promise.all(images.map(({ file }) => pool.detect({ kind: 'file', path: file })));
    return images.flatMap((image, i) => (seen[i].status === 'detected' ? [{ image, ...seen[i] }] : []));
  } finally {
    await pool.close();
  }
}

/** Objects by the number of levels that cover them, background pixels by the number that redact them. */
function sumUp(samples, policy, levels) {
  const measurer = new ImageMeasurer(policy, levels);
  const sums = {};
  for (const { image, detections, width, height } of samples) {
    for (const [cls, { objects, backgroundLevels }] of measurer.measure(image, detections, width, height)) {
      sums[cls] ??= {
        objects: new Float64Array(levels[cls].count + 1),
        pixels: new Float64Array(levels[cls].count + 1),
      };
      for (const { coveredLevels } of objects) sums[cls].objects[coveredLevels]++;
      for (const [level, n] of backgroundLevels.entries()) sums[cls].pixels[level] += n;
    }
  }
  return sums;
}

const total = (array) => array.reduce((sum, n) => sum + n, 0);

/** cover90 and background by threshold, from the highest down. */
function* walk({ objects, pixels }, { thresholds }) {
  const [all, area] = [total(objects), total(pixels)];
  let covered = 0;
  let redacted = 0;
  for (let k = thresholds.length - 1; k >= 0; k--) {
    covered += objects[k + 1];
    redacted += pixels[k + 1];
    yield { threshold: thresholds[k], cover90: covered / all, background: redacted / area, objects: all };
  }
}

/** The growth and lowest threshold that cover most within the budget, given sums by growth. */
function choose(byGrowth, levels, budget) {
  let best;
  for (const [growth, sums] of byGrowth) {
    let within;
    for (const point of walk(sums, levels)) {
      if (point.background > budget) break;
      within = point;
    }
    if (within && !(within.cover90 <= best?.cover90)) best = { ...within, growth };
  }
  return best;
}

/** Covered objects and redacted pixels at a threshold. */
function countsAt({ objects, pixels }, { thresholds }, threshold) {
  const first = thresholds.findIndex((t) => t >= threshold - 1e-9);
  const above = (array) => total(array.subarray(first + 1));
  return { covered: above(objects), objects: total(objects), redacted: above(pixels), pixels: total(pixels) };
}

const added = (a, b) => Object.fromEntries(Object.keys(a).map((key) => [key, a[key].map((n, i) => n + b[key][i])]));

const round = (n, digits) => Number(n.toFixed(digits));
const percent = (n) => `${(100 * n).toFixed(2)} %`;

const labels = await readLabels(values.data);
const chosen = [];
for (const quality of values.qualities.split(',')) {
  const floors = Object.fromEntries(classes.map((cls) => [cls, FLOOR[cls]]));
  const config = fillConfig({ inputs: ['-'], out: 'unused', quality, classes, model, threshold: floors });
  const job = evaluationJob(await prepareJob(config));
  const images = labels.images.filter((image) => image.labelled.some((cls) => classes.includes(cls)));
  const samples = await detectAll(job, images, config.workers);
  const levels = Object.fromEntries(classes.map((cls) => [cls, new Levels(floors[cls], floors[cls])]));
  const halves = [0, 1].map((side) => samples.filter(({ image }) => half(image.name) === side));
  const sums = { halves: [new Map(), new Map()], all: new Map() };
  for (let i = 0; i < Math.max(...classes.map((cls) => GROWTHS[cls].length)); i++) {
    const grow = Object.fromEntries(classes.map((cls) => [cls, GROWTHS[cls][i] ?? GROWTHS[cls].at(-1)]));
    const [one, other] = halves.map((samples) => sumUp(samples, { ...job.policy, grow }, levels));
    for (const cls of classes) {
      if (!one[cls] || !other[cls]) continue;
      const put = (map, value) => map.set(cls, new Map([...(map.get(cls) ?? []), [grow[cls], value]]));
      put(sums.halves[0], one[cls]);
      put(sums.halves[1], other[cls]);
      put(sums.all, added(one[cls], other[cls]));
    }
  }
  for (const [cls, byGrowth] of sums.all) {
    const budget = BUDGET[cls] * SPENDS[quality];
    const point = choose(byGrowth, levels[cls], budget);
    const byHalf = sums.halves.map((half) => choose(half.get(cls), levels[cls], budget));
    if (!point || byHalf.includes(undefined)) {
      process.stdout.write(`${cls.padEnd(6)}${quality.padEnd(9)}no least score keeps within ${percent(budget)}\n`);
      continue;
    }
    const held = [0, 1].map((side) => {
      const { growth, threshold } = byHalf[1 - side];
      return countsAt(sums.halves[side].get(cls).get(growth), levels[cls], threshold);
    });
    const sum = (key) => held[0][key] + held[1][key];
    const measured = {
      cover90: round(sum('covered') / sum('objects'), 3),
      background: round(sum('redacted') / sum('pixels'), 4),
      objects: sum('objects'),
    };
    const id = job.models.find((m) => m.startsWith(`${cls}:`)).replace(/^.*?:(.*)@.*$/, '$1');
    const { family } = job.detect.networks.find((n) => n.model.id === id)?.model ?? {};
    // Upwards: a lower one might exceed the budget.
    const threshold = round(Math.ceil(point.threshold * 1000 - 1e-6) / 1000, 3);
    chosen.push({ cls, id, family, quality, threshold, growth: point.growth, chosenOn: point, measured });
    process.stdout.write(
      `${cls.padEnd(6)}${quality.padEnd(9)}${id.padEnd(24)}threshold ${threshold} growth ${point.growth}: ${point.cover90.toFixed(3)} at ${percent(point.background)} of all; each half by the other's choice ${measured.cover90} at ${percent(measured.background)}\n`,
    );
  }
}

if (values.json) await writeFile(values.json, `${JSON.stringify(chosen, null, 2)}\n`);
if (values.write) {
  const manifest = JSON.parse(await readFile(MANIFEST_URL, 'utf8'));
  for (const { cls, id, family, quality, threshold, growth, measured } of chosen) {
    const levels = manifest.models.find((m) => m.id === id)?.levels ?? manifest.families[family];
    const { slack } = levels[quality].classes[cls] ?? {};
    levels[quality].classes[cls] = { threshold, growth, ...(slack ? { slack } : {}), measured };
  }
  await writeFile(MANIFEST_URL, `${JSON.stringify(manifest, null, 2)}\n`);
}

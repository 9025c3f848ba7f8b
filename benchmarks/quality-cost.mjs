// What does each quality level cost, on the same photographs in the same run?
//   node benchmarks/quality-cost.mjs --data <labelled> [--limit 200] [--qualities fast,balanced] [--model class=…,…]
// One thread. Every photograph goes through the whole pipeline (decode to verified bytes) once per level, in turn, so
// that a slow spell of the machine hits all of them.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fillConfig } from '../dist/config.js';
import { DetectPipeline } from '../dist/detect/pipeline.js';
import { UsageError } from '../dist/errors.js';
import { readLabels } from '../dist/eval/labels/read.js';
import { prepareJob } from '../dist/prepare.js';
import { processSample } from '../dist/worker/process.js';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    limit: { type: 'string', default: '200' },
    qualities: { type: 'string', default: 'fast,balanced' },
    model: { type: 'string', default: '' },
  },
});
if (!values.data) throw new UsageError('Expected a folder of labelled photographs for --data but received nothing');
const pairs = values.model.split(',').filter(Boolean);
const model = Object.fromEntries(pairs.map((pair) => pair.split('=')));

const { images } = await readLabels(values.data);
const limit = Math.min(Number(values.limit), images.length);
const chosen = Array.from({ length: limit }, (_, i) => images[Math.floor((i * images.length) / limit)]);
const levels = [];
for (const quality of values.qualities.split(',')) {
  const job = await prepareJob(fillConfig({ inputs: ['-'], out: 'unused', quality, model }));
  levels.push({ quality, job, pipeline: await DetectPipeline.open(job.detect, 'cpu'), whole: 0, detect: 0 });
}
/** The first photographs also pay for the networks' memory, and are not counted. */
const warmUp = 2 * levels.length;
if (limit <= warmUp) throw new UsageError(`Expected more than ${warmUp} photographs but received ${limit}`);
for (const [i, { file }] of chosen.entries()) {
  const bytes = await readFile(file);
  // Who goes first changes, since it finds colder caches.
  for (const level of i % 2 === 0 ? levels : [...levels].reverse()) {
    const start = performance.now();
    const outcome = await processSample(bytes, level.job, level.pipeline);
    if (outcome.status !== 'verified') throw new Error(`Expected a readable photograph but ${file} is not`);
    if (i < warmUp) continue;
    level.whole += performance.now() - start;
    level.detect += outcome.timings.detect;
  }
}
const [first] = levels;
const counted = limit - warmUp;
for (const { quality, whole, detect, pipeline } of levels) {
  process.stdout.write(
    `${quality.padEnd(9)} whole pipeline ${(whole / counted).toFixed(0)} ms (${(whole / first.whole).toFixed(2)} × ${first.quality}), detection ${(detect / counted).toFixed(0)} ms (${(detect / first.detect).toFixed(2)} ×)\n`,
  );
  await pipeline.close();
}

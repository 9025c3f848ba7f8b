// What does each quality level cost, on the same photographs in the same run?
//   node benchmarks/quality-cost.mjs --data <labelled> [--limit 200] [--qualities fast,balanced] [--model class=…,…]
// One thread. Every photograph goes through the whole pipeline (decode to verified bytes) once per level, in turn, so
// that a slow spell of the machine hits all of them.
import { parseArgs } from 'node:util';
import { fillConfig } from '../dist/config.js';
import { UsageError } from '../dist/errors.js';
import { readLabels } from '../dist/eval/labels/read.js';
import { prepareJob } from '../dist/prepare.js';
import { Networks } from '../dist/worker/networks.js';
import { inTurn, modelsOf, spread } from './shared.mjs';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    limit: { type: 'string', default: '200' },
    qualities: { type: 'string', default: 'fast,balanced' },
    model: { type: 'string', default: '' },
  },
});
if (!values.data) throw new UsageError('Expected a folder of labelled photographs for --data but received nothing');
const model = modelsOf(values.model);

const { images } = await readLabels(values.data);
const files = spread(images, Number(values.limit)).map(({ file }) => file);
const levels = [];
for (const quality of values.qualities.split(',')) {
  const job = await prepareJob(fillConfig({ inputs: ['-'], out: 'unused', quality, model }));
  levels.push({ quality, job, networks: await Networks.open(job), whole: 0, detect: 0 });
}
await inTurn(files, levels, Math.min(2 * levels.length, files.length));
const [first] = levels;
for (const { quality, whole, detect, networks } of levels) {
  process.stdout.write(
    `${quality.padEnd(9)} whole pipeline ${whole.toFixed(0)} ms (${(whole / first.whole).toFixed(2)} × ${first.quality}), detection ${detect.toFixed(0)} ms (${(detect / first.detect).toFixed(2)} ×)\n`,
  );
  await networks.close();
}

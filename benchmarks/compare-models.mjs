// What do the default models cost and cover beside those that they replaced, in one run?
//   node benchmarks/compare-models.mjs [--data <labelled>] [--quality balanced] [--limit 60] [--rounds 20]
//     [--before face=ssd-mobilenetv1-face,body=centernet-mobilenetv3,plate=plate-shape] [--json file]
// One thread. First the bare networks, each shown a photograph of 4:3 at its scale for a whole image; then the whole
// pipeline (decode to verified bytes) for all four classes, photograph by photograph in turn, so that a slow spell of
// the machine hits both. Without --data on the photographs that come with @vladmandic/face-api, and no coverage.
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fillConfig } from '../dist/config.js';
import { CLASSES } from '../dist/core/types.js';
import { UsageError } from '../dist/errors.js';
import { evaluate } from '../dist/eval/evaluate.js';
import { readLabels } from '../dist/eval/labels/read.js';
import { packageFile } from '../dist/models/package-files.js';
import { openSession } from '../dist/models/session.js';
import { prepareJob } from '../dist/prepare.js';
import { Networks } from '../dist/worker/networks.js';
import { inTurn, modelsOf, spread } from './shared.mjs';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    quality: { type: 'string', default: 'balanced' },
    limit: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '20' },
    before: { type: 'string', default: 'face=ssd-mobilenetv1-face,body=centernet-mobilenetv3,plate=plate-shape' },
    json: { type: 'string' },
  },
});
const { quality } = values;
const before = modelsOf(values.before);
const [rounds, limit] = [values.rounds, values.limit].map(Number);
if (!(rounds >= 1) || !(limit >= 8)) {
  throw new UsageError(
    `Expected at least 1 for --rounds and 8 for --limit but received ${values.rounds}, ${values.limit}`,
  );
}
const write = (line) => process.stdout.write(`${line}\n`);
const ms = (n) => `${n.toFixed(1)} ms`;

const sides = [];
for (const [name, model] of [
  ['before', before],
  ['now', {}],
]) {
  const job = await prepareJob(fillConfig({ inputs: ['-'], out: 'unused', quality, model }));
  sides.push({ name, model, job, networks: await Networks.open(job), whole: 0, detect: 0 });
}

/** Input of a photograph of 4:3, at the network's scale for a whole image. */
function shapeFor({ input, level }) {
  const { size, multiple } = input;
  const up = (n) => Math.ceil(n / multiple) * multiple;
  const long = level.longSide ?? size.longSide;
  const [width, height] = 'width' in size ? [size.width, size.height] : [up(long), up((long * 3) / 4)];
  return input.layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3];
}

/** The networks of a side, without those that both sides have. */
const own = (side, other) =>
  side.job.detect.networks
    .map((n) => n.model)
    .filter((model) => !other.job.detect.networks.some((n) => n.model.sha256 === model.sha256));

write(`One look of the networks that differ, ${rounds} rounds, one thread`);
const networks = [];
for (const [side, other] of [sides, [...sides].reverse()]) {
  for (const model of own(side, other)) {
    const shape = shapeFor(model);
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * 2654435761) % 256);
    const session = await openSession(model.path, model.id, 'cpu');
    for (let i = 0; i < 3; i++) await session.run(data, shape);
    networks.push({ side: side.name, id: model.id, shape, data, session, times: [] });
  }
}
for (let round = 0; round < rounds; round++) {
  for (const network of networks) {
    const start = performance.now();
    await network.session.run(network.data, network.shape);
    network.times.push(performance.now() - start);
  }
}
const looks = {};
for (const { side, id, shape, times, session } of networks) {
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  looks[side] = (looks[side] ?? 0) + median;
  write(`  ${side.padEnd(7)}${id.padEnd(24)}${shape.join(' × ').padEnd(20)}${ms(median)}`);
  await session.release();
}
write(`  now / before: ${(looks.now / looks.before).toFixed(2)}\n`);

const demo = path.dirname(packageFile('@vladmandic/face-api', 'demo/sample1.jpg'));
const all = values.data
  ? (await readLabels(values.data)).images.map(({ file }) => file)
  : (await readdir(demo)).filter((name) => /\.(jpe?g|png)$/.test(name)).map((name) => path.join(demo, name));
const files = spread(all, limit);
await inTurn(files, sides, Math.min(4, files.length >> 1));
write(`Whole pipeline, all four classes, ${quality}, ${files.length} photographs, one thread`);
for (const { name, whole, detect, job, networks } of sides) {
  write(
    `  ${name.padEnd(7)}${ms(whole).padEnd(12)}of which detection ${ms(detect)}; ${job.models.join(' ').replaceAll(/@\S+/g, '')}`,
  );
  await networks.close();
}
const [was, is] = sides;
write(`  now is ${(was.whole / is.whole).toFixed(2)} × as fast; detection ${(was.detect / is.detect).toFixed(2)} ×`);

const coverage = [];
if (values.data) {
  write(`\nCoverage and background, ${quality}`);
  for (const { name, model } of sides) {
    const { report } = await evaluate({ data: values.data, quality, model });
    for (const c of report.classes) {
      coverage.push({ side: name, class: c.class, cover90: c.cover90.value, background: c.background });
    }
  }
  for (const cls of CLASSES) {
    for (const c of coverage.filter((c) => c.class === cls)) {
      write(
        `  ${cls.padEnd(7)}${c.side.padEnd(8)}cover90 ${c.cover90.toFixed(3)}  background ${(100 * c.background).toFixed(2)} %`,
      );
    }
  }
}
if (values.json) {
  const cost = sides.map(({ name, whole, detect }) => ({ name, whole, detect }));
  await writeFile(
    values.json,
    `${JSON.stringify({ quality, photographs: files.length, looks, cost, coverage }, null, 2)}\n`,
  );
}

// What redacting one region costs, by mode, class and size, and as a share of the whole pipeline's time for a photograph.
//   node benchmarks/redaction-cost.mjs [--rounds 7] [--sizes 24,100,300,1000]
// The photographs come with @vladmandic/face-api: the first face that is found in one of them is brought to each size,
// the other classes get boxes of their usual proportions around it. Modes take turns in every round.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fillConfig } from '../dist/config.js';
import { decodeImage } from '../dist/image/decode.js';
import { resizeImage } from '../dist/image/resize.js';
import { prepareJob } from '../dist/prepare.js';
import { redactInPlace } from '../dist/redact/apply.js';
import { planRegions } from '../dist/redact/plan.js';
import { Networks } from '../dist/worker/networks.js';
import { processSample } from '../dist/worker/process.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, sizes: { type: 'string', default: '24,100,300,1000' } },
});
const rounds = Number(values.rounds);
const sizes = values.sizes.split(',').map(Number);
const demo = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);
const photographs = [1, 2, 3, 4, 5, 6].map((n) => path.join(demo, `sample${n}.jpg`));
const MODES = ['blur', 'gaussian', 'pixelate', 'solid', 'inpaint', 'synthetic'];
/** Width and height as shares of the size. */
const PROPORTIONS = { face: [0.8, 1], body: [1, 2.4], plate: [1, 0.22], text: [1, 0.12] };
const CASES = [
  ...Object.keys(PROPORTIONS).map((cls) => ({ cls })),
  { cls: 'body', bodyFill: 'mannequin', only: 'synthetic' },
];
const write = (line) => process.stdout.write(`${line}\n`);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const job = await prepareJob(
  fillConfig({
    inputs: ['-'],
    out: 'unused',
    redact: { face: 'synthetic', body: 'synthetic', plate: 'synthetic', text: 'synthetic' },
    bodyFill: 'mannequin',
  }),
);
const networks = await Networks.open(job);

const pipeline = [];
for (const file of [photographs[0], ...photographs]) {
  const start = performance.now();
  await processSample(await readFile(file), { ...job, policy: { ...job.policy, redact: each('blur') } }, networks);
  pipeline.push(performance.now() - start);
}
const perPhotograph = pipeline.slice(1).reduce((a, b) => a + b) / photographs.length;
write(`Whole pipeline at balanced, all classes blurred: ${perPhotograph.toFixed(0)} ms a photograph, one thread`);
write(
  'Milliseconds a region (median), and the share of that time; the region is as wide as the size, a face as high\n',
);
write(`${'class'.padEnd(16)}${'size'.padStart(6)}${MODES.map((m) => m.padStart(18)).join('')}${'guide'.padStart(9)}`);

for (const { cls, bodyFill = 'erase', only } of CASES) {
  for (const size of sizes) {
    const scene = await sceneOf(cls, size);
    const times = Object.fromEntries(MODES.map((mode) => [mode, []]));
    const guides = [];
    for (let round = 0; round < rounds + 1; round++) {
      for (const mode of MODES) {
        if (only && mode !== only) continue;
        const planned = planRegions(
          [scene.detection],
          { ...job.policy, redact: each(mode) },
          scene.rgb.width,
          scene.rgb.height,
        );
        const start = performance.now();
        const regions = await networks.guides.addTo(planned, scene.rgb);
        const guided = performance.now();
        const rgb = { ...scene.rgb, data: scene.rgb.data.slice() };
        const begin = performance.now();
        redactInPlace({ rgb }, regions, { fill: job.fill, bodyFill, faces: networks.faces, seed: [round] });
        if (round === 0) continue;
        times[mode].push(performance.now() - begin);
        if (mode === 'synthetic') guides.push(guided - start);
      }
    }
    const cell = (mode) => {
      if (times[mode].length === 0) return ''.padStart(18);
      const ms = median(times[mode]);
      return `${ms.toFixed(2)} (${((100 * ms) / perPhotograph).toFixed(1)} %)`.padStart(18);
    };
    const name = bodyFill === 'mannequin' ? 'mannequin' : cls;
    write(
      `${name.padEnd(16)}${String(size).padStart(6)}${MODES.map(cell).join('')}${median(guides).toFixed(1).padStart(9)}`,
    );
  }
}
await networks.close();

function each(mode) {
  return { face: mode, body: mode, plate: mode, text: mode };
}

/** The photograph scaled so that its face is `size` px high, cut to what surrounds a region of the class. */
async function sceneOf(cls, size) {
  const { rgb } = await decodeImage(await readFile(photographs[0]), { limitPixels: 1e8, timeoutSeconds: 60 });
  const { detections } = await networks.detect.detect(rgb);
  const face = detections.find((d) => d.label === 'face');
  if (!face) throw new Error('Expected a face in the photograph but found none');
  const [w, h] = PROPORTIONS[cls];
  const scale = size / (face.box.y2 - face.box.y1);
  const middle = { x: (face.box.x1 + face.box.x2) / 2, y: (face.box.y1 + face.box.y2) / 2 };
  // Room for a region's surroundings on every side, as far as the photograph reaches.
  const [reachX, reachY] = [(1.5 * w * size) / scale, (1.5 * h * size) / scale];
  const part = {
    x1: Math.max(0, Math.floor(middle.x - reachX)),
    y1: Math.max(0, Math.floor(middle.y - reachY)),
    x2: Math.min(rgb.width, Math.ceil(middle.x + reachX)),
    y2: Math.min(rgb.height, Math.ceil(middle.y + reachY)),
  };
  const [width, height] = [part.x2 - part.x1, part.y2 - part.y1].map((n) => Math.max(1, Math.round(n * scale)));
  const scaled = await resizeImage(rgb, width, height, part);
  const at = { x: (middle.x - part.x1) * scale, y: (middle.y - part.y1) * scale };
  const box = {
    x1: at.x - (w * size) / 2,
    y1: at.y - (h * size) / 2,
    x2: at.x + (w * size) / 2,
    y2: at.y + (h * size) / 2,
  };
  const corners = [
    { x: box.x1, y: box.y1 },
    { x: box.x2, y: box.y1 },
    { x: box.x2, y: box.y2 },
    { x: box.x1, y: box.y2 },
  ];
  const detection = { label: cls, box, score: 1, model: 'placed', ...(cls === 'text' ? { polygon: corners } : {}) };
  return { rgb: { ...scaled, data: new Uint8Array(scaled.data) }, detection };
}

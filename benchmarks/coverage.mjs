// How much of what is labelled lies under the redaction?
//   node benchmarks/coverage.mjs <data> [--limit n] [--classes face,body] [--json file] [--model …]
// <data>/<task>/annotations.json as {images: [{file, width, height, boxes: [{x, y, w, h, polygon?, ignore?}]}]}.
// cover90: share of labelled boxes (or polygons) of which at least 90 % of the area is redacted by their
// own class. background: share of the unlabelled area that is redacted.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fillConfig } from '../dist/config.js';
import { DetectPipeline } from '../dist/detect/pipeline.js';
import { decodeImage } from '../dist/image/decode.js';
import { prepareJob } from '../dist/prepare.js';
import { rasterizeRegion } from '../dist/redact/mask.js';
import { planRegions } from '../dist/redact/plan.js';

const TASKS = { face: 'faces', body: 'persons', plate: 'plates', text: 'text' };
const HEIGHTS = [
  ['<16', 0, 16],
  ['16-32', 16, 32],
  ['32-96', 32, 96],
  ['>=96', 96, Infinity],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    limit: { type: 'string' },
    classes: { type: 'string', default: 'face,body,plate,text' },
    threshold: { type: 'string' },
    grow: { type: 'string' },
    model: { type: 'string' },
    json: { type: 'string' },
  },
});
const [data] = positionals;
if (!data) throw new Error('Expected a folder of labelled images: node benchmarks/coverage.mjs <data>');
const pairs = (text) =>
  Object.fromEntries(
    (text ?? '')
      .split(',')
      .filter(Boolean)
      .map((p) => p.split('=')),
  );
const numbers = (text) => Object.fromEntries(Object.entries(pairs(text)).map(([k, v]) => [k, Number(v)]));

const only = (cls, map) => (cls in map ? { [cls]: map[cls] } : {});

/** Scan-converts a box or a convex polygon by pixel centres; returns [y, x1, x2) runs. */
function runsOf(box, width, height) {
  const polygon = box.polygon?.map(([x, y]) => ({ x, y })) ?? [
    { x: box.x, y: box.y },
    { x: box.x + box.w, y: box.y },
    { x: box.x + box.w, y: box.y + box.h },
    { x: box.x, y: box.y + box.h },
  ];
  const runs = [];
  const top = Math.max(0, Math.floor(Math.min(...polygon.map((p) => p.y))));
  const bottom = Math.min(height, Math.ceil(Math.max(...polygon.map((p) => p.y))));
  for (let y = top; y < bottom; y++) {
    const at = [];
    polygon.forEach((a, i) => {
      const b = polygon[(i + 1) % polygon.length];
      if (a.y <= y + 0.5 !== b.y <= y + 0.5) at.push(a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x));
    });
    at.sort((a, b) => a - b);
    for (let i = 0; i + 1 < at.length; i += 2) {
      const x1 = Math.max(0, Math.round(at[i]));
      const x2 = Math.min(width, Math.round(at[i + 1]));
      if (x2 > x1) runs.push([y, x1, x2]);
    }
  }
  return runs;
}

const report = {};
for (const cls of values.classes.split(',')) {
  const folder = path.join(data, TASKS[cls]);
  const { images } = JSON.parse(await readFile(path.join(folder, 'annotations.json'), 'utf8'));
  const config = fillConfig({
    inputs: ['-'],
    out: 'unused',
    classes: [cls],
    threshold: only(cls, numbers(values.threshold)),
    grow: only(cls, numbers(values.grow)),
    model: only(cls, pairs(values.model)),
  });
  const job = await prepareJob(config);
  const pipeline = await DetectPipeline.open(job.detect, 'cpu');
  const boxes = [];
  let background = 0;
  let redacted = 0;
  let ms = 0;
  const chosen = images.slice(0, values.limit ? Number(values.limit) : undefined);
  for (const image of chosen) {
    const decoded = await decodeImage(await readFile(path.join(folder, image.file)), {
      limitPixels: 1e8,
      timeoutSeconds: 60,
    });
    const { width, height } = decoded.rgb;
    const start = performance.now();
    const { detections } = await pipeline.detect(decoded.rgb);
    ms += performance.now() - start;
    const mask = new Uint8Array(width * height);
    for (const region of planRegions(detections, job.policy, width, height))
      rasterizeRegion(region, width, height, mask);
    const labelled = new Uint8Array(width * height);
    for (const box of image.boxes) {
      const runs = runsOf(box, width, height);
      let area = 0;
      let covered = 0;
      for (const [y, x1, x2] of runs) {
        for (let i = y * width + x1; i < y * width + x2; i++) {
          area++;
          covered += mask[i];
          labelled[i] = 1;
        }
      }
      if (area > 0 && !box.ignore) boxes.push({ source: image.source, height: box.h, coverage: covered / area });
    }
    for (let i = 0; i < mask.length; i++) {
      if (labelled[i]) continue;
      background++;
      redacted += mask[i];
    }
  }
  await pipeline.close();
  const cover = (list) => ({
    boxes: list.length,
    cover90: list.filter((b) => b.coverage >= 0.9).length / list.length,
    mean: list.reduce((sum, b) => sum + b.coverage, 0) / list.length,
  });
  report[cls] = {
    model: job.models[0],
    threshold: job.detect.thresholds[cls],
    grow: job.policy.grow[cls],
    images: chosen.length,
    ...cover(boxes),
    background: redacted / background,
    msPerImage: ms / chosen.length,
    byHeight: Object.fromEntries(
      HEIGHTS.map(([name, least, most]) => [name, cover(boxes.filter((b) => b.height >= least && b.height < most))]),
    ),
    bySource: Object.fromEntries(
      [...new Set(boxes.map((b) => b.source))].map((s) => [s, cover(boxes.filter((b) => b.source === s))]),
    ),
  };
  const r = report[cls];
  const pct = (n) => `${(n * 100).toFixed(1)} %`;
  const small = Object.entries(r.byHeight).map(
    ([name, h]) => `${name} ${h.boxes ? pct(h.cover90) : '-'} of ${h.boxes}`,
  );
  process.stdout.write(
    `${cls.padEnd(6)} cover90 ${r.cover90.toFixed(3)} of ${r.boxes} boxes, mean ${r.mean.toFixed(3)}, background ${pct(r.background)}, ${r.msPerImage.toFixed(0)} ms/image (threshold ${r.threshold}, grow ${r.grow})\n       px: ${small.join(', ')}\n`,
  );
}
if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);

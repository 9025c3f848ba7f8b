// What is redacted in photographs that show nothing of a class, such as animals, garments or signs?
//   node benchmarks/false-alarms.mjs --images <folder> [--classes face,plate] [--quality balanced] [--limit 300]
//     [--model class=…,…] [--sheet sheet.jpg]
// Per class: the share of photographs with any detection from the threshold on, and the mean share of their area. Whether
// a photograph does show one is for a person to see: --sheet draws the 24 with the largest detections.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { fillConfig } from '../dist/config.js';
import { UsageError } from '../dist/errors.js';
import { prepareJob } from '../dist/prepare.js';
import { WorkerPool } from '../dist/worker/pool.js';
import { modelsOf, spread } from './shared.mjs';

const { values } = parseArgs({
  options: {
    images: { type: 'string' },
    classes: { type: 'string', default: 'face,plate' },
    quality: { type: 'string', default: 'balanced' },
    limit: { type: 'string', default: '300' },
    model: { type: 'string', default: '' },
    sheet: { type: 'string' },
  },
});
if (!values.images) throw new UsageError('Expected a folder of photographs for --images but received nothing');
const classes = values.classes.split(',');
const model = modelsOf(values.model);

const names = (await readdir(values.images)).filter((name) => /\.(jpe?g|png|webp)$/i.test(name)).sort();
const files = spread(names, Number(values.limit)).map((name) => path.join(values.images, name));
const config = fillConfig({ inputs: ['-'], out: 'unused', quality: values.quality, classes, model });
const pool = new WorkerPool(await prepareJob(config), { workers: config.workers });
await pool.ready();
const seen = await Promise.all(files.map((file) => pool.detect({ kind: 'file', path: file })));
await pool.close();

const found = files.flatMap((file, i) => (seen[i].status === 'detected' ? [{ file, ...seen[i] }] : []));
const areaOf = ({ box }) => Math.max(0, box.x2 - box.x1) * Math.max(0, box.y2 - box.y1);
for (const cls of classes) {
  const of = found.map(({ detections }) => detections.filter((d) => d.label === cls));
  const hit = of.filter((list) => list.length > 0).length;
  const area = of.reduce(
    (sum, list, i) => sum + Math.min(1, list.reduce((a, d) => a + areaOf(d), 0) / (found[i].width * found[i].height)),
    0,
  );
  process.stdout.write(
    `${cls.padEnd(6)}${hit} of ${found.length} photographs (${((100 * hit) / found.length).toFixed(1)} %), ${((100 * area) / found.length).toFixed(2)} % of the area\n`,
  );
}

const TILE = 320;

/** A photograph with red boxes around its detections, within TILE x TILE px. */
async function tile({ file, detections, width, height }) {
  const scale = TILE / Math.max(width, height);
  const [w, h] = [width, height].map((n) => Math.max(1, Math.round(n * scale)));
  const photograph = sharp(await readFile(file))
    .rotate()
    .resize(w, h, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb');
  const pixels = await photograph.raw().toBuffer();
  for (const { box } of detections) {
    const [x1, x2] = [box.x1, box.x2].map((n) => Math.min(w - 1, Math.max(0, Math.round(n * scale))));
    const [y1, y2] = [box.y1, box.y2].map((n) => Math.min(h - 1, Math.max(0, Math.round(n * scale))));
    for (let y = y1; y <= y2; y++) {
      for (let x = x1; x <= x2; x++) {
        if (Math.min(x - x1, x2 - x, y - y1, y2 - y) < 2) pixels.set([255, 0, 0], (y * w + x) * 3);
      }
    }
  }
  return sharp(pixels, { raw: { width: w, height: h, channels: 3 } })
    .png()
    .toBuffer();
}

if (values.sheet) {
  const largest = found
    .map((f) => ({ f, area: f.detections.reduce((a, d) => a + areaOf(d), 0) / (f.width * f.height) }))
    .filter(({ area }) => area > 0)
    .sort((a, b) => b.area - a.area)
    .slice(0, 24);
  const tiles = await Promise.all(largest.map(({ f }) => tile(f)));
  const rows = Math.max(1, Math.ceil(tiles.length / 6));
  await sharp({ create: { width: 6 * TILE, height: rows * TILE, channels: 3, background: 'black' } })
    .composite(tiles.map((input, i) => ({ input, left: (i % 6) * TILE, top: Math.floor(i / 6) * TILE })))
    .jpeg()
    .toFile(values.sheet);
}

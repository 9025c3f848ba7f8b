// Finds the 68 points of each portrait with the product's own networks (build it first: npm run build).
//   node landmarks.mjs <folder of portraits> <landmarks.json>
// Writes {"female/0": {"landmarks": [[x, y], …]}} in pixels; portraits without one clear face are left out.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fillConfig } from '../../../dist/config.js';
import { LandmarkNetwork } from '../../../dist/detect/guides/landmarks.js';
import { DetectPipeline } from '../../../dist/detect/pipeline.js';
import { decodeImage } from '../../../dist/image/decode.js';
import { auxiliaryModel, loadManifest } from '../../../dist/models/manifest.js';
import { locateModel } from '../../../dist/models/store.js';
import { prepareJob } from '../../../dist/prepare.js';

/** Shifts and scales of the box, in shares of it; the points are averaged. */
const LOOKS = [
  [0, 0, 1],
  [0.04, 0, 1],
  [-0.04, 0, 1],
  [0, 0.04, 1],
  [0, -0.04, 1],
  [0, 0, 1.08],
  [0, 0, 0.94],
];

const [folder, out] = process.argv.slice(2);
const job = await prepareJob(fillConfig({ inputs: ['.'], out: 'unused', classes: ['face'] }));
const detector = await DetectPipeline.open(job.detect, 'cpu');
const { path: file } = await locateModel(auxiliaryModel(loadManifest(), 'face-landmarks'));
const network = await LandmarkNetwork.open(file, 'cpu');
const found = {};
for (const sex of ['female', 'male']) {
  for (const name of readdirSync(path.join(folder, sex, '512')).sort()) {
    const { rgb } = await decodeImage(readFileSync(path.join(folder, sex, '512', name)), {
      limitPixels: 1e8,
      timeoutSeconds: 60,
    });
    const face = (await detector.detect(rgb)).detections.find((d) => d.label === 'face');
    if (!face) continue;
    const { x1, y1, x2, y2 } = face.box;
    const looks = [];
    for (const [dx, dy, scale] of LOOKS) {
      const cx = (x1 + x2) / 2 + dx * (x2 - x1);
      const cy = (y1 + y2) / 2 + dy * (y2 - y1);
      const [w, h] = [((x2 - x1) / 2) * scale, ((y2 - y1) / 2) * scale];
      const guide = await network.guide(rgb, { x1: cx - w, y1: cy - h, x2: cx + w, y2: cy + h });
      if (guide) looks.push(guide.landmarks);
    }
    if (looks.length < LOOKS.length) continue;
    const mean = (i, axis) => looks.reduce((sum, points) => sum + points[i][axis], 0) / looks.length;
    found[`${sex}/${path.parse(name).name}`] = {
      landmarks: looks[0].map((_, i) => [mean(i, 'x'), mean(i, 'y')].map((v) => Math.round(v * 100) / 100)),
    };
  }
}
writeFileSync(out, JSON.stringify(found));
await detector.close();
await network.close();

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fillConfig } from '../../src/config.ts';
import { containment, iou } from '../../src/core/geometry.ts';
import type { Box, ClassName, RgbImage } from '../../src/core/types.ts';
import { DetectPipeline } from '../../src/detect/pipeline.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { defaultModel, loadManifest, MANIFEST_URL, QUALITIES, type Quality } from '../../src/models/manifest.ts';
import { packageFile } from '../../src/models/package-files.ts';
import { prepareJob } from '../../src/prepare.ts';
import { runsOf } from './tiny-networks.ts';

const ID = 'face-body-plate';
const weights = fileURLToPath(new URL(`${ID}.onnx`, MANIFEST_URL));
const CLASSES = ['face', 'body', 'plate'] as const;

/** The three faces of the photograph, in pixels. */
const FACES: readonly Box[] = [
  { x1: 411, y1: 345, x2: 621, y2: 606 },
  { x1: 831, y1: 420, x2: 1041, y2: 654 },
  { x1: 1455, y1: 198, x2: 1695, y2: 456 },
];

async function photograph(): Promise<RgbImage> {
  const bytes = await readFile(packageFile('@vladmandic/face-api', 'demo/sample1.jpg'));
  return (await decodeImage(bytes, { limitPixels: 1e8, timeoutSeconds: 60 })).rgb;
}

async function open(classes: readonly ClassName[], quality: Quality): Promise<DetectPipeline> {
  const model = Object.fromEntries(classes.map((cls) => [cls, ID]));
  const job = await prepareJob(fillConfig({ inputs: ['-'], out: 'unused', classes: [...classes], model, quality }));
  const pipeline = await DetectPipeline.open(job.detect, 'cpu');
  onTestFinished(() => pipeline.close());
  return pipeline;
}

/** How often the only network has been run, whatever it was shown. */
const runs = (pipeline: DetectPipeline): number[] => pipeline.runs.map((counts) => runsOf({ runs: counts }));

const skipped = existsSync(weights) ? '' : ' (skipped: the weights are not there)';
describe.skipIf(skipped !== '')(`${ID}${skipped}`, () => {
  it.each(QUALITIES)('finds in one pass what it finds class by class (%s)', async (quality) => {
    const image = await photograph();
    const together = await open(CLASSES, quality);
    const { detections } = await together.detect(image);
    for (const cls of CLASSES) {
      const alone = await open([cls], quality);
      expect((await alone.detect(image)).detections).toEqual(detections.filter((d) => d.label === cls));
      expect(runs(alone)).toEqual(runs(together));
    }
    expect(runs(together)).toHaveLength(1);
  });

  it.each(QUALITIES)('finds the person around every face (%s)', async (quality) => {
    const { detections } = await (await open(['body'], quality)).detect(await photograph());
    for (const face of FACES) expect(detections.some(({ box }) => containment(face, box) >= 0.9)).toBe(true);
  });

  const isDefault = QUALITIES.every((quality) => defaultModel(loadManifest(), 'face', quality).id === ID);
  it.skipIf(!isDefault).each(QUALITIES)('finds every face, being the default for them (%s)', async (quality) => {
    const { detections } = await (await open(['face'], quality)).detect(await photograph());
    for (const face of FACES) expect(detections.some(({ box }) => iou(face, box) >= 0.4)).toBe(true);
  });
});

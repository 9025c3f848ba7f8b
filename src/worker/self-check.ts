import { readFile } from 'node:fs/promises';
import type { DetectPipeline } from '../detect/pipeline.ts';
import { ModelError } from '../errors.ts';
import { decodeImage } from '../image/decode.ts';
import type { Job } from './job.ts';

/**
 * Looks at a photograph with known content before any sample is touched: a detector that is broken
 * (wrong provider, NaN, damaged weights, a threshold that nothing passes) must not run silently.
 * @throws ModelError naming the class, what was expected and what was found.
 */
export async function selfCheck(job: Job, pipeline: DetectPipeline): Promise<void> {
  if (job.detect.networks.length === 0) return;
  const image = await decodeImage(await readFile(job.selfCheck.path), { limitPixels: 1e8, timeoutSeconds: 60 });
  const { detections } = await pipeline.detect(image.rgb);
  for (const cls of job.detect.classes) {
    const expected = job.selfCheck.expect[cls];
    if (expected === undefined) continue;
    const found = detections.filter((d) => d.label === cls).length;
    if (found >= expected) continue;
    throw new ModelError(
      `Self-check of the ${cls} detector (${job.models.find((m) => m.startsWith(`${cls}:`))}): expected at least ${expected} in a known photograph but found ${found} at threshold ${job.detect.thresholds[cls]}`,
    );
  }
}

import { createHash, createHmac } from 'node:crypto';
import { certainOf, correct } from '../core/corrections.ts';
import { intersect, isEmptyBox, snapOutward } from '../core/geometry.ts';
import type { Outcome, PublishedOutcome, RecordRegion, RejectedOutcome } from '../core/outcome.ts';
import { CLASSES, type ClassName, type Detection, type Region, type RgbImage } from '../core/types.ts';
import type { DetectPipeline } from '../detect/pipeline.ts';
import { ModelError, SampleError, type Stage } from '../errors.ts';
import { decodeImage } from '../image/decode.ts';
import { encodeImage } from '../image/encode.ts';
import { verifyEncoded } from '../image/verify.ts';
import { redactInPlace } from '../redact/apply.ts';
import { planRegions } from '../redact/plan.ts';
import { strengthOf } from '../redact/strength.ts';
import type { DetectedSample, Job, Known } from './job.ts';
import { labelledAreas, lossesOf, withoutProtected } from './labels.ts';
import type { Networks } from './networks.ts';
import { StageClock } from './stage-clock.ts';

type UsedNetworks = Pick<Networks, 'detect' | 'guides'> & Partial<Pick<Networks, 'faces'>>;

/** Grid in pixels to which the public log rounds boxes outwards. */
const COARSE_GRID = 16;

/**
 * One sample: encoded bytes in, encoded and re-opened anonymized bytes out, or the reason why not.
 * @param group samples of one group get the same replacements.
 * @param known what need not be detected, and what a person says about it.
 * @throws ModelError when a network cannot be trusted any more; everything else becomes an outcome.
 */
export async function processSample(
  bytes: Uint8Array,
  job: Job,
  networks: UsedNetworks,
  group = 0,
  known: Known = {},
): Promise<Outcome> {
  const clock = new StageClock(job.timeLimit);
  try {
    return await anonymize(bytes, job, networks, group, known, clock);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    return rejection(error, clock.stage);
  }
}

/**
 * What the networks see in one sample, without redacting it: for measuring.
 * @throws ModelError when a network cannot be trusted any more; everything else becomes a rejection.
 */
export async function detectSample(
  bytes: Uint8Array,
  job: Job,
  pipeline: DetectPipeline,
): Promise<DetectedSample | RejectedOutcome> {
  const clock = new StageClock(job.timeLimit);
  try {
    clock.enter('decode');
    const { rgb } = await decodeImage(bytes, { limitPixels: job.limitPixels, timeoutSeconds: clock.secondsLeft() });
    clock.enter('detect');
    const { detections, timings } = await pipeline.detect(rgb, () => clock.check());
    const { decode = 0 } = clock.timings;
    return { status: 'detected', width: rgb.width, height: rgb.height, detections, timings: { decode, ...timings } };
  } catch (error) {
    if (error instanceof ModelError) throw error;
    return rejection(error, clock.stage);
  }
}

async function anonymize(
  bytes: Uint8Array,
  job: Job,
  { detect, guides, faces }: UsedNetworks,
  group: number,
  known: Known,
  clock: StageClock,
): Promise<PublishedOutcome> {
  const sourceSha256 = createHash('sha256').update(bytes).digest('hex');
  if (known.sourceSha256 !== undefined && known.sourceSha256 !== sourceSha256) {
    throw new SampleError('read', 'source-changed', 'Expected the image of the earlier run but it has changed since');
  }
  clock.enter('decode');
  const image = await decodeImage(bytes, { limitPixels: job.limitPixels, timeoutSeconds: clock.secondsLeft() });
  const { width, height } = image.rgb;
  const areas = known.labels && labelledAreas(known.labels, width, height);
  clock.enter('detect');
  const { detections, timings } =
    known.detections === undefined
      ? await detect.detect(image.rgb, () => clock.check())
      : { detections: known.detections, timings: {} };
  const certain = known.detections === undefined ? detections : certainOf(detections, job.detect.thresholds);
  const { settled } = correct(certain, known.corrections ?? []);
  checkInside(settled, image.rgb);
  clock.enter('redact');
  const { left, exempted } = withoutProtected(settled, areas ?? [], job.protectLabels);
  const planned = planRegions(left, job.policy, width, height);
  const guided = await guides.addTo(planned, image.rgb, () => clock.check());
  const { fill, bodyFill, textFill, seed } = job;
  const regions = redactInPlace(image, guided, {
    fill,
    bodyFill,
    textFill,
    ...(faces ? { faces } : {}),
    seed: [seed, group],
  });
  clock.enter('encode');
  const format = job.encode === 'keep' ? image.format : job.encode;
  const encoded = await encodeImage(image, { format, jpegQuality: job.jpegQuality, lossless: image.lossless });
  clock.enter('verify');
  await verifyEncoded(encoded, { format, width, height, rgb: image.rgb, alpha: image.alpha });
  clock.stop();
  return {
    status: 'verified',
    bytes: encoded,
    format,
    record: {
      v: 1,
      status: 'verified',
      width,
      height,
      policy: job.policyHash,
      models: job.models,
      counts: countByClass(regions),
      regions: regions.map((r) => recordRegion(r, job.logGeometry, width, height)),
      ...(job.protectLabels.length > 0 ? { protected: exempted } : {}),
      stripped: image.stripped,
      out_sha256: createHash('sha256').update(encoded).digest('hex'),
      ...sourceId(bytes, job.sourceIdKey),
    },
    detections,
    ...(areas ? { labels: lossesOf(areas, regions, width, height) } : {}),
    sourceSha256,
    timings: { ...clock.timings, ...timings },
  };
}

/** A box beside the image was drawn on another one, or in other pixels: what should be redacted is not known then. */
function checkInside(detections: readonly Detection[], { width, height }: RgbImage): void {
  const image = { x1: 0, y1: 0, x2: width, y2: height };
  for (const { origin, label, box } of detections) {
    if (origin === undefined || !isEmptyBox(intersect(box, image))) continue;
    const message = `Expected a ${label} within ${width} × ${height} pixels but received ${box.x1}, ${box.y1} to ${box.x2}, ${box.y2}`;
    throw new SampleError('detect', 'box-outside', message);
  }
}

function sourceId(bytes: Uint8Array, key: string | undefined): { readonly source_id?: string } {
  if (key === undefined) return {};
  return { source_id: createHmac('sha256', Buffer.from(key, 'hex')).update(bytes).digest('hex') };
}

/** Regions of each class. */
export function countByClass(regions: readonly Region[]): Record<ClassName, number> {
  const counts = Object.fromEntries(CLASSES.map((c) => [c, 0])) as Record<ClassName, number>;
  for (const region of regions) counts[region.class]++;
  return counts;
}

/** A region as the public log shows it. */
export function recordRegion(
  region: Region,
  geometry: Job['logGeometry'],
  width: number,
  height: number,
): RecordRegion {
  const { x1, y1, x2, y2 } = snapOutward(region.box, width, height, geometry === 'coarse' ? COARSE_GRID : 1);
  return {
    class: region.class,
    ...(geometry === 'none' ? {} : { box: [x1, y1, x2 - x1, y2 - y1] as const }),
    shape: region.shape,
    mode: region.mode,
    ...(region.requested ? { requested: region.requested } : {}),
    ...strengthOf(region),
    origin: region.origin ?? 'detector',
  };
}

/** The outcome of a failure; a message never reaches the public log, only the stage and the reason do. */
export function rejection(error: unknown, stage: Stage): RejectedOutcome {
  if (error instanceof SampleError) {
    const status = error.reason === 'time-limit' ? 'failed_to_anonymize' : 'quarantined';
    return { status, stage: error.stage, reason: error.reason, message: error.message };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { status: 'failed_to_anonymize', stage, reason: 'internal-error', message };
}

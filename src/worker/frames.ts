import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { PublishedOutcome, RejectedOutcome } from '../core/outcome.ts';
import type { ImageFormat, RgbImage } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import { encodeImage } from '../image/encode.ts';
import { verifyEncoded } from '../image/verify.ts';
import { redactInPlace } from '../redact/apply.ts';
import { planRegions } from '../redact/plan.ts';
import { decodeFrames } from '../video/decode.ts';
import { findFfmpeg } from '../video/tools.ts';
import { attempt, clipRegion, type FrameCover, type RedactSegment, type StoppedSegment, withLooks } from './clip.ts';
import type { Job } from './job.ts';
import type { Networks } from './networks.ts';
import { countByClass } from './process.ts';
import { StageClock } from './stage-clock.ts';

/** Frames of a clip that become images: what one worker does in a row. */
export interface FrameSegment extends Pick<RedactSegment, 'clip' | 'counters' | 'group'> {
  /** Indices of the frames, at least one, increasing. */
  readonly frames: readonly number[];
  /** What to redact in each of them. */
  readonly covers: readonly (readonly FrameCover[])[];
  /** Kinds of what the clip has and its frames have not. */
  readonly stripped: readonly string[];
  /** HMAC of the clip's bytes, for their records; absent unless asked for. */
  readonly sourceId?: string;
  /** File that gets the images, one after the other. */
  readonly path: string;
}

/** An image of a frame, but for its bytes. */
export interface RedactedFrame extends Pick<PublishedOutcome, 'detections' | 'format' | 'record'> {
  readonly frame: number;
  /** Bytes. */
  readonly length: number;
}

export type RedactedFrames = { readonly status: 'redacted-frames'; readonly frames: readonly RedactedFrame[] };

type UsedNetworks = Pick<Networks, 'guides'> & Partial<Pick<Networks, 'faces'>>;

/**
 * Redacts frames of a clip, each on its own, encodes them as images of the job's format and opens each of them again, as
 * images are. The file is removed again when anything fails.
 * @throws ModelError when a network cannot be trusted any more, or the file cannot be written; UsageError without ffmpeg.
 */
export async function redactFrames(
  segment: FrameSegment,
  job: Job,
  networks: UsedNetworks,
): Promise<RedactedFrames | StoppedSegment | RejectedOutcome> {
  return attempt('redact', async () => {
    const file = await open(segment.path, 'w', 0o600).catch(diskFailed);
    let isWhole = false;
    try {
      const outcome = await writeFrames(segment, job, networks, file);
      await file.sync().catch(diskFailed);
      isWhole = outcome.status === 'redacted-frames';
      return outcome;
    } finally {
      await file.close();
      if (!isWhole) await rm(segment.path, { force: true });
    }
  });
}

/** A full disk is no fault of the clip, which would be held back for it: the run ends here and may go on later. */
function diskFailed(error: NodeJS.ErrnoException): never {
  throw new ModelError(`Expected to write images into the private folder but received ${error.code}`, { cause: error });
}

async function writeFrames(
  segment: FrameSegment,
  job: Job,
  networks: UsedNetworks,
  file: FileHandle,
): Promise<RedactedFrames | StoppedSegment> {
  const { clip, frames, covers, counters } = segment;
  const tools = await findFfmpeg();
  const state = new Int32Array(counters);
  const done: RedactedFrame[] = [];
  const range = { from: frames[0] as number, to: (frames.at(-1) as number) + 1 };
  for await (const { index, rgb } of decodeFrames(tools, clip, range)) {
    if (Atomics.load(state, 1) === 1) return { status: 'stopped' };
    if (index !== frames[done.length]) continue;
    const { bytes, ...frame } = await redactFrame(rgb, covers[done.length] ?? [], segment, job, networks);
    await file.writeFile(bytes).catch(diskFailed);
    done.push({ frame: index, length: bytes.length, ...frame });
    Atomics.add(state, 0, 1);
  }
  return { status: 'redacted-frames', frames: done };
}

async function redactFrame(
  rgb: RgbImage,
  covers: readonly FrameCover[],
  { group, sourceId, stripped }: FrameSegment,
  job: Job,
  { guides, faces }: UsedNetworks,
): Promise<Pick<PublishedOutcome, 'bytes' | 'detections' | 'format' | 'record'>> {
  const { width, height } = rgb;
  const { fill, bodyFill, textFill, seed, models, jpegQuality } = job;
  const clock = new StageClock(job.timeLimit);
  clock.enter('redact');
  const detections = covers.map(({ detection }) => detection);
  const planned = planRegions(detections, job.policy, width, height);
  const guided = await guides.addTo(withLooks(planned, covers), rgb, () => clock.check());
  const options = { fill, bodyFill, textFill, ...(faces ? { faces } : {}), seed: [seed, group] };
  const regions = redactInPlace({ rgb }, guided, options);
  clock.enter('encode');
  const format = job.encode as ImageFormat;
  const bytes = await encodeImage({ rgb }, { format, jpegQuality, lossless: false });
  clock.enter('verify');
  await verifyEncoded(bytes, { format, width, height, rgb });
  const seen = new Set(covers.filter((cover) => cover.seen).map(({ detection }) => detection.track));
  return {
    bytes,
    format,
    detections,
    record: {
      v: 1,
      status: 'verified',
      width,
      height,
      policy: job.policyHash,
      models,
      counts: countByClass(regions),
      regions: regions.map((region) => clipRegion(region, seen, job.logGeometry, width, height)),
      stripped,
      out_sha256: createHash('sha256').update(bytes).digest('hex'),
      ...(sourceId === undefined ? {} : { source_id: sourceId }),
    },
  };
}

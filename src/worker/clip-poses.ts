import type { RejectedOutcome } from '../core/outcome.ts';
import type { ClassName, Detection, Region, RgbImage } from '../core/types.ts';
import { coveredBy } from '../redact/patch.ts';
import { planRegions } from '../redact/plan.ts';
import { followFace } from '../redact/synthetic/face/index.ts';
import { decodeFrames } from '../video/decode.ts';
import type { ReadPose } from '../video/looks/types.ts';
import { findFfmpeg } from '../video/tools.ts';
import { attempt, type FrameCover, type Segment, type StoppedSegment } from './clip.ts';
import type { Job } from './job.ts';
import type { Networks } from './networks.ts';
import { StageClock } from './stage-clock.ts';

export interface PoseSegment extends Segment {
  /** What is to be covered in frame `from`, `from + 1`, … */
  readonly covers: readonly (readonly FrameCover[])[];
}

export type PosedSegment = {
  readonly status: 'posed';
  /** Of every frame, in order; what has a pose that cannot be read is left out. */
  readonly frames: readonly (readonly ReadPose[])[];
};

/** Classes whose replacements follow a pose, which is read before anything is redacted. */
export function posedClasses({ faces, guides }: Pick<Job, 'faces' | 'guides'>): ClassName[] {
  return [...(faces === undefined ? [] : ['face' as const]), ...(guides.pose === undefined ? [] : ['body' as const])];
}

/**
 * How the followed faces and bodies of a part of a clip are turned, where that can be read.
 * @throws ModelError when a network cannot be trusted any more; UsageError without ffmpeg.
 */
export async function poseSegment(
  { clip, from, to, counters, covers }: PoseSegment,
  job: Job,
  networks: PosingNetworks,
): Promise<PosedSegment | StoppedSegment | RejectedOutcome> {
  return attempt('redact', async () => {
    const tools = await findFfmpeg();
    const state = new Int32Array(counters);
    const frames: (readonly ReadPose[])[] = [];
    for await (const { index, rgb } of decodeFrames(tools, clip, { from, to })) {
      if (Atomics.load(state, 1) === 1) return { status: 'stopped' };
      const detections = (covers[index - from] ?? []).map(({ detection }) => detection);
      frames.push(await readPoses(rgb, detections, job, networks));
      Atomics.add(state, 0, 1);
    }
    return { status: 'posed', frames };
  });
}

export type PosingNetworks = Pick<Networks, 'guides'> & Partial<Pick<Networks, 'faces'>>;

/**
 * How faces and bodies of a frame are turned, where that can be read.
 * @param detections all faces of the frame: what surrounds one is looked at where no other is.
 * @param isWanted whether somebody wants to know that of a track.
 * @throws ModelError when a network cannot be trusted any more.
 */
export async function readPoses(
  rgb: RgbImage,
  detections: readonly Detection[],
  job: Job,
  { guides, faces }: PosingNetworks,
  isWanted: (track: number) => boolean = () => true,
): Promise<ReadPose[]> {
  const clock = new StageClock(job.timeLimit);
  clock.enter('redact');
  const regions = planRegions(detections, job.policy, rgb.width, rgb.height);
  const wanted = regions.filter(({ track }) => track !== undefined && isWanted(track));
  const guided = await guides.addTo(wanted, rgb, () => clock.check());
  const isFace = (region: Region): boolean => region.class === 'face';
  const covered = guided.some(isFace) ? coveredBy(regions.filter(isFace), rgb) : new Uint8Array();
  return guided.flatMap((region) => {
    const guide = faces && isFace(region) ? followFace(region, { image: rgb, covered }, faces) : region.guide;
    const track = region.track as number;
    return guide?.kind === 'followed-face' || guide?.kind === 'pose' ? [{ track, guide }] : [];
  });
}

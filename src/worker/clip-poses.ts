import type { RejectedOutcome } from '../core/outcome.ts';
import type { FollowedFaceGuide } from '../core/types.ts';
import { ModelError } from '../errors.ts';
import { coveredBy, type Scene } from '../redact/patch.ts';
import { planRegions } from '../redact/plan.ts';
import { followFace } from '../redact/synthetic/face/index.ts';
import { decodeFrames } from '../video/decode.ts';
import { findFfmpeg } from '../video/tools.ts';
import { attempt, type FrameCover, type Segment, type StoppedSegment } from './clip.ts';
import type { Job } from './job.ts';
import type { Networks } from './networks.ts';
import { StageClock } from './stage-clock.ts';

export interface PoseSegment extends Segment {
  /** What is to be covered in frame `from`, `from + 1`, … */
  readonly covers: readonly (readonly FrameCover[])[];
}

/** How a followed face is turned in one frame. */
export interface ReadPose {
  readonly track: number;
  readonly guide: FollowedFaceGuide;
}

export type PosedSegment = {
  readonly status: 'posed';
  /** Of every frame, in order; faces whose pose cannot be read are left out. */
  readonly frames: readonly (readonly ReadPose[])[];
};

/**
 * How the followed faces of a part of a clip are turned, where that can be read.
 * @throws ModelError when a network cannot be trusted any more, or there is nothing to draw faces from; UsageError
 * without ffmpeg.
 */
export async function poseSegment(
  { clip, from, to, counters, covers }: PoseSegment,
  job: Job,
  { guides, faces }: Pick<Networks, 'guides' | 'faces'>,
): Promise<PosedSegment | StoppedSegment | RejectedOutcome> {
  if (!faces) throw new ModelError('Expected a face model to read poses for but received none');
  return attempt('redact', async () => {
    const tools = await findFfmpeg();
    const state = new Int32Array(counters);
    const frames: ReadPose[][] = [];
    for await (const { index, rgb } of decodeFrames(tools, clip, { from, to })) {
      if (Atomics.load(state, 1) === 1) return { status: 'stopped' };
      const clock = new StageClock(job.timeLimit);
      clock.enter('redact');
      const detections = (covers[index - from] ?? []).map(({ detection }) => detection);
      const regions = planRegions(detections, job.policy, clip.width, clip.height);
      const guided = await guides.addTo(
        regions.filter((region) => region.class === 'face'),
        rgb,
        () => clock.check(),
      );
      const scene: Scene = { image: rgb, covered: coveredBy(regions, rgb) };
      frames.push(
        guided.flatMap((region) => {
          const guide = followFace(region, scene, faces);
          return region.track === undefined || guide === undefined ? [] : [{ track: region.track, guide }];
        }),
      );
      Atomics.add(state, 0, 1);
    }
    return { status: 'posed', frames };
  });
}

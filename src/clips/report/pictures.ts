import { join } from 'node:path';
import { SampleError, UsageError } from '../../errors.ts';
import { pictureOf } from '../../image/thumbnail.ts';
import { decodeGlances } from '../../video/check-segment.ts';
import { changeSince, type FrameChange, type Glance, LOOK_BACK, sceneCuts } from '../../video/cuts.ts';
import { decodeFrames } from '../../video/decode.ts';
import { probeClip } from '../../video/probe.ts';
import type { ClipInfo, FfmpegTools } from '../../video/types.ts';
import type { VerifiedClip } from '../record.ts';

/** A published clip, to take pictures out of. */
export interface PublishedClip {
  readonly clip: ClipInfo;
  /** First frames of scenes but the first. */
  readonly cuts: readonly number[];
}

const TIMEOUT_SECONDS = 3600;

/** Decodes a published clip twice, reduced: its times, and where its scenes begin. @throws UsageError when it is not as logged. */
export async function openPublished(
  tools: FfmpegTools,
  out: string,
  { file, frames, width, height }: VerifiedClip,
): Promise<PublishedClip> {
  return asPublished(file, async () => {
    const limits = { limitPixels: (width + 1) * (height + 1), limitFrames: frames, timeoutSeconds: TIMEOUT_SECONDS };
    const clip = await probeClip(tools, join(out, file), limits);
    if (clip.pts.length !== frames) throw new SampleError('decode', 'source-changed', 'Expected the frames of its log');
    const changes: FrameChange[] = [];
    let before: Glance[] = [];
    for await (const glance of decodeGlances(tools, clip.path, clip)) {
      changes.push(changeSince(changes.length, glance, before));
      before = [glance, ...before].slice(0, LOOK_BACK);
    }
    return { clip, cuts: sceneCuts(changes) };
  });
}

/**
 * Some frames of a published clip as small JPEGs, by frame.
 * @param frames increasing. @param side most pixels of a side.
 * @throws UsageError when the clip is not as logged.
 */
export async function takePictures(
  tools: FfmpegTools,
  { clip }: PublishedClip,
  { file }: VerifiedClip,
  frames: readonly number[],
  side: number,
): Promise<Map<number, Uint8Array>> {
  return asPublished(file, async () => {
    const pictures = new Map<number, Uint8Array>();
    for (const [from, to] of rangesOf(frames, clip)) {
      for await (const { index, rgb } of decodeFrames(tools, clip, { from, to })) {
        if (frames.includes(index)) pictures.set(index, await pictureOf(rgb, side));
      }
    }
    return pictures;
  });
}

/** Ranges of frames that are decoded at once: those after the same key frame. */
function rangesOf(frames: readonly number[], { keyframes }: ClipInfo): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  let last: number | undefined;
  for (const frame of frames) {
    const key = keyframes.findLast((index) => index <= frame);
    const range = ranges.at(-1);
    if (range !== undefined && key === last) range[1] = frame + 1;
    else ranges.push([frame, frame + 1]);
    last = key;
  }
  return ranges;
}

async function asPublished<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof SampleError) && code === undefined) throw error;
    const why = error instanceof SampleError ? error.reason : code;
    throw new UsageError(
      `Expected ${JSON.stringify(file)} as in its log but received one that differs (${why}); run anonymize verify`,
      { cause: error },
    );
  }
}

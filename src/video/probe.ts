import { readFile } from 'node:fs/promises';
import { SampleError } from '../errors.ts';
import { scanContainer } from '../image/container.ts';
import { readFrameTimes } from './frame-times.ts';
import { sniffClipFile } from './sniff.ts';
import {
  bitDepthOf,
  colourOf,
  type FileStreams,
  hasAlpha,
  kindOf,
  orientationOf,
  pictureOf,
  rational,
  readStreams,
} from './streams.ts';
import type { ClipInfo, ClipLimits, FfmpegTools } from './types.ts';
import { probeWebp } from './webp.ts';

const LARGEST_STREAM_COUNT = 64;

/** Codecs that are decoded. Others, of games, captures and early formats, are not worth the surface that they add. */
const CODECS: ReadonlySet<string> = new Set(
  'h264 hevc av1 vp8 vp9 mpeg4 msmpeg4v3 h263 mpeg1video mpeg2video mjpeg prores dnxhd ffv1 huffyuv ffvhuff rawvideo png theora gif'.split(
    ' ',
  ),
);

/**
 * What a clip is and when each of its frames is shown, found by decoding it once.
 *
 * Throws SampleError of stage `decode`: `empty`, `unsupported:<what>`, `corrupt`, `truncated`, `timestamps`,
 * `too-many-pixels`, `too-many-frames`, `too-many-streams`, `timeout`.
 */
export async function probeClip(tools: FfmpegTools, path: string, limits: ClipLimits): Promise<ClipInfo> {
  const container = await sniffClipFile(path);
  if (container === 'webp') return probeWebp(path, limits);
  // ffmpeg takes a GIF that ends anywhere for whole.
  if (container === 'gif') scanContainer(await readFile(path));
  const signal = AbortSignal.timeout(limits.timeoutSeconds * 1000);
  try {
    const file = await readStreams(tools, path, container, signal).catch((error: unknown) => {
      throw new SampleError('decode', 'corrupt', 'Expected a clip that can be opened', { cause: error });
    });
    const described = describePicture(file, limits);
    const times = await readFrameTimes(tools, { path, container, ...described }, limits, signal);
    return { path, container, ...described, stream: described.stream.index, ...times };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new SampleError('decode', 'timeout', 'Expected the clip to be read within its time limit', { cause: error });
  }
}

/** What the header says of the picture. Throws as `probeClip` does. */
export function describePicture(file: FileStreams, { limitPixels }: Pick<ClipLimits, 'limitPixels'>) {
  if (file.streams.length > LARGEST_STREAM_COUNT) {
    throw new SampleError(
      'decode',
      'too-many-streams',
      `Expected at most ${LARGEST_STREAM_COUNT} streams but received ${file.streams.length}`,
    );
  }
  const stream = pictureOf(file);
  if (stream === undefined) throw new SampleError('decode', 'unsupported:no-video', 'Expected a video stream');
  if (!CODECS.has(stream.codec_name)) {
    throw new SampleError('decode', 'unsupported:codec', 'Expected a video codec that is supported');
  }
  const { width, height } = stream;
  if (width * height > limitPixels) {
    throw new SampleError(
      'decode',
      'too-many-pixels',
      `Expected at most ${limitPixels} pixels but received ${width} × ${height}`,
    );
  }
  const timeBase = rational(stream.time_base);
  if (width < 1 || height < 1 || timeBase === undefined) {
    throw new SampleError('decode', 'corrupt', `Expected a picture but received ${width} × ${height} pixels`);
  }
  const orientation = orientationOf(stream);
  const turned = orientation.clockwise % 180 === 90;
  const aspect = rational(stream.sample_aspect_ratio) ?? { num: 1, den: 1 };
  const dropped = countDropped(file, stream.index);
  return {
    stream,
    codec: stream.codec_name,
    width: turned ? height : width,
    height: turned ? width : height,
    orientation,
    pixelAspect: turned ? { num: aspect.den, den: aspect.num } : aspect,
    timeBase,
    alpha: hasAlpha(stream),
    bitDepth: bitDepthOf(stream),
    colour: colourOf(stream),
    hasAudio: dropped.audio !== undefined,
    dropped,
  };
}

function countDropped({ streams, chapters }: FileStreams, picture: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const stream of streams) {
    if (stream.index === picture) continue;
    const kind = kindOf(stream);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  if (chapters.length > 0) counts.chapter = chapters.length;
  return counts;
}

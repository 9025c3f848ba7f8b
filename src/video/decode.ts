import { SampleError } from '../errors.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { damaged, LOG_LEVELS, readLogLine } from './log-lines.ts';
import { readPackedFrames } from './packed-frames.ts';
import { withPatience } from './patience.ts';
import { framesFilter, onWhite, QUICK } from './picture.ts';
import { DEMUXERS } from './sniff.ts';
import { type ClipStretch, stretchOf } from './stretch.ts';
import type { ClipContainer, ClipFrame, ClipInfo, FfmpegTools, FrameRange, Rational } from './types.ts';
import { decodeWebp } from './webp.ts';

export interface DecodeRange extends FrameRange {
  /** For networks only: colours that are a little off, for less than a fifth of the time. */
  readonly quick?: boolean;
  readonly signal?: AbortSignal;
}

/** Decoders ask for more than the picture, with edges, in each direction. A stream that outgrows its header is refused. */
const CODED_MARGIN = 128;
const CODED_FACTOR = 4;

/** ffmpeg's own decoders of VP8 and VP9 leave out what the alpha of WebM hides, so that it would be seen. */
const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: 'libvpx', vp9: 'libvpx-vp9' };

export interface Decodable extends Pick<ClipInfo, 'alpha' | 'codec' | 'stream'> {
  readonly container: ClipContainer;
}

/**
 * Options before the input for whatever decodes a clip: stored orientation and times, one thread, no larger pictures.
 * @param width,height of the stored picture, before it is turned upright.
 */
export function decodeOptions({ alpha, codec, container, stream }: Decodable, width: number, height: number): string[] {
  if (container === 'webp') throw new Error('Expected a clip that ffmpeg decodes');
  const largest = CODED_FACTOR * (width + CODED_MARGIN) * (height + CODED_MARGIN);
  const decoder = alpha ? ALPHA_DECODERS[codec] : undefined;
  return [
    ...LOG_LEVELS,
    ...['-f', DEMUXERS[container], '-threads', '1', `-max_pixels:${stream}`, `${largest}`],
    ...(decoder === undefined ? [] : [`-c:${stream}`, decoder]),
    ...['-noautorotate', '-copyts'],
  ];
}

/** Lets the output count in ticks of the clip: by itself it counts frames of the average rate, in which times collide. */
export function ticksOf({ den, num }: Rational): string[] {
  return ['-enc_time_base', `${num}/${den}`];
}

/**
 * The frames `from` to `to - 1` of the clip, in order, upright, as they are shown: packed RGB, alpha on white.
 * ffmpeg waits while a frame is in use, so that no more than a few are in memory.
 *
 * Every frame is checked to be the one with that time in the probe's list.
 * @param whole the clip, or a stretch of it that has these frames.
 * Throws SampleError of stage `decode`: `corrupt`, `truncated`, `source-changed`; the signal's reason when it aborts.
 */
export async function* decodeFrames(
  tools: FfmpegTools,
  whole: ClipInfo | ClipStretch,
  range: DecodeRange,
): AsyncGenerator<ClipFrame> {
  const clip = 'first' in whole ? whole : stretchOf(whole, range);
  if (clip.container === 'webp') {
    yield* decodeWebp(clip, range);
    return;
  }
  let from = range.from;
  if (clip.seek !== undefined) {
    try {
      for await (const frame of decodeFrom(tools, clip, range, clip.seek)) {
        from = range.to;
        yield frame;
      }
    } catch (error) {
      // Containers without a good index may land elsewhere: then everything is decoded from the beginning.
      if (from === range.to || range.signal?.aborted || !(error instanceof SampleError)) throw error;
    }
  }
  if (from < range.to) yield* decodeFrom(tools, clip, range, undefined);
}

async function* decodeFrom(
  tools: FfmpegTools,
  clip: ClipStretch,
  { from, to, quick, signal }: DecodeRange,
  seek: number | undefined,
): AsyncGenerator<ClipFrame> {
  const { width, height } = clip;
  let shown = from;
  let failure: SampleError | undefined;
  let wake = () => {};
  const onLine = (line: string) => {
    const read = readLogLine(line);
    if (read?.kind === 'error') failure ??= damaged(read.text);
    // The filters may see a frame more before the limit of frames stops them.
    if (read?.kind !== 'frame' || shown === to) return;
    if (read.pts !== clip.pts[shown - clip.first]) failure ??= changed(`frame ${shown} at its time`);
    shown++;
    wake();
  };
  const turned = clip.orientation.clockwise % 180 === 90;
  const run = startFfmpeg(tools, {
    inputs: [
      {
        source: clip.path,
        options: [...decodeOptions(clip, turned ? height : width, turned ? width : height), ...seekOptions(seek)],
      },
    ],
    options: [
      ...['-map', `0:${clip.stream}`],
      ...['-vf', framesFilter(tools, clip, clip.pts[from - clip.first] ?? 0, quick ? QUICK : undefined)],
      ...['-frames:v', `${to - from}`],
      ...[...tools.keepTimes, ...ticksOf(clip.timeBase), '-f', 'rawvideo'],
    ],
    onLine,
    ...(signal !== undefined && { signal }),
  });
  const ended = run.done.then(
    () => undefined,
    (error: unknown) => error ?? new Error('ffmpeg failed'),
  );
  const channels = clip.alpha ? 4 : 3;
  let index = from;
  try {
    for await (const data of readPackedFrames(run.stdout, width * height * channels, run.kill)) {
      // The line that tells a frame's time is written before its pixels but may be read after them.
      if (shown <= index) {
        const line = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await withPatience(Promise.race([line, ended]), run.kill);
      }
      if (failure === undefined && shown <= index) failure = changed('a time for every frame');
      if (failure !== undefined) throw failure;
      yield { index, rgb: { data: clip.alpha ? onWhite(data) : data, width, height } };
      index++;
    }
    const error = await withPatience(ended, run.kill);
    if (failure !== undefined) throw failure;
    if (error !== undefined) throw error;
    if (index !== to) throw changed(`${to - from} frames but received ${index - from}`);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (failure !== undefined) throw failure;
    if (error instanceof SampleError) throw error;
    throw new SampleError('decode', 'corrupt', 'Expected a clip that can be decoded', { cause: error });
  } finally {
    run.kill();
  }
}

function changed(expected: string): SampleError {
  return new SampleError('decode', 'source-changed', `Expected ${expected}`);
}

/** @param seconds into the clip. */
function seekOptions(seconds: number | undefined): string[] {
  return seconds === undefined ? [] : ['-seek_timestamp', '1', '-noaccurate_seek', '-ss', seconds.toFixed(6)];
}

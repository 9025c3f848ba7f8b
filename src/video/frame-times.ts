import { SampleError } from '../errors.ts';
import { decodeOptions, ticksOf } from './decode.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { probeLines } from './ffprobe.ts';
import { damaged, readLogLine } from './log-lines.ts';
import { DEMUXERS } from './sniff.ts';
import { type FileStream, rational } from './streams.ts';
import type { ClipContainer, ClipInfo, ClipLimits, FfmpegTools, Rational } from './types.ts';

type FrameTimes = Pick<ClipInfo, 'pts' | 'duration' | 'keyframes'>;

export interface Described {
  readonly path: string;
  readonly container: Exclude<ClipContainer, 'webp'>;
  readonly stream: FileStream;
  readonly codec: string;
  readonly alpha: boolean;
  readonly timeBase: Rational;
}

/**
 * Decodes all frames to see which there are and when each is shown. What decodes with an error is refused: the
 * decoder would make up a picture in its place.
 */
export async function readFrameTimes(
  tools: FfmpegTools,
  clip: Described,
  limits: ClipLimits,
  signal: AbortSignal,
): Promise<FrameTimes> {
  const lastDuration = await durationOfLastPacket(tools, clip, limits, signal);
  const frames = await decodedTimes(tools, clip, limits, signal);
  const first = frames.pts[0];
  const last = frames.pts.at(-1);
  if (first === undefined || last === undefined) {
    throw new SampleError('decode', 'corrupt', 'Expected a clip that has frames but received none');
  }
  const shown = lastDuration ?? last - (frames.pts.at(-2) ?? last - nominalDuration(clip));
  return { ...frames, duration: last - first + shown };
}

/** Ticks of one frame at the rate that the header states. */
function nominalDuration({ stream, timeBase }: Described): number {
  const rate = rational(stream.r_frame_rate) ?? { num: 25, den: 1 };
  return Math.max(1, Math.round((rate.den * timeBase.den) / (rate.num * timeBase.num)));
}

/** Ticks for which the last frame is shown, when the file says so. Bounds the number of frames before any is decoded. */
async function durationOfLastPacket(
  tools: FfmpegTools,
  { path, container, stream }: Described,
  { limitFrames }: ClipLimits,
  signal: AbortSignal,
): Promise<number | undefined> {
  let packets = 0;
  let latest = Number.NEGATIVE_INFINITY;
  let duration: number | undefined;
  const entries = [
    '-select_streams',
    `${stream.index}`,
    '-show_entries',
    'packet=pts,duration,flags',
    '-of',
    'csv=p=0',
  ];
  const read = probeLines(
    tools,
    path,
    ['-f', DEMUXERS[container], ...entries],
    (line) => {
      const [pts, ticks, flags = ''] = line.split(',');
      if (flags.includes('C')) throw new SampleError('decode', 'truncated', 'Expected every frame to be whole');
      if (++packets > limitFrames) throw tooManyFrames(limitFrames);
      const at = pts === 'N/A' ? packets : Number(pts);
      if (at < latest) return;
      latest = at;
      duration = Number(ticks) > 0 ? Number(ticks) : undefined;
    },
    signal,
  );
  await read.catch((error: unknown) => {
    if (error instanceof SampleError) throw error;
    throw new SampleError('decode', 'truncated', 'Expected the file to be read to its end', { cause: error });
  });
  return duration;
}

function tooManyFrames(limit: number): SampleError {
  return new SampleError('decode', 'too-many-frames', `Expected at most ${limit} frames`);
}

/** A corner is enough to see that there is a frame; showinfo would sum up all of its pixels. */
const CORNER = 'crop=min(16\\,iw):min(16\\,ih):0:0';

/**
 * Times of the frames that decode, in order, and which of them are key frames.
 * @param which options of the decoder, such as `-skip_frame nokey`.
 * @throws SampleError (`decode`) when anything does not decode without an error.
 */
export async function decodedTimes(
  tools: FfmpegTools,
  { alpha, codec, container, path, stream, timeBase }: Described,
  { limitFrames }: Pick<ClipLimits, 'limitFrames'>,
  signal?: AbortSignal,
  which: readonly string[] = [],
): Promise<Pick<FrameTimes, 'pts' | 'keyframes'>> {
  const pts: number[] = [];
  const keyframes: number[] = [];
  let failure: SampleError | undefined;
  const fail = (error: SampleError) => {
    failure ??= error;
    run.kill();
  };
  const onLine = (line: string) => {
    const read = readLogLine(line);
    if (read === undefined || failure !== undefined) return;
    if (read.kind === 'error') return fail(damaged(read.text));
    if (read.kind === 'time-base') {
      const { num, den } = read.timeBase;
      if (num * timeBase.den === den * timeBase.num) return;
      return fail(new SampleError('decode', 'timestamps', 'Expected one time base for all frames'));
    }
    if (pts.length === limitFrames) return fail(tooManyFrames(limitFrames));
    if (!Number.isSafeInteger(read.pts) || read.pts <= (pts.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      return fail(new SampleError('decode', 'timestamps', 'Expected a later time for every frame'));
    }
    if (read.key) keyframes.push(pts.length);
    pts.push(read.pts);
  };
  const run = startFfmpeg(tools, {
    inputs: [
      {
        source: path,
        options: [
          ...decodeOptions({ alpha, codec, container, stream: stream.index }, stream.width, stream.height),
          ...which,
        ],
      },
    ],
    options: [
      '-map',
      `0:${stream.index}`,
      '-vf',
      `${CORNER},showinfo`,
      ...tools.keepTimes,
      ...ticksOf(timeBase),
      '-f',
      'null',
    ],
    onLine,
    ...(signal !== undefined && { signal }),
  });
  await run.done.catch((error: unknown) => {
    throw failure ?? new SampleError('decode', 'corrupt', 'Expected a clip that can be decoded', { cause: error });
  });
  if (failure !== undefined) throw failure;
  return { pts, keyframes: keyframes[0] === 0 ? keyframes : [0, ...keyframes] };
}

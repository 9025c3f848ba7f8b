import { Readable } from 'node:stream';
import type { RgbImage } from '../core/types.ts';
import { SampleError } from '../errors.ts';
import { decodeOptions, ticksOf } from './decode.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { probeArriving, withHead } from './ffprobe.ts';
import { damaged, readLogLine } from './log-lines.ts';
import { readPackedFrames } from './packed-frames.ts';
import { PATIENCE_SECONDS, withPatience } from './patience.ts';
import { onWhite, uprightFilter } from './picture.ts';
import { describePicture } from './probe.ts';
import { sniffClip, sniffClipFile } from './sniff.ts';
import { type FileStreams, parseStreams, rational, readStreams, streamsOptions } from './streams.ts';
import type { ByteStream, ClipContainer, ClipLimits, DescribedClip, FfmpegTools, Rational } from './types.ts';

/** Where a clip comes from that is read once: a file, or bytes that arrive. */
export type ClipSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stream'; readonly bytes: ByteStream };

/** A frame as it arrives, in fresh memory. */
export interface ArrivedPicture {
  /** 0, 1, 2… */
  readonly index: number;
  /** Ticks of the clip's time base, later than those of the frame before. They start anywhere. */
  readonly pts: number;
  readonly rgb: RgbImage;
}

export interface ArrivingClip {
  readonly clip: DescribedClip;
  /** Frames a second as the header states them: a guess. */
  readonly rate: Rational;
  /**
   * The frames in order, upright, packed RGB, alpha on white. The decoder waits while a frame is in use.
   * To be called once. Throws SampleError of stage `decode`: `corrupt`, `truncated`, `timestamps`.
   */
  frames(): AsyncGenerator<ArrivedPicture>;
}

/** Bytes after which it must be known what a stream holds. */
const LARGEST_HEAD = 32 << 20;
const SNIFFED_BYTES = 4096;

type Opened = { readonly container: Exclude<ClipContainer, 'webp' | 'gif'>; readonly streams: FileStreams } & (
  | { readonly input: string }
  | { readonly input: ByteStream }
);

/**
 * Opens a clip that is read once, from its beginning to its end, and of which nobody knows how long it is.
 *
 * Throws SampleError of stage `decode`: `empty`, `unsupported:<what>`, `corrupt`, `too-many-pixels`, `too-many-streams`.
 */
export async function openArriving(
  tools: FfmpegTools,
  source: ClipSource,
  limits: Pick<ClipLimits, 'limitPixels'>,
): Promise<ArrivingClip> {
  const opened = source.kind === 'file' ? await openFile(tools, source.path) : await openStream(tools, source.bytes);
  const { stream, ...described } = describePicture(opened.streams, limits);
  const clip = { container: opened.container, ...described, stream: stream.index };
  const rate = rational(stream.r_frame_rate) ?? { num: 25, den: 1 };
  return { clip, rate, frames: () => decodeArriving(tools, clip, opened.input) };
}

async function openFile(tools: FfmpegTools, path: string): Promise<Opened> {
  const container = readOnce(await sniffClipFile(path));
  const streams = await readStreams(tools, path, container).catch((cause: unknown) => {
    throw new SampleError('decode', 'corrupt', 'Expected a clip that can be opened', { cause });
  });
  return { container, streams, input: path };
}

async function openStream(tools: FfmpegTools, bytes: ByteStream): Promise<Opened> {
  const head: Uint8Array[] = [];
  let sniffed: ClipContainer | undefined;
  for (let size = 0; sniffed === undefined && size < SNIFFED_BYTES; ) {
    const chunk = await bytes.read();
    if (chunk === undefined) break;
    head.push(chunk);
    size += chunk.length;
    sniffed = sniffClip(Buffer.concat(head));
  }
  if (head.length === 0) throw new SampleError('decode', 'empty', 'Expected a clip but received 0 bytes');
  if (sniffed === undefined) {
    throw new SampleError('decode', 'unsupported:unknown', 'Expected mp4, mov, mkv, webm or avi');
  }
  const container = readOnce(sniffed);
  try {
    const whole = withHead(head, bytes);
    const { answer, stream } = await probeArriving(tools, whole, streamsOptions(container), LARGEST_HEAD);
    return { container, streams: parseStreams(answer), input: stream };
  } catch (cause) {
    const message = 'Expected a clip that can be read while it arrives, such as Matroska, or mp4 with its index first';
    throw new SampleError('decode', 'corrupt', message, { cause });
  }
}

/** @throws SampleError for what is only whole or broken as a whole. */
function readOnce(container: ClipContainer): Exclude<ClipContainer, 'webp' | 'gif'> {
  if (container !== 'webp' && container !== 'gif') return container;
  throw new SampleError(
    'decode',
    'unsupported:animation',
    `Expected a video for a single pass but received an animated ${container}`,
  );
}

async function* decodeArriving(
  tools: FfmpegTools,
  clip: DescribedClip,
  input: string | ByteStream,
): AsyncGenerator<ArrivedPicture> {
  const { alpha, height, orientation, timeBase, width } = clip;
  const times: number[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  let failure: SampleError | undefined;
  let wake = () => {};
  const onLine = (line: string): void => {
    const read = readLogLine(line);
    if (read?.kind === 'error') failure ??= damaged(read.text);
    else if (read?.kind === 'time-base') {
      const { num, den } = read.timeBase;
      if (num * timeBase.den !== den * timeBase.num) failure ??= wrongTimes('one time base for all frames');
    } else if (read?.kind === 'frame') {
      if (!Number.isSafeInteger(read.pts) || read.pts <= latest) failure ??= wrongTimes('a later time for every frame');
      latest = read.pts;
      times.push(read.pts);
    }
    wake();
  };
  const turned = orientation.clockwise % 180 === 90;
  const source = typeof input === 'string' ? input : readable(input);
  // Who sends a stream may take all the time there is.
  const patience = typeof input === 'string' ? PATIENCE_SECONDS : Infinity;
  const run = startFfmpeg(tools, {
    inputs: [{ source, options: decodeOptions(clip, turned ? height : width, turned ? width : height) }],
    options: [
      ...['-map', `0:${clip.stream}`, '-vf', uprightFilter(tools, clip)],
      ...[...tools.keepTimes, ...ticksOf(timeBase), '-f', 'rawvideo'],
    ],
    onLine,
  });
  const ended = run.done.then(
    () => undefined,
    (error: unknown) => error ?? new Error('ffmpeg failed'),
  );
  let index = 0;
  try {
    for await (const data of readPackedFrames(run.stdout, width * height * (alpha ? 4 : 3), run.kill, patience)) {
      // The line that tells a frame's time is written before its pixels but may be read after them.
      while (times.length === 0 && failure === undefined) {
        const line = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const isOver = await withPatience(Promise.race([line, ended.then(() => true)]), run.kill);
        if (isOver && times.length === 0) failure ??= wrongTimes('a time for every frame');
      }
      if (failure !== undefined) throw failure;
      yield { index, pts: times.shift() as number, rgb: { data: alpha ? onWhite(data) : data, width, height } };
      index++;
    }
    const error = await withPatience(ended, run.kill, patience);
    if (failure !== undefined) throw failure;
    if (error !== undefined) throw error;
    if (index === 0) throw new SampleError('decode', 'corrupt', 'Expected a clip that has frames but received none');
  } catch (error) {
    if (failure !== undefined) throw failure;
    if (error instanceof SampleError) throw error;
    throw new SampleError('decode', 'corrupt', 'Expected a clip that can be decoded', { cause: error });
  } finally {
    run.kill();
    if (typeof source !== 'string') source.destroy();
  }
}

function wrongTimes(expected: string): SampleError {
  return new SampleError('decode', 'timestamps', `Expected ${expected}`);
}

function readable(bytes: ByteStream): Readable {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let chunk = await bytes.read(); chunk !== undefined; chunk = await bytes.read()) yield chunk;
  }
  return Readable.from(chunks(), { objectMode: false });
}

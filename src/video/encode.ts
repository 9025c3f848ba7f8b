import { rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import type { RgbImage } from '../core/types.ts';
import { OutputError, SampleError, UsageError } from '../errors.ts';
import { type FfmpegJob, startFfmpeg } from './ffmpeg.ts';
import { LOG_LEVELS } from './log-lines.ts';
import { withPatience } from './patience.ts';
import { SCALING, scaleMatrix } from './picture.ts';
import type { ClipStretch } from './stretch.ts';
import type { ClipCodec, ClipColour, ClipEncoder, ClipInfo, FfmpegTools, FrameRange } from './types.ts';

export interface EncodeRange extends FrameRange {
  readonly codec: ClipCodec;
  readonly signal?: AbortSignal;
}

const ENCODERS: Readonly<Record<ClipCodec, string>> = { h264: 'libx264', vp9: 'libvpx-vp9', vp8: 'libvpx' };

/**
 * One thread: the same frames give the same bytes in every run. No frame
 * refers to a later one, so that packets are in the order of frames and segments can be joined as they are.
 */
const CODEC_OPTIONS: Readonly<Record<ClipCodec, readonly string[]>> = {
  h264: [
    ...['-preset', 'veryfast', '-crf', '20', '-bf', '0', '-g', '250'],
    ...['-x264-params', 'threads=1:lookahead-threads=1:cpu-independent=1:open-gop=0'],
    // Supplemental information (type 6) carries the encoder's name and settings.
    ...['-bsf:v', 'filter_units=remove_types=6'],
  ],
  vp9: ['-crf', '31', '-b:v', '0', '-deadline', 'good', '-cpu-used', '4', '-auto-alt-ref', '0', '-lag-in-frames', '0'],
  vp8: ['-crf', '10', '-b:v', '4M', '-deadline', 'good', '-cpu-used', '4', '-auto-alt-ref', '0', '-lag-in-frames', '0'],
};

/** What an encoder must know of a clip. */
export type EncodedPicture = Pick<ClipInfo, 'colour' | 'height' | 'pixelAspect' | 'width'>;

/** H.264 with 4:2:0 has even sizes only. */
export function encodedSize(
  { width, height }: Pick<ClipInfo, 'height' | 'width'>,
  codec: ClipCodec,
): { width: number; height: number } {
  return codec === 'h264' ? { width: width + (width % 2), height: height + (height % 2) } : { width, height };
}

/**
 * What ffmpeg is asked for to encode what is written to `frames`, each in one piece that `packed` makes of it, as
 * Matroska without any times.
 *
 * @param rate frames a second. Throws UsageError when this ffmpeg has no such encoder.
 */
export function encodingJob(
  tools: FfmpegTools,
  clip: EncodedPicture,
  codec: ClipCodec,
  rate: string,
): Pick<FfmpegJob, 'inputs' | 'options'> & { frames: PassThrough; packed: (rgb: RgbImage) => Uint8Array } {
  const encoder = ENCODERS[codec];
  if (!tools.encoders.includes(encoder)) {
    throw new UsageError(`Expected an ffmpeg that has the encoder ${encoder}: install one, or choose another format`);
  }
  const size = encodedSize(clip, codec);
  const frames = new PassThrough({ highWaterMark: 1 });
  const form = ['-pixel_format', 'rgb24', '-framerate', rate, '-video_size', `${size.width}x${size.height}`];
  return {
    frames,
    packed: (rgb) => toEven(rgb, size),
    inputs: [{ source: frames, options: [...LOG_LEVELS, '-f', 'rawvideo', ...form] }],
    options: [
      ...['-map', '0:0', '-vf', encoderFilter(clip), '-c:v', encoder, '-threads', '1', ...CODEC_OPTIONS[codec]],
      ...[...tools.keepTimes, ...colourTags(clip.colour), '-fflags', '+bitexact', '-flags:v', '+bitexact'],
      ...['-f', 'matroska'],
    ],
  };
}

/**
 * Encodes the frames `from` to `to - 1` into a segment at `path`, which `joinSegments` gives its times. A segment
 * starts with a key frame and needs no other one. An odd width or height becomes even in H.264 by repeating the last
 * column or row; webm keeps it.
 *
 * Throws UsageError when this ffmpeg has no such encoder.
 */
export async function openEncoder(
  tools: FfmpegTools,
  path: string,
  clip: ClipInfo | ClipStretch,
  { codec, from, signal, to }: EncodeRange,
): Promise<ClipEncoder> {
  const { frames, packed, ...job } = encodingJob(tools, clip, codec, nominalRate(clip));
  const run = startFfmpeg(tools, { ...job, output: path, ...(signal !== undefined && { signal }) });
  let failure: unknown;
  const ended = run.done.catch((error: unknown) => {
    failure = error ?? new Error('ffmpeg failed');
  });
  let written = 0;

  const abort = async () => {
    run.kill();
    frames.destroy();
    await ended;
    await rm(path, { force: true });
  };
  const giveUp = async (): Promise<never> => {
    await abort();
    if (signal?.aborted) throw signal.reason;
    throw new SampleError('encode', 'encoder', 'Expected the encoder to take every frame', { cause: failure });
  };
  return {
    async write(rgb) {
      if (rgb.width !== clip.width || rgb.height !== clip.height) {
        throw new OutputError(
          `Expected frames of ${clip.width} × ${clip.height} but received ${rgb.width} × ${rgb.height}`,
        );
      }
      written++;
      if (failure !== undefined) return giveUp();
      if (frames.write(packed(rgb))) return;
      const drained = new Promise<void>((resolve) => frames.once('drain', resolve));
      await withPatience(Promise.race([drained, ended]), run.kill);
      if (failure !== undefined) return giveUp();
    },
    async close() {
      frames.end();
      await withPatience(ended, run.kill);
      if (failure === undefined && written === to - from) return;
      failure ??= new Error(`Expected ${to - from} frames but received ${written}`);
      return giveUp();
    },
    abort,
  };
}

/** Frames a second on average: what rate control goes by. Times are given when segments are joined. */
function nominalRate(clip: ClipInfo | ClipStretch): string {
  const { duration, timeBase } = clip;
  const frames = 'frames' in clip ? clip.frames : clip.pts.length;
  return rateOption((frames * timeBase.den) / (duration * timeBase.num));
}

/** Frames a second as an option. */
export function rateOption(rate: number): string {
  return Math.min(240, Math.max(1, rate)).toFixed(3);
}

function encoderFilter({ colour, pixelAspect }: EncodedPicture): string {
  return [
    `scale=out_color_matrix=${scaleMatrix(colour)}:out_range=tv:${SCALING}`,
    'format=yuv420p',
    `setsar=r=${pixelAspect.num}/${pixelAspect.den}:max=65535`,
  ].join(',');
}

function colourTags({ matrix, primaries, transfer }: ClipColour): string[] {
  return [
    ...['-color_range', 'tv', '-colorspace', matrix],
    ...(primaries === undefined ? [] : ['-color_primaries', primaries]),
    ...(transfer === undefined ? [] : ['-color_trc', transfer]),
  ];
}

/** Repeats the last column and row where `size` is one larger. */
function toEven({ data, height, width }: RgbImage, size: { width: number; height: number }): Uint8Array {
  if (size.width === width && size.height === height) return data;
  const even = new Uint8Array(size.width * size.height * 3);
  for (let y = 0; y < size.height; y++) {
    const row = Math.min(y, height - 1) * width * 3;
    const to = y * size.width * 3;
    even.set(data.subarray(row, row + width * 3), to);
    if (size.width > width) even.copyWithin(to + width * 3, to + (width - 1) * 3, to + width * 3);
  }
  return even;
}

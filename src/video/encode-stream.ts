import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { RgbImage } from '../core/types.ts';
import { OutputError, SampleError } from '../errors.ts';
import { type EncodedPicture, encodingJob, rateOption } from './encode.ts';
import { type FfmpegRun, startFfmpeg } from './ffmpeg.ts';
import { codecFor, MUXERS, openPackets } from './join.ts';
import { LOG_LEVELS } from './log-lines.ts';
import { readMatroska } from './matroska-reader.ts';
import { matroskaCluster, nanoseconds } from './matroska-writer.ts';
import { PATIENCE_SECONDS, withPatience } from './patience.ts';
import type { FfmpegTools, PublishedContainer, Rational } from './types.ts';

/** Where a clip goes that is written once: a file, or whoever takes its bytes. */
export type ClipSink =
  | { readonly kind: 'file'; readonly path: string }
  /** Resolves when more is wanted. */
  | { readonly kind: 'stream'; readonly write: (bytes: Uint8Array) => Promise<void> };

export interface StreamedPicture extends EncodedPicture {
  readonly timeBase: Rational;
}

export interface StreamEncoderOptions {
  readonly container: PublishedContainer;
  /** Frames a second, about: what rate control goes by. */
  readonly rate: Rational;
  readonly sink: ClipSink;
}

/** When a frame is shown after the first one, and for how long: ticks. */
export interface ShownAt {
  readonly at: number;
  readonly duration: number;
}

export interface StreamEncoder {
  /** The next frame, of the clip's size, not to be changed any more. Resolves when another one is welcome. */
  write(rgb: RgbImage, shown: ShownAt): Promise<void>;
  /** Ends the clip: what was written is whole. */
  close(): Promise<void>;
  /** Ends it in the midst; a file is removed. May be called at any time. */
  abort(): Promise<void>;
}

/** An encoder that keeps no frame back, and a muxer that hands on what it has: at most a fifth of a second. */
const PROMPT = {
  encoder: ['-cluster_time_limit', '1', '-flush_packets', '1'],
  h264: ['-tune', 'zerolatency'],
  input: ['-fpsprobesize', '0'],
  matroska: ['-cluster_time_limit', '200', '-flush_packets', '1'],
  mp4: ['-movflags', '+frag_keyframe+empty_moov+default_base_moof', '-frag_duration', '200000', '-flush_packets', '1'],
} as const;

/**
 * Encodes a clip of unknown length in one go, each frame with its time, into a file or a stream: nothing of the source
 * but its frames. A stream is a container that needs no second look: Matroska, or mp4 in fragments. Whoever writes frames
 * waits for whoever takes the bytes. The same frames give the same bytes.
 *
 * Throws UsageError when this ffmpeg has no such encoder; `write` and `close` SampleError of stage `encode`, or what the
 * stream's `write` rejects with.
 */
export function openStreamEncoder(
  tools: FfmpegTools,
  clip: StreamedPicture,
  { container, rate, sink }: StreamEncoderOptions,
): StreamEncoder {
  const codec = codecFor(container);
  const isPrompt = sink.kind === 'stream';
  const { frames, packed, ...job } = encodingJob(tools, clip, codec, rateOption(rate.num / rate.den));
  const prompt = isPrompt ? [...PROMPT.encoder, ...(codec === 'h264' ? PROMPT.h264 : [])] : [];
  const encoder = startFfmpeg(tools, { ...job, options: [...job.options, ...prompt] });
  const times: ShownAt[] = [];
  const packets = Readable.from(timedPackets(encoder, clip, times), { objectMode: false, highWaterMark: 1 << 16 });
  const muxer = startFfmpeg(tools, {
    inputs: [
      {
        source: packets,
        options: [...LOG_LEVELS, '-f', 'matroska', '-copyts', ...(isPrompt ? PROMPT.input : [])],
      },
    ],
    options: [
      ...['-map', '0:0', '-c:v', 'copy', '-map_metadata', '-1', '-map_chapters', '-1', '-sn', '-dn'],
      ...['-fflags', '+bitexact', '-flags', '+bitexact', ...muxerOptions(clip, container, isPrompt)],
    ],
    ...(sink.kind === 'file' && { output: sink.path }),
  });
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error ?? new Error('ffmpeg failed');
    encoder.kill();
    muxer.kill();
    packets.destroy();
  };
  const parts = [encoder.done, muxer.done, ...(sink.kind === 'stream' ? [pump(muxer, sink.write)] : [])];
  const ended = Promise.all(parts.map((part) => part.catch(fail))).then(() => undefined);
  const patience = isPrompt ? Infinity : PATIENCE_SECONDS;
  const kill = (): void => fail(new Error('Expected an encoder that goes on'));

  const abort = async (): Promise<void> => {
    fail(new Error('Given up'));
    frames.destroy();
    await ended;
    if (sink.kind === 'file') await rm(sink.path, { force: true });
  };
  const giveUp = async (): Promise<never> => {
    const cause = failure;
    await abort();
    if (cause instanceof OutputError) throw cause;
    throw new SampleError('encode', 'encoder', 'Expected the encoder to take every frame', { cause });
  };
  return {
    async write(rgb, shown) {
      if (rgb.width !== clip.width || rgb.height !== clip.height) {
        const received = `${rgb.width} × ${rgb.height}`;
        throw new OutputError(`Expected frames of ${clip.width} × ${clip.height} but received ${received}`);
      }
      times.push(shown);
      if (failure === undefined && !frames.write(packed(rgb))) {
        const drained = new Promise<void>((resolve) => frames.once('drain', resolve));
        await withPatience(Promise.race([drained, ended]), kill, patience);
      }
      if (failure !== undefined) await giveUp();
    },
    async close() {
      frames.end();
      await withPatience(ended, kill, patience);
      if (failure !== undefined || times.length > 0) await giveUp();
    },
    abort,
  };
}

function muxerOptions({ timeBase }: StreamedPicture, container: PublishedContainer, isPrompt: boolean): string[] {
  const format = ['-f', MUXERS[container]];
  if (container === 'mkv' || container === 'webm') return [...(isPrompt ? PROMPT.matroska : []), ...format];
  // An edit list would round times to milliseconds.
  const exact = ['-video_track_timescale', `${timeBase.den}`, '-use_editlist', '0'];
  return [...exact, ...(isPrompt ? PROMPT.mp4 : ['-movflags', '+faststart']), ...format];
}

/** The encoder's packets as a Matroska stream, each with the time of its frame, which is taken off `times`. */
async function* timedPackets(encoder: FfmpegRun, clip: StreamedPicture, times: ShownAt[]): AsyncGenerator<Buffer> {
  const { header, frames } = await openPackets(readMatroska(encoder.stdout), clip);
  yield header;
  for await (const { data, key } of frames) {
    const shown = times.shift();
    if (shown === undefined) throw new OutputError('Expected a packet for each frame but received more');
    const time = nanoseconds(shown.at, clip.timeBase);
    const end = nanoseconds(shown.at + shown.duration, clip.timeBase);
    yield matroskaCluster({ data, key, time, duration: end - time });
  }
}

async function pump({ stdout }: FfmpegRun, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for await (const chunk of stdout) await write(chunk as Uint8Array);
}

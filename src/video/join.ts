import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { OutputError, SampleError } from '../errors.ts';
import { type AudioPlan, planAudio } from './audio.ts';
import { colourCodes } from './colour-codes.ts';
import { encodedSize } from './encode.ts';
import { startFfmpeg } from './ffmpeg.ts';
import { LOG_LEVELS } from './log-lines.ts';
import { type MatroskaItem, readMatroska } from './matroska-reader.ts';
import { matroskaCluster, matroskaHeader, nanoseconds } from './matroska-writer.ts';
import { type JoinedPackets, PacketHash } from './packets.ts';
import { withPatience } from './patience.ts';
import type { AudioMode, ClipCodec, ClipInfo, FfmpegTools, PublishedContainer } from './types.ts';

export interface JoinOptions {
  readonly container: PublishedContainer;
  readonly audio: AudioMode;
  readonly signal?: AbortSignal;
}

/** Copying hours of packets takes minutes; masking their sound takes longer. */
const JOIN_SECONDS = 3600;

/** Names of codecs in Matroska. */
const CODEC_IDS: ReadonlyMap<string, ClipCodec> = new Map([
  ['V_MPEG4/ISO/AVC', 'h264'],
  ['V_VP9', 'vp9'],
  ['V_VP8', 'vp8'],
]);

export const MUXERS: Readonly<Record<PublishedContainer, string>> = {
  mp4: 'mp4',
  mov: 'mov',
  mkv: 'matroska',
  webm: 'webm',
};

/** The codec of a container's pictures. */
export function codecFor(container: PublishedContainer): ClipCodec {
  return container === 'webm' ? 'vp9' : 'h264';
}

/**
 * Puts segments that together hold every frame of the clip into one file, without encoding them again. Every frame is
 * shown when the source shows it, counted from the first frame, which is shown at 0; mkv and webm know milliseconds.
 * Nothing else of the source gets in: no other stream, chapter or tag; sound only if `audio` says so.
 *
 * Returns of which packets the picture in the file must consist, for `verifyJoined`.
 * Throws SampleError of stage `encode` when ffmpeg fails, OutputError when segments are not those of the clip.
 */
export async function joinSegments(
  tools: FfmpegTools,
  segments: readonly string[],
  clip: ClipInfo,
  out: string,
  { audio, container, signal }: JoinOptions,
): Promise<JoinedPackets> {
  const sound = await planAudio(tools, clip, container, audio, signal);
  let failure: unknown;
  let digest: JoinedPackets | undefined;
  const packets = Readable.from(
    timedPackets(segments, clip, {
      end: (whole) => {
        digest = whole;
      },
      fail: (error) => {
        failure = error;
      },
    }),
    { objectMode: false, highWaterMark: 1 << 20 },
  );
  const run = startFfmpeg(tools, {
    inputs: [{ source: packets, options: [...LOG_LEVELS, '-f', 'matroska', '-copyts'] }, ...soundInput(sound)],
    options: [
      ...['-map', '0:0', '-c:v', 'copy', ...(sound === undefined ? [] : sound.options)],
      ...['-map_metadata', '-1', '-map_chapters', '-1', '-sn', '-dn'],
      ...['-fflags', '+bitexact', '-flags', '+bitexact'],
      ...muxerOptions(clip, container, sound !== undefined),
    ],
    output: out,
    ...(signal !== undefined && { signal }),
  });
  try {
    await withPatience(run.done, run.kill, JOIN_SECONDS);
    if (digest === undefined) throw new Error('Expected ffmpeg to read all packets');
    return digest;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (failure instanceof OutputError) throw failure;
    throw new SampleError('encode', 'muxer', 'Expected the segments to be joined', { cause: failure ?? error });
  } finally {
    packets.destroy();
  }
}

function soundInput(sound: AudioPlan | undefined) {
  return sound === undefined ? [] : [sound.input];
}

function muxerOptions({ timeBase }: ClipInfo, container: PublishedContainer, sound: boolean): string[] {
  if (container === 'mkv' || container === 'webm') return ['-f', MUXERS[container]];
  // An edit list would round times to milliseconds. Sound needs one: encoders begin with samples that are not heard.
  const editList = sound ? [] : ['-use_editlist', '0'];
  return ['-video_track_timescale', `${timeBase.den}`, ...editList, '-movflags', '+faststart', '-f', MUXERS[container]];
}

/** The packets of all segments as one Matroska stream, each with the time of its frame. */
async function* timedPackets(
  segments: readonly string[],
  clip: ClipInfo,
  on: { readonly end: (digest: JoinedPackets) => void; readonly fail: (error: unknown) => void },
): AsyncGenerator<Buffer> {
  try {
    const hash = new PacketHash();
    let setup: string | undefined;
    const keyframes: number[] = [];
    let index = 0;
    let first: string | undefined;
    for (const segment of segments) {
      const { header, codecPrivate, frames } = await openPackets(readMatroska(createReadStream(segment)), clip);
      // All segments must have been encoded with the same parameters: the file holds them once.
      const parameters = header.toString('latin1');
      if (first === undefined) {
        setup = codecPrivate && sha256(codecPrivate);
        yield header;
      }
      first ??= parameters;
      if (parameters !== first) throw new OutputError('Expected segments that were encoded in the same way');
      for await (const { data, key } of frames) {
        hash.add(sha256(data));
        if (key) keyframes.push(index);
        yield matroskaCluster({ data, key, ...timeOf(clip, index) });
        index++;
      }
    }
    if (index !== clip.pts.length) {
      throw new OutputError(`Expected segments with ${clip.pts.length} frames but received ${index}`);
    }
    on.end({ ...hash.digest(setup), keyframes });
  } catch (error) {
    on.fail(error);
    throw error;
  }
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** When a frame is shown after the first one, and for how long. */
function timeOf({ duration, pts, timeBase }: ClipInfo, index: number): { time: bigint; duration: bigint } {
  const first = pts[0] ?? 0;
  const at = pts[index];
  if (at === undefined) throw new OutputError(`Expected segments with ${pts.length} frames but received more`);
  const time = nanoseconds(at - first, timeBase);
  return { time, duration: nanoseconds((pts[index + 1] ?? first + duration) - first, timeBase) - time };
}

/** The header of a Matroska stream with the packets of an encoder, and these, which have no time yet. */
export async function openPackets(
  items: AsyncGenerator<MatroskaItem>,
  clip: Pick<ClipInfo, 'colour' | 'height' | 'pixelAspect' | 'width'>,
) {
  let codecId = '';
  let codecPrivate: Uint8Array | undefined;
  async function* frames() {
    for await (const item of items) if (item.kind === 'frame') yield item;
  }
  for (;;) {
    const { done, value: item } = await items.next();
    if (done) throw new OutputError('Expected a segment that holds frames');
    if (item.kind === 'codec') codecId = item.id;
    else if (item.kind === 'private') codecPrivate = item.data;
    else {
      const codec = CODEC_IDS.get(codecId);
      if (codec === undefined) throw new OutputError('Expected a segment with H.264, VP9 or VP8');
      const { height, width } = encodedSize(clip, codec);
      const header = matroskaHeader({
        codecId,
        ...(codecPrivate !== undefined && { codecPrivate }),
        width,
        height,
        ...(codec !== 'h264' && { pixelAspect: clip.pixelAspect, colour: colourCodes(clip.colour) }),
      });
      return { header, codecPrivate, frames: withFirst(item, frames()) };
    }
  }
}

async function* withFirst<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

import type { RgbImage } from '../core/types.ts';

/*
 * Getting frames of a clip in and out:
 *
 *   const tools = await findFfmpeg();                                   // tools.ts, once per process
 *   const clip = await probeClip(tools, path, limits);                  // probe.ts, decodes once to count and time frames
 *   for await (const { index, rgb } of decodeFrames(tools, clip, { from, to, signal })) …   // decode.ts
 *   const encoder = await openEncoder(tools, segmentPath, clip, { from, to, codec });       // encode.ts
 *   await encoder.write(rgb); … await encoder.close();                  // or abort(): deletes the file
 *   await checkSegment(tools, segmentPath, clip, glances);              // check-segment.ts, decodes what was encoded
 *   const packets = await joinSegments(tools, segmentPaths, clip, out, { container, audio });    // join.ts
 *   await verifyJoined(tools, out, clip, packets, { container, audio });   // verify.ts, throws when anything is not as it was
 *
 * Everything throws SampleError, apart from findFfmpeg (UsageError) and failing disks (OutputError).
 * A ClipInfo is plain data: it may be sent to other threads and stored as JSON in a private folder.
 */

/** The programs that are called. They are never linked. */
export interface FfmpegTools {
  /** Path or name of the executable. */
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** As `ffmpeg -version` says, such as `6.1.1`; builds from between two releases have names of their own. */
  readonly version: string;
  /** Names of the encoders that are needed and there, such as `libx264`. */
  readonly encoders: readonly string[];
  /** The option that keeps every frame and its time: its name changed with 5.1. */
  readonly keepTimes: readonly string[];
  /** The filter that tells the times of frames, without sums over their pixels where it knows how. */
  readonly showTimes: string;
}

export interface Rational {
  readonly num: number;
  readonly den: number;
}

export const CLIP_CONTAINERS = ['mp4', 'mov', 'mkv', 'webm', 'avi', 'gif', 'webp'] as const;
/** What a clip is stored in, told by its bytes: `mp4` and `mov` by brand, `mkv` and `webm` by document type. */
export type ClipContainer = (typeof CLIP_CONTAINERS)[number];

export const PUBLISHED_CONTAINERS = ['mp4', 'webm', 'mov', 'mkv'] as const;
/** What a clip is published in: `webm` with VP9, all others with H.264. */
export type PublishedContainer = (typeof PUBLISHED_CONTAINERS)[number];

export const CLIP_CODECS = ['h264', 'vp9', 'vp8'] as const;
export type ClipCodec = (typeof CLIP_CODECS)[number];

export const AUDIO_MODES = ['drop', 'keep', 'mask'] as const;
/**
 * `drop`: no sound. `keep`: the first sound track as it is. `mask`: its voices are shifted in pitch and formants,
 * which is obfuscation and no anonymization: words, accent, rhythm and other sounds stay.
 */
export type AudioMode = (typeof AUDIO_MODES)[number];

/** How stored frames turn upright: degrees clockwise, after a mirroring at the vertical axis if `mirrored`. */
export interface ClipOrientation {
  readonly clockwise: 0 | 90 | 180 | 270;
  readonly mirrored: boolean;
}

/** ffmpeg's names, such as `tv`, `bt709`; what the file does not say is guessed as players do. */
export interface ClipColour {
  readonly range: 'tv' | 'pc';
  readonly matrix: string;
  readonly primaries?: string;
  readonly transfer?: string;
}

/** A clip's picture: its first video stream that is no cover art. */
export interface ClipInfo {
  readonly path: string;
  readonly container: ClipContainer;
  /** Index of the picture among the streams of the file. */
  readonly stream: number;
  /** ffmpeg's name of the codec, such as `h264`. */
  readonly codec: string;
  /** Pixels of the upright frame. */
  readonly width: number;
  readonly height: number;
  readonly orientation: ClipOrientation;
  /** Width to height of one pixel of the upright frame. */
  readonly pixelAspect: Rational;
  /** Seconds per tick. */
  readonly timeBase: Rational;
  /** Ticks of every frame in the order of presentation, strictly increasing; its length is the number of frames. */
  readonly pts: readonly number[];
  /** Ticks from the first frame to the end of the last. */
  readonly duration: number;
  /** Indices of frames from which decoding can start, increasing. The first is 0. */
  readonly keyframes: readonly number[];
  readonly alpha: boolean;
  readonly bitDepth: number;
  readonly colour: ClipColour;
  readonly hasAudio: boolean;
  /** Streams that are never published, by kind: attachment, audio, cover, data, subtitle, video; and chapters. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** What is known of a clip before its frames are. */
export type DescribedClip = Omit<ClipInfo, 'path' | 'pts' | 'duration' | 'keyframes'>;

/** Bytes that arrive, never ahead of their consumer. */
export interface ByteStream {
  /** Undefined at the end, and ever after. */
  read(): Promise<Uint8Array | undefined>;
}

export interface ClipLimits {
  /** Largest accepted width times height. */
  readonly limitPixels: number;
  readonly limitFrames: number;
  /** Wall-clock limit of probing. */
  readonly timeoutSeconds: number;
}

export interface FrameRange {
  /** First frame, index into `ClipInfo.pts`. */
  readonly from: number;
  /** One after the last frame. */
  readonly to: number;
}

/** Fresh memory that the receiver may change in place. */
export interface ClipFrame {
  readonly index: number;
  readonly rgb: RgbImage;
}

export interface ClipEncoder {
  /** The next frame of the range, of the clip's size, not to be changed any more. Resolves when another one is welcome. */
  write(rgb: RgbImage): Promise<void>;
  /** Ends the segment. Throws when not every frame of the range was written or ffmpeg failed; the file is gone then. */
  close(): Promise<void>;
  /** Gives the segment up and removes its file. May be called at any time. */
  abort(): Promise<void>;
}

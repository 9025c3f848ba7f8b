import * as v from 'valibot';
import { SampleError } from '../errors.ts';
import { probeJson } from './ffprobe.ts';
import { DEMUXERS } from './sniff.ts';
import type { ClipColour, ClipContainer, ClipOrientation, FfmpegTools, Rational } from './types.ts';

const STREAMS_SCHEMA = v.object({
  streams: v.array(
    v.looseObject({
      index: v.number(),
      codec_type: v.optional(v.string(), 'data'),
      codec_name: v.optional(v.string(), 'unknown'),
      width: v.optional(v.number(), 0),
      height: v.optional(v.number(), 0),
      pix_fmt: v.optional(v.string(), 'unknown'),
      sample_aspect_ratio: v.optional(v.string(), '1:1'),
      time_base: v.optional(v.string(), '0/1'),
      r_frame_rate: v.optional(v.string(), '0/0'),
      nb_frames: v.optional(v.string()),
      color_range: v.optional(v.string()),
      color_space: v.optional(v.string()),
      color_primaries: v.optional(v.string()),
      color_transfer: v.optional(v.string()),
      disposition: v.optional(v.record(v.string(), v.number()), {}),
      tags: v.optional(v.record(v.string(), v.string()), {}),
      side_data_list: v.optional(v.array(v.looseObject({ displaymatrix: v.optional(v.string()) })), []),
    }),
  ),
  chapters: v.optional(v.array(v.unknown()), []),
  format: v.optional(v.looseObject({ tags: v.optional(v.record(v.string(), v.string()), {}) }), {}),
});

/** What ffprobe says of a file without decoding it. */
export type FileStreams = v.InferOutput<typeof STREAMS_SCHEMA>;
export type FileStream = FileStreams['streams'][number];

/** Rejects with what ffprobe or the schema found wrong: not for published messages. */
export async function readStreams(
  tools: FfmpegTools,
  path: string,
  container: Exclude<ClipContainer, 'webp'>,
  signal?: AbortSignal,
): Promise<FileStreams> {
  return parseStreams(await probeJson(tools, path, streamsOptions(container), signal));
}

/** What ffprobe is asked. */
export function streamsOptions(container: Exclude<ClipContainer, 'webp'>): string[] {
  return ['-f', DEMUXERS[container], '-show_streams', '-show_chapters', '-show_format'];
}

/** @throws what the schema finds wrong with the answer. */
export function parseStreams(answer: unknown): FileStreams {
  return v.parse(STREAMS_SCHEMA, answer);
}

/** The first video stream that is neither cover art nor a set of thumbnails. */
export function pictureOf({ streams }: FileStreams): FileStream | undefined {
  return streams.find((stream) => kindOf(stream) === 'video');
}

export function kindOf({ codec_type, disposition }: FileStream): string {
  if (codec_type !== 'video') return codec_type;
  return disposition.attached_pic === 1 || disposition.timed_thumbnails === 1 ? 'cover' : 'video';
}

export function rational(text: string): Rational | undefined {
  const match = /^(\d+)[/:](\d+)$/.exec(text);
  const num = Number(match?.[1]);
  const den = Number(match?.[2]);
  return num > 0 && den > 0 && num < 2 ** 31 && den < 2 ** 31 ? { num, den } : undefined;
}

/** Linear part of a display matrix (ISO/IEC 14496-12, 16.16 fixed point) → how the stored picture turns upright. */
const ORIENTATIONS: ReadonlyMap<string, ClipOrientation> = new Map([
  ['1 0 0 1', { clockwise: 0, mirrored: false }],
  ['0 1 -1 0', { clockwise: 90, mirrored: false }],
  ['-1 0 0 -1', { clockwise: 180, mirrored: false }],
  ['0 -1 1 0', { clockwise: 270, mirrored: false }],
  ['-1 0 0 1', { clockwise: 0, mirrored: true }],
  ['0 -1 -1 0', { clockwise: 90, mirrored: true }],
  ['1 0 0 -1', { clockwise: 180, mirrored: true }],
  ['0 1 1 0', { clockwise: 270, mirrored: true }],
]);

/** Throws SampleError `unsupported:rotation` for a picture that is turned by anything but quarters. */
export function orientationOf({ side_data_list }: FileStream): ClipOrientation {
  const text = side_data_list.find(({ displaymatrix }) => displaymatrix !== undefined)?.displaymatrix;
  if (text === undefined) return { clockwise: 0, mirrored: false };
  const rows = [...text.matchAll(/^\s*[0-9a-f]{8}:\s*(-?\d+)\s+(-?\d+)\s+(-?\d+)\s*$/gm)];
  const linear = rows.slice(0, 2).flatMap(([, a, b]) => [Number(a) / 65536, Number(b) / 65536]);
  const orientation = ORIENTATIONS.get(linear.map((value) => Math.sign(Math.round(value))).join(' '));
  if (orientation !== undefined && linear.every((value) => Number.isInteger(value))) return orientation;
  throw new SampleError('decode', 'unsupported:rotation', 'Expected a picture that is turned by quarters');
}

const MATRICES: ReadonlySet<string> = new Set(['bt709', 'bt470bg', 'smpte170m', 'smpte240m', 'fcc', 'bt2020nc']);

const PRIMARIES: ReadonlySet<string> = new Set(
  'bt709 bt470m bt470bg smpte170m smpte240m film bt2020 smpte431 smpte432'.split(' '),
);

/** Transfer functions as ffprobe calls them → as ffmpeg's options do. */
const TRANSFERS: ReadonlyMap<string, string> = new Map([
  ['bt470m', 'gamma22'],
  ['bt470bg', 'gamma28'],
  ...'bt709 smpte170m smpte240m linear iec61966-2-1 bt2020-10 bt2020-12 smpte2084 arib-std-b67'
    .split(' ')
    .map((name): [string, string] => [name, name]),
]);

/** From this height on, players take a picture that does not say so for BT.709. */
const HIGH_DEFINITION = 720;

/** What is not well known counts as not stated. */
export function colourOf(stream: FileStream): ClipColour {
  const { color_primaries = '', color_range, color_space = '', color_transfer = '', height, pix_fmt } = stream;
  const transfer = TRANSFERS.get(color_transfer);
  return {
    range: color_range === 'pc' || pix_fmt.startsWith('yuvj') ? 'pc' : 'tv',
    matrix: MATRICES.has(color_space) ? color_space : height >= HIGH_DEFINITION ? 'bt709' : 'smpte170m',
    ...(PRIMARIES.has(color_primaries) && { primaries: color_primaries }),
    ...(transfer !== undefined && { transfer }),
  };
}

export function bitDepthOf({ pix_fmt }: FileStream): number {
  const depth = /(?:p|gray|x2rgb|x2bgr|gbrap?)(9|10|12|14|16)(?:le|be)?$/.exec(pix_fmt)?.[1];
  return depth === undefined ? (/48|64/.test(pix_fmt) ? 16 : 8) : Number(depth);
}

export function hasAlpha({ pix_fmt, tags }: FileStream): boolean {
  return /^(yuva|rgba|bgra|argb|abgr|gbrap|ya|pal8)/.test(pix_fmt) || tags.alpha_mode === '1';
}

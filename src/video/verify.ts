import { SampleError } from '../errors.ts';
import { encodedSize } from './encode.ts';
import { codecFor, type JoinOptions } from './join.ts';
import { probeClip } from './probe.ts';
import { type FileStreams, pictureOf, readStreams } from './streams.ts';
import type { ClipInfo, FfmpegTools, PublishedContainer } from './types.ts';

/** Tags that say nothing of the source. Values of muxers without their version. */
const FORMAT_TAGS: ReadonlyMap<string, RegExp> = new Map([
  ['major_brand', /^(isom|qt {2})$/],
  ['minor_version', /^512$/],
  ['compatible_brands', /^(isom|iso2|avc1|mp41|qt {2})+$/],
  ['encoder', /^Lavf$/],
]);

const STREAM_TAGS: ReadonlyMap<string, RegExp> = new Map([
  ['handler_name', /^(Video|Sound)Handler$/],
  // What QuickTime files say when no language is stated.
  ['language', /^(und|eng)$/],
  ['vendor_id', /^(\[0\]\[0\]\[0\]\[0\]|FFMP)$/],
  ['encoder', /^Lavc( \w+)?$/],
  ['duration', /^[\d:.]+$/],
]);

/** What a container may round times to, in seconds. */
const PRECISION: Readonly<Record<PublishedContainer, number>> = { mp4: 0, mov: 0, mkv: 0.001, webm: 0.001 };

/**
 * Opens a published clip again: it decodes to its end, has the frames of the source at the times of the source and
 * its duration, and nothing but one picture, sound if asked for, and neutral tags.
 *
 * Throws SampleError of stage `verify`.
 */
export async function verifyClip(
  tools: FfmpegTools,
  path: string,
  clip: ClipInfo,
  { audio, container }: JoinOptions,
): Promise<void> {
  const seen = await probeClip(tools, path, {
    limitPixels: (clip.width + 1) * (clip.height + 1),
    limitFrames: clip.pts.length,
    timeoutSeconds: 3600,
  }).catch((error: unknown) => {
    throw new SampleError('verify', 'undecodable', 'Expected a published clip that decodes', { cause: error });
  });
  const file = await readStreams(tools, path, container);
  const size = encodedSize(clip, codecFor(container));
  const differs =
    wrong('container', seen.container === container) ??
    wrong('codec', seen.codec === codecFor(container)) ??
    wrong('size', seen.width === size.width && seen.height === size.height) ??
    wrong('orientation', seen.orientation.clockwise === 0 && !seen.orientation.mirrored) ??
    wrong('pixel aspect', sameAspect(seen, clip)) ??
    wrong('number of frames', seen.pts.length === clip.pts.length) ??
    wrong('times', sameTimes({ ...seen, duration: durationIn(file, seen) }, clip, PRECISION[container])) ??
    foreign(file, audio !== 'drop' && clip.hasAudio);
  if (differs === undefined) return;
  throw new SampleError('verify', 'clip-differs', `Expected the published clip to keep its ${differs}`);
}

function wrong(what: string, holds: boolean): string | undefined {
  return holds ? undefined : what;
}

/** mkv and webm state the end of the last frame in a tag; its packet has the duration of an average frame there. */
function durationIn(file: FileStreams, { duration, pts, timeBase }: ClipInfo): number {
  const end = /^(\d+):(\d+):(\d+\.\d+)$/.exec(pictureOf(file)?.tags.DURATION ?? '');
  if (end === null) return duration;
  const seconds = Number(end[1]) * 3600 + Number(end[2]) * 60 + Number(end[3]);
  return Math.round((seconds * timeBase.den) / timeBase.num) - (pts[0] ?? 0);
}

/** mkv and webm say it by a display size in whole pixels. */
function sameAspect({ height, pixelAspect: a, width }: ClipInfo, { pixelAspect: b }: ClipInfo): boolean {
  const ratio = (a.num * b.den) / (a.den * b.num);
  return Math.abs(ratio - 1) <= 1 / Math.min(width, height);
}

/** Times are compared as fractions, counted from the first frame. The end of the last frame counts as one. */
function sameTimes(seen: ClipInfo, clip: ClipInfo, precision: number): boolean {
  const a = BigInt(seen.timeBase.num) * BigInt(clip.timeBase.den);
  const b = BigInt(clip.timeBase.num) * BigInt(seen.timeBase.den);
  const perSecond = Number(clip.timeBase.den) * seen.timeBase.den;
  const same = (mine: number, theirs: number) => {
    const difference = Number(BigInt(mine) * a - BigInt(theirs) * b);
    return Math.abs(difference) <= precision * perSecond;
  };
  const [mine = 0] = seen.pts;
  const [theirs = 0] = clip.pts;
  return (
    same(seen.duration, clip.duration) && seen.pts.every((pts, i) => same(pts - mine, (clip.pts[i] ?? 0) - theirs))
  );
}

/** The first thing that is not on the list of what may be there. */
function foreign({ chapters, format, streams }: FileStreams, sound: boolean): string | undefined {
  const kinds = streams.map(({ codec_type }) => codec_type).join(',');
  if (kinds !== (sound ? 'video,audio' : 'video')) return 'streams';
  if (chapters.length > 0) return 'lack of chapters';
  if (!allowed(format.tags, FORMAT_TAGS)) return 'lack of tags';
  return streams.every(({ tags }) => allowed(tags, STREAM_TAGS)) ? undefined : 'lack of tags';
}

function allowed(tags: Readonly<Record<string, string>> = {}, list: ReadonlyMap<string, RegExp>): boolean {
  return Object.entries(tags).every(([name, value]) => list.get(name.toLowerCase())?.test(value) === true);
}

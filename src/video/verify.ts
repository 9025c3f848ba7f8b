import { SampleError } from '../errors.ts';
import { encodedSize } from './encode.ts';
import { decodedTimes } from './frame-times.ts';
import { codecFor, type JoinOptions } from './join.ts';
import { type JoinedPackets, readPackets } from './packets.ts';
import { describePicture, probeClip } from './probe.ts';
import { sniffClipFile } from './sniff.ts';
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
  options: JoinOptions,
): Promise<void> {
  const limits = { ...limitsOf(clip), timeoutSeconds: 3600 };
  const seen = await opened(() => probeClip(tools, path, limits));
  const file = await readStreams(tools, path, options.container);
  refuse(difference(seen, file, clip, options));
}

/**
 * As `verifyClip` for a file of segments that were decoded one by one: it consists of exactly their packets, so that
 * only its key frames are decoded once more.
 *
 * @param packets what `joinSegments` has put into the file.
 * Throws SampleError of stage `verify`.
 */
export async function verifyJoined(
  tools: FfmpegTools,
  path: string,
  clip: ClipInfo,
  packets: JoinedPackets,
  options: JoinOptions,
): Promise<void> {
  const container = await opened(() => sniffClipFile(path));
  if (container !== options.container) return refuse('container');
  const { file, found, picture, keys } = await opened(async () => {
    const file = await readStreams(tools, path, container);
    const picture = describePicture(file, limitsOf(clip));
    const found = await readPackets(tools, path, container, picture.stream.index, clip.pts.length);
    const keys = await decodedTimes(
      tools,
      { path, container, ...picture },
      limitsOf(clip),
      AbortSignal.timeout(3600 * 1000),
      ['-skip_frame', 'nokey'],
    );
    return { file, found, picture, keys };
  });
  const { pts, lastDuration } = found;
  const duration = (pts.at(-1) ?? 0) - (pts[0] ?? 0) + lastDuration;
  const timesOf = (times: readonly number[], frames: readonly number[]): string => frames.map((i) => times[i]).join();
  refuse(
    wrong('packets', found.packets === packets.packets && found.sha256 === packets.sha256) ??
      // Of other codecs, what a header repeats is in the packets, too, and not every container holds it.
      wrong('parameters', picture.codec !== 'h264' || found.setup === packets.setup) ??
      wrong('key frames', timesOf(keys.pts, keys.keyframes) === timesOf(pts, packets.keyframes)) ??
      difference({ ...picture, container, pts, duration }, file, clip, options),
  );
}

async function opened<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new SampleError('verify', 'undecodable', 'Expected a published clip that decodes', { cause });
  }
}

function refuse(differs: string | undefined): void {
  if (differs === undefined) return;
  throw new SampleError('verify', 'clip-differs', `Expected the published clip to keep its ${differs}`);
}

/** What encoding may add to the picture, and no more. */
function limitsOf({ height, pts, width }: ClipInfo): { limitPixels: number; limitFrames: number } {
  return { limitPixels: (width + 1) * (height + 1), limitFrames: pts.length };
}

type Seen = Pick<
  ClipInfo,
  'container' | 'codec' | 'width' | 'height' | 'orientation' | 'pixelAspect' | 'pts' | 'duration' | 'timeBase'
>;

/** The first thing in which a published clip is not as it must be. */
function difference(
  seen: Seen,
  file: FileStreams,
  clip: ClipInfo,
  { audio, container }: JoinOptions,
): string | undefined {
  const size = encodedSize(clip, codecFor(container));
  return (
    wrong('container', seen.container === container) ??
    wrong('codec', seen.codec === codecFor(container)) ??
    wrong('size', seen.width === size.width && seen.height === size.height) ??
    wrong('orientation', seen.orientation.clockwise === 0 && !seen.orientation.mirrored) ??
    wrong('pixel aspect', sameAspect(seen, clip)) ??
    wrong('number of frames', seen.pts.length === clip.pts.length) ??
    wrong('times', sameTimes({ ...seen, duration: durationIn(file, seen) }, clip, PRECISION[container])) ??
    foreign(file, audio !== 'drop' && clip.hasAudio)
  );
}

function wrong(what: string, holds: boolean): string | undefined {
  return holds ? undefined : what;
}

/** mkv and webm state the end of the last frame in a tag; its packet has the duration of an average frame there. */
function durationIn(file: FileStreams, { duration, pts, timeBase }: Seen): number {
  const end = /^(\d+):(\d+):(\d+\.\d+)$/.exec(pictureOf(file)?.tags.DURATION ?? '');
  if (end === null) return duration;
  const seconds = Number(end[1]) * 3600 + Number(end[2]) * 60 + Number(end[3]);
  return Math.round((seconds * timeBase.den) / timeBase.num) - (pts[0] ?? 0);
}

/** mkv and webm say it by a display size in whole pixels. */
function sameAspect({ height, pixelAspect: a, width }: Seen, { pixelAspect: b }: ClipInfo): boolean {
  const ratio = (a.num * b.den) / (a.den * b.num);
  return Math.abs(ratio - 1) <= 1 / Math.min(width, height);
}

/** Times are compared as fractions, counted from the first frame. The end of the last frame counts as one. */
function sameTimes(seen: Seen, clip: ClipInfo, precision: number): boolean {
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

import type { FfmpegInput } from './ffmpeg.ts';
import { DEMUXERS } from './sniff.ts';
import { readStreams } from './streams.ts';
import type { AudioMode, ClipInfo, FfmpegTools, PublishedContainer } from './types.ts';

/** A second input and what becomes of its sound. */
export interface AudioPlan {
  readonly input: FfmpegInput;
  readonly options: readonly string[];
}

/**
 * Codecs whose packets go into a container as they are; sound of others is encoded again. Not Vorbis and its relatives,
 * whose headers hold comments of the source.
 */
const TAKEN: Readonly<Record<PublishedContainer, RegExp>> = {
  mp4: /^(aac|mp3|ac3|eac3|alac|opus)$/,
  mov: /^(aac|mp3|ac3|eac3|alac|pcm_s16le|pcm_s24le)$/,
  mkv: /^(aac|mp3|ac3|eac3|alac|opus|pcm_s16le|pcm_s24le)$/,
  webm: /^opus$/,
};

/**
 * Obfuscates voices: pitch and formants go down by a sixth, and only the band of a telephone is left. Words,
 * accent and rhythm stay, what was done can be undone in part, and who knows a voice well may know it still. No filter with memory that old versions of ffmpeg leave unset, such as `vibrato`.
 */
const MASK = [
  'aresample=48000',
  'aformat=sample_fmts=fltp:channel_layouts=mono',
  'asetrate=40000',
  'aresample=48000',
  'atempo=1.2',
  'highpass=f=200',
  'lowpass=f=3400',
].join(',');

/**
 * What becomes of the first sound track; nothing when there is none or it is to be dropped. Sound from before the
 * first frame is left to the muxer, which shifts or cuts it.
 */
export async function planAudio(
  tools: FfmpegTools,
  clip: ClipInfo,
  container: PublishedContainer,
  mode: AudioMode,
  signal?: AbortSignal,
): Promise<AudioPlan | undefined> {
  if (mode === 'drop' || !clip.hasAudio || clip.container === 'webp') return undefined;
  const { streams } = await readStreams(tools, clip.path, clip.container, signal);
  const stream = streams.find(({ codec_type }) => codec_type === 'audio');
  if (stream === undefined) return undefined;
  const first = ((clip.pts[0] ?? 0) * clip.timeBase.num) / clip.timeBase.den;
  const input = {
    source: clip.path,
    options: ['-f', DEMUXERS[clip.container], '-itsoffset', (-first).toFixed(6)],
  };
  const map = ['-map', `1:${stream.index}`];
  if (mode === 'mask') return { input, options: [...map, '-af', MASK, ...encoderFor(container)] };
  const copied = TAKEN[container].test(stream.codec_name);
  return { input, options: [...map, ...(copied ? ['-c:a', 'copy'] : encoderFor(container))] };
}

function encoderFor(container: PublishedContainer): string[] {
  return container === 'webm' ? ['-c:a', 'libopus', '-b:a', '96k'] : ['-c:a', 'aac', '-b:a', '128k'];
}

import type { ClipColour, ClipInfo, ClipOrientation, FfmpegTools } from './types.ts';

// From stored pictures to upright RGB.

const ACCURATE = 'accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';

/** swscale's way of converting that depends neither on the processor nor on the neighbours of a pixel more than it must. */
export const SCALING = `flags=bicubic+${ACCURATE}`;
/** The same for pictures that become smaller: each pixel is the mean of what it covers. */
export const REDUCING = `flags=area+${ACCURATE}`;
/**
 * swscale's quickest way, for networks, in which nothing comes of the difference: chroma is repeated, not interpolated, and
 * colours are off by one or two on average. What they are may depend on the processor, as what a network makes of them does.
 */
export const QUICK = 'flags=bicubic+bitexact';

/** Names of matrices as the filter `scale` calls them. */
export function scaleMatrix({ matrix }: ClipColour): string {
  if (matrix === 'bt470bg' || matrix === 'smpte170m') return 'bt601';
  return matrix === 'bt2020nc' ? 'bt2020' : matrix;
}

const TURNS: Readonly<Record<ClipOrientation['clockwise'], readonly string[]>> = {
  0: [],
  90: ['transpose=clock'],
  180: ['hflip', 'vflip'],
  270: ['transpose=cclock'],
};

/** Filters that let the frames from `ticks` on pass, tell their times and turn them into upright RGB or RGBA. */
export function framesFilter(tools: FfmpegTools, clip: Stored, ticks: number, flags?: string): string {
  return `select=gte(pts\\,${ticks}),${uprightFilter(tools, clip, flags)}`;
}

type Stored = Pick<ClipInfo, 'alpha' | 'colour' | 'height' | 'orientation' | 'width'>;

/** The same for all frames. */
export function uprightFilter(
  { showTimes }: FfmpegTools,
  { alpha, colour, height, orientation, width }: Stored,
  flags = SCALING,
): string {
  const turned = orientation.clockwise % 180 === 90;
  const size = turned ? `${height}:${width}` : `${width}:${height}`;
  return [
    showTimes,
    `scale=${size}:in_color_matrix=${scaleMatrix(colour)}:in_range=${colour.range}:${flags}`,
    `format=${alpha ? 'rgba' : 'rgb24'}`,
    ...(orientation.mirrored ? ['hflip'] : []),
    ...TURNS[orientation.clockwise],
  ].join(',');
}

/** RGBA → RGB over white, so that what alpha hid stays hidden. */
export function onWhite(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    const alpha = rgba[from + 3] as number;
    for (let channel = 0; channel < 3; channel++) {
      rgb[to++] = Math.round(((rgba[from + channel] as number) * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return rgb;
}

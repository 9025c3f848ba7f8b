import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeFrames } from '../../src/video/decode.ts';
import { probeClip } from '../../src/video/probe.ts';
import type { ClipInfo, PublishedContainer } from '../../src/video/types.ts';
import {
  type ClipRecipe,
  ffmpeg,
  LIMITS,
  makeClip,
  meanColour,
  type Orientation,
  scratchFolder,
  ticksOf,
  tools,
  X264,
} from './clips.ts';
import { numbersOf, range, roundTrip } from './round-trip.ts';

const folder = scratchFolder();
afterAll(folder.remove);

const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '2M', '-pix_fmt', 'yuv420p'];

const SOURCES: readonly (readonly [name: string, recipe: ClipRecipe])[] = [
  ['mp4, constant rate, B-frames', { extension: 'mp4', encoder: [...X264, '-bf', '3'] }],
  ['mp4, variable rate, B-frames', { extension: 'mp4', timing: 'vfr', encoder: [...X264, '-bf', '3'] }],
  ['mov, variable rate', { extension: 'mov', timing: 'vfr' }],
  ['mkv, variable rate', { extension: 'mkv', timing: 'milliseconds' }],
  ['webm, variable rate', { extension: 'webm', timing: 'milliseconds', encoder: VP9 }],
  ['avi, constant rate', { extension: 'avi', timing: 'steady', encoder: ['-c:v', 'mpeg4', '-q:v', '2', '-bf', '2'] }],
  ['gif', { extension: 'gif', encoder: ['-c:v', 'gif'], filter: 'settb=1/100,setpts=N*4,format=rgb8', frames: 12 }],
  ['10 bits', { extension: 'mp4', encoder: [...X264.slice(0, -1), 'yuv420p10le'] }],
  ['odd sizes', { extension: 'mp4', width: 161, height: 97, encoder: [...X264.slice(0, -1), 'yuv444p'] }],
  [
    'colours of PAL',
    {
      extension: 'mp4',
      frames: 12,
      encoder: [...X264, '-color_primaries', 'bt470bg', '-color_trc', 'gamma28', '-colorspace', 'bt470bg'],
    },
  ],
  [
    'colours of HDR',
    {
      extension: 'mp4',
      frames: 12,
      encoder: [...X264, '-color_primaries', 'bt2020', '-color_trc', 'smpte2084', '-colorspace', 'bt2020nc'],
      filter: 'scale=in_color_matrix=bt601:out_color_matrix=bt2020,format=yuv420p',
    },
  ],
  ['full range', { extension: 'mp4', encoder: [...X264.slice(0, -1), 'yuvj420p'], filter: 'scale=out_range=pc' }],
];

/** Sources that are published in milliseconds, too. */
const WEBM_TOO = ['mov', 'webm', 'gif'];

describe.skipIf(ffmpeg === undefined)('clips (needs ffmpeg)', () => {
  describe.each(SOURCES)('%s', (name, recipe) => {
    const made = ffmpeg === undefined ? { path: '', ticks: [], timescale: 1 } : makeClip(folder.path, recipe);

    it('has every frame in order, decoded from the start and from the middle', async () => {
      const clip = await probeClip(tools, made.path, LIMITS);
      const frames = clip.pts.length;
      expect(frames).toBe(made.ticks.length);
      expect(await numbersOf(clip)).toEqual(range(0, frames));
      expect(await numbersOf(clip, frames - 5, frames - 2)).toEqual(range(frames - 5, frames - 2));
      if (!['avi', 'gif'].includes(recipe.extension)) {
        expect(ticksOf(clip, made.timescale)).toEqual(made.ticks);
      }
    });

    it('shows networks nearly the same colours', async () => {
      const clip = await probeClip(tools, made.path, LIMITS);
      const [exact, quick] = [await pictureOf(clip, false), await pictureOf(clip, true)];
      const off = exact.reduce((sum, value, i) => sum + Math.abs(value - (quick[i] as number)), 0) / exact.length;
      expect(off).toBeLessThan(2.5);
    });

    const inWebm = WEBM_TOO.includes(recipe.extension) || name.startsWith('colours');
    const targets: readonly PublishedContainer[] = inWebm ? ['mp4', 'webm'] : ['mp4'];
    it.each(targets)('keeps frames, times and colours in %s', async (container) => {
      const { clip, published } = await roundTrip(folder.path, made.path, container, { starts: [0, 5, 11] });
      expect(await numbersOf(published)).toEqual(range(0, clip.pts.length));
      const perSecond = container === 'mp4' ? clip.timeBase.den : 1000;
      const wanted = ticksOf(clip, perSecond).map((at) => Math.round(at));
      expect(ticksOf(published, perSecond).map((at) => Math.round(at))).toEqual(wanted);
      expect(published.colour).toEqual({ ...clip.colour, range: 'tv' });
      const [before, after] = await Promise.all([colourOf(clip), colourOf(published)]);
      for (const channel of [0, 1, 2] as const) expect(Math.abs(before[channel] - after[channel])).toBeLessThan(4);
      if (recipe.extension !== 'gif') expect(Math.abs(before[0] - 200)).toBeLessThan(6);
    });
  });

  const ORIENTATIONS: readonly (readonly [Orientation])[] = [
    [[1, 0, 0, 1]],
    [[0, 1, -1, 0]],
    [[-1, 0, 0, -1]],
    [[0, -1, 1, 0]],
    [[-1, 0, 0, 1]],
    [[0, 1, 1, 0]],
    [[1, 0, 0, -1]],
    [[0, -1, -1, 0]],
  ];

  it.each(ORIENTATIONS)('applies the orientation %j to the pixels', async (matrix) => {
    const made = makeClip(folder.path, { extension: 'mp4', frames: 6, matrix, filter: 'setsar=4/3' });
    const { clip, published } = await roundTrip(folder.path, made.path, 'mp4');
    expect([clip.width, clip.height]).toEqual([160, 96]);
    expect(await numbersOf(clip)).toEqual(range(0, 6));
    expect(await numbersOf(published)).toEqual(range(0, 6));
    const stored = matrix[0] === 0 ? { num: 3, den: 4 } : { num: 4, den: 3 };
    expect([clip.pixelAspect, published.pixelAspect]).toEqual([stored, stored]);
    expect(published.orientation).toEqual({ clockwise: 0, mirrored: false });
  });
});

describe.skipIf(ffmpeg === undefined)('decoding from the middle (needs ffmpeg)', () => {
  it.each([
    ['mkv', 'open-gop=1:keyint=8:bframes=3'],
    ['mp4', 'open-gop=1:keyint=8:bframes=3'],
    // Frames from which decoding can start show only parts of the picture at first.
    ['mp4', 'intra-refresh=1:keyint=8:bframes=0'],
  ])('gives the same pixels in %s, %s', async (extension, settings) => {
    const encoder = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-x264-params', settings];
    const clip = await probeClip(tools, makeClip(folder.path, { extension, frames: 40, encoder }).path, LIMITS);
    const whole = await pixelsOf(clip, 0, 40);
    for (const from of [7, 19, 34]) expect(await pixelsOf(clip, from, from + 5)).toEqual(whole.slice(from, from + 5));
  });
});

async function pixelsOf(clip: ClipInfo, from: number, to: number): Promise<string[]> {
  const hashes: string[] = [];
  for await (const { rgb } of decodeFrames(tools, clip, { from, to })) {
    hashes.push(createHash('sha256').update(rgb.data).digest('hex'));
  }
  return hashes;
}

it.skipIf(ffmpeg === undefined)('shows white where alpha hides something (needs ffmpeg)', async () => {
  const encoder = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-auto-alt-ref', '0'];
  const filter = 'format=rgba,colorchannelmixer=aa=0,format=yuva420p';
  const made = makeClip(folder.path, { extension: 'webm', timing: 'milliseconds', frames: 5, encoder, filter });
  const clip = await probeClip(tools, made.path, LIMITS);
  expect(clip.alpha).toBe(true);
  for (const value of await colourOf(clip)) expect(value).toBeGreaterThan(250);
});

async function colourOf(clip: Parameters<typeof decodeFrames>[1]): Promise<[number, number, number]> {
  for await (const { rgb } of decodeFrames(tools, clip, { from: 3, to: 4 })) return meanColour(rgb);
  throw new Error('Expected a frame');
}

async function pictureOf(clip: ClipInfo, quick: boolean): Promise<Uint8Array> {
  for await (const { rgb } of decodeFrames(tools, clip, { from: 3, to: 4, quick })) return rgb.data;
  throw new Error('Expected a frame');
}

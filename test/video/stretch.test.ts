import { serialize } from 'node:v8';
import { expect, it } from 'vitest';
import { stretchOf } from '../../src/video/stretch.ts';
import type { ClipInfo } from '../../src/video/types.ts';

/** A clip of 25 frames a second with a key frame every ten. */
function clipOf(frames: number): ClipInfo {
  return {
    path: 'clip.mkv',
    container: 'mkv',
    stream: 0,
    codec: 'h264',
    width: 64,
    height: 48,
    orientation: { clockwise: 0, mirrored: false },
    pixelAspect: { num: 1, den: 1 },
    timeBase: { num: 1, den: 1000 },
    pts: Array.from({ length: frames }, (_, i) => 40 * i),
    duration: 40 * frames,
    keyframes: Array.from({ length: Math.ceil(frames / 10) }, (_, i) => 10 * i),
    alpha: false,
    bitDepth: 8,
    colour: { range: 'tv', matrix: 'bt709' },
    hasAudio: false,
    dropped: {},
  };
}

it('a stretch knows the times of its frames, how many the clip has, and where decoding begins', () => {
  const { first, frames, pts, seek } = stretchOf(clipOf(100), { from: 37, to: 40 });
  expect({ first, frames, pts }).toEqual({ first: 37, frames: 100, pts: [1480, 1520, 1560] });
  // Between frame 30 and the next one.
  expect(seek).toBe(1.22);
});

it.each([0, 9])('a stretch from frame %i on is decoded from the beginning', (from) => {
  expect(stretchOf(clipOf(100), { from, to: 20 })).not.toHaveProperty('seek');
});

it('what is sent to a worker does not grow with the clip', () => {
  const sizeOf = (frames: number): number => serialize(stretchOf(clipOf(frames), { from: 600, to: 720 })).length;
  // The number of frames itself takes a byte or two more.
  expect(sizeOf(200_000)).toBeLessThan(sizeOf(800) + 16);
});

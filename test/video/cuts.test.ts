import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../src/core/types.ts';
import {
  CutFinder,
  changeSince,
  type FrameChange,
  type Glance,
  glanceAt,
  LOOK_BACK,
  mayBeCut,
  sceneCuts,
} from '../../src/video/cuts.ts';
import { paint } from '../redact/scenes.ts';
import { ground } from './moving-faces.ts';

const WIDTH = 96;
const HEIGHT = 54;

/** A scene with a texture of its own that moves by `speed` pixels a frame. */
const scene =
  (tint: number, speed = 1) =>
  (frame: number): RgbImage =>
    ground(WIDTH, HEIGHT, frame * speed, tint);
const flat = (value: number) => (): RgbImage => paint(WIDTH, HEIGHT, () => value);

function changesOf(frames: readonly ((frame: number) => RgbImage)[]) {
  let before: Glance[] = [];
  return frames.map((draw, frame) => {
    const glance = glanceAt(draw(frame));
    const change = changeSince(frame, glance, before);
    before = [glance, ...before].slice(0, LOOK_BACK);
    return change;
  });
}

const repeat = <T>(n: number, value: T): T[] => new Array<T>(n).fill(value);
const cutsOf = (frames: readonly ((frame: number) => RgbImage)[]): number[] => sceneCuts(changesOf(frames));

describe('scene cuts', () => {
  it.each([
    ['none where nothing happens', repeat(20, scene(1)), []],
    ['one between two scenes', [...repeat(12, scene(1)), ...repeat(12, scene(4))], [12]],
    ['each of several', [...repeat(8, scene(1)), ...repeat(8, scene(4)), ...repeat(8, scene(1))], [8, 16]],
    ['none in a fast turn of the camera', repeat(30, scene(1, 9)), []],
    ['none for a flash of one frame', [...repeat(9, scene(1)), flat(255), ...repeat(9, scene(1))], []],
    ['none for a flash of three frames', [...repeat(9, scene(1)), ...repeat(3, flat(255)), ...repeat(9, scene(1))], []],
    ['one where a flash covers a cut', [...repeat(9, scene(1)), flat(255), ...repeat(9, scene(4))], [9]],
    ['one to black', [...repeat(9, scene(1)), ...repeat(9, flat(0))], [9]],
  ] as const)('%s', (_, frames, expected) => {
    expect(cutsOf(frames)).toEqual(expected);
  });

  it('none in a fade of a second', () => {
    const mixed = (frame: number): RgbImage => {
      const share = Math.min(1, Math.max(0, (frame - 10) / 25));
      const [a, b] = [scene(1)(frame), scene(4)(frame)];
      return paint(WIDTH, HEIGHT, (x, y, c) => {
        const at = (y * WIDTH + x) * 3 + c;
        return (1 - share) * (a.data[at] as number) + share * (b.data[at] as number);
      });
    };
    expect(cutsOf(repeat(50, mixed))).toEqual([]);
  });

  it('are the same when the frames are compared in parts', () => {
    const frames = [...repeat(12, scene(1)), ...repeat(12, scene(4))];
    const whole = changesOf(frames);
    const part = changesOf(frames.slice(7).map((draw, i) => () => draw(i + 7)));
    expect(part.slice(LOOK_BACK).map(({ differences }) => differences)).toEqual(
      whole.slice(7 + LOOK_BACK).map(({ differences }) => differences),
    );
  });

  it('are looked at, whatever becomes of them', () => {
    const changes = changesOf([...repeat(9, scene(1)), flat(255), ...repeat(9, scene(4))]);
    expect(changes.filter(mayBeCut).map(({ frame }) => frame)).toEqual([0, 9, 10]);
  });
});

it('cuts are the same when frames come one by one', () => {
  const between = (min: number, max: number) =>
    fc.array(fc.double({ min, max, noNaN: true }), { minLength: LOOK_BACK, maxLength: LOOK_BACK });
  const differences = fc.oneof(
    { weight: 6, arbitrary: between(0, 12) },
    { weight: 2, arbitrary: between(80, 255) },
    { weight: 1, arbitrary: between(0, 255) },
  );
  let found = 0;
  fc.assert(
    fc.property(fc.array(differences, { maxLength: 40 }), (clip) => {
      const changes = clip.map((all, frame): FrameChange => ({ frame, differences: all.slice(0, frame) }));
      const finder = new CutFinder();
      for (const change of changes) finder.add(change);
      const expected = sceneCuts(changes);
      expect(finder.end()).toEqual(expected);
      found += expected.length;
    }),
    { numRuns: 300 },
  );
  expect(found).toBeGreaterThan(5);
});

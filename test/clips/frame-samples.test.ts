import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClipFrames } from '../../src/clips/frames/plan.ts';
import { FrameSamples } from '../../src/clips/frames/samples.ts';
import type { ListedClip } from '../../src/clips/list.ts';
import { keyOf } from '../../src/io/shard-plan.ts';

const REFUSED: ClipFrames = { status: 'quarantined', stage: 'decode', reason: 'corrupt', message: 'no' };

function clips(...names: string[]): ListedClip[] {
  return names.map((relativePath, index) => ({ index, key: keyOf(index), path: `/in/${relativePath}`, relativePath }));
}

describe('the samples of a run that publishes frames', () => {
  it('are called by clip and frame, and a refused clip as itself', () => {
    const samples = new FrameSamples(clips('a.mp4', 'b.mp4', 'c.mp4'), [{ frames: [0, 5] }, REFUSED, { frames: [0] }]);
    const all = Array.from({ length: samples.total }, (_, i) => [samples.keyOf(i), samples.at(i)]);
    expect(all).toEqual([
      [
        '000000000_000000000',
        { index: 0, origin: { path: '/in/a.mp4', member: 'frame 0' }, relativePath: 'a/000000000' },
      ],
      [
        '000000000_000000005',
        { index: 1, origin: { path: '/in/a.mp4', member: 'frame 5' }, relativePath: 'a/000000005' },
      ],
      ['000000001', { index: 2, origin: { path: '/in/b.mp4' }, relativePath: 'b' }],
      [
        '000000002_000000000',
        { index: 3, origin: { path: '/in/c.mp4', member: 'frame 0' }, relativePath: 'c/000000000' },
      ],
    ]);
    expect(() => samples.at(4)).toThrow(RangeError);
    expect(() => samples.at(-1)).toThrow(RangeError);
  });

  it('are found by what they are called, in an order that sorting keeps', () => {
    const frames = fc.uniqueArray(fc.nat(2_000_000), { minLength: 1, maxLength: 20 });
    const outcome = fc.oneof(
      frames.map((list): ClipFrames => ({ frames: list.sort((a, b) => a - b) })),
      fc.constant(REFUSED),
    );
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 12 }), (outcomes) => {
        const samples = new FrameSamples(clips(...outcomes.map((_, i) => `${i}.mp4`)), outcomes);
        const keys = Array.from({ length: samples.total }, (_, i) => samples.keyOf(i));
        expect(keys.map((key) => samples.indexOf(key))).toEqual(keys.map((_, i) => i));
        expect([...keys].sort()).toEqual(keys);
        expect(keys.filter((key) => key.includes('.'))).toEqual([]);
      }),
    );
  });

  it.each(['', '0', '000000000', '000000001_000000000', '000000000_000000001', '000000009_000000000', 'x'])(
    'are not called %j',
    (key) => {
      const samples = new FrameSamples(clips('a.mp4', 'b.mp4'), [{ frames: [0, 5] }, REFUSED]);
      expect(samples.indexOf(key)).toBeUndefined();
    },
  );

  it('of clips of one name lie in folders of their own', () => {
    const one: ClipFrames = { frames: [0] };
    const samples = new FrameSamples(clips('a.mp4', 'A.mov', 'b/a.mp4', 'a/c.mp4'), [one, one, one, one]);
    const paths = Array.from({ length: 4 }, (_, i) => samples.at(i).relativePath);
    expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(4);
    expect(paths[0]).toBe('a/000000000');
    expect(paths[2]).toBe('b/a/000000000');
  });
});

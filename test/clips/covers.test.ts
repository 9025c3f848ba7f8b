import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Covers } from '../../src/clips/covers.ts';
import { CLASSES } from '../../src/core/types.ts';
import type { Track } from '../../src/video/tracks/index.ts';

const side = fc.double({ min: -50, max: 500, noNaN: true });
const box = fc.record({ x1: side, y1: side, x2: side, y2: side });
const track = fc
  .record({
    class: fc.constantFrom(...CLASSES),
    from: fc.nat(30),
    found: fc.array(fc.tuple(box, fc.boolean()), { minLength: 1, maxLength: 20 }),
  })
  .map(({ class: cls, from, found }) => ({
    class: cls,
    from,
    boxes: found.map(([b]) => b),
    seen: found.map(([, s]) => s),
  }));
const tracks = fc.array(track, { maxLength: 6 }).map((all) => all.map((one, id): Track => ({ id, ...one })));

it('covers tell every box of every track in its frame, exactly, wherever a segment begins', () => {
  fc.assert(
    fc.property(tracks, fc.nat(40), fc.nat(20), (all, from, length) => {
      const frames = new Covers(all).between(from, from + length);
      expect(frames).toHaveLength(length);
      for (const [i, covers] of frames.entries()) {
        const frame = from + i;
        const expected = all
          .filter((t) => frame >= t.from && frame < t.from + t.boxes.length)
          .sort((a, b) => a.from - b.from || a.id - b.id)
          .map((t) => ({
            detection: { label: t.class, box: t.boxes[frame - t.from], score: 1, model: 'track', track: t.id },
            seen: t.seen[frame - t.from],
          }));
        expect(covers).toEqual(expected);
      }
    }),
  );
});

it('covers tell how a followed face looks in the frames of which that is decided', () => {
  const one = { x1: 0, y1: 0, x2: 9, y2: 9 };
  const face: Track = { id: 7, class: 'face', from: 2, boxes: [one, one], seen: [true, true] };
  const looks = new Map([[7, ['blurred', 'blurred'] as const]]);
  const covers = new Covers([face]);
  const lookIn = (): unknown[] => covers.between(1, 4).map((frame) => frame.map(({ look }) => look));
  expect(lookIn()).toEqual([[], [undefined], [undefined]]);
  covers.decide(looks);
  expect(lookIn()).toEqual([[], ['blurred'], ['blurred']]);
});

it('covers count the things that were seen, by class', () => {
  const one = { x1: 0, y1: 0, x2: 9, y2: 9 };
  const of = (id: number, cls: Track['class'], seen: boolean): Track => ({
    id,
    class: cls,
    from: 0,
    boxes: [one],
    seen: [seen],
  });
  const { counts } = new Covers([of(0, 'face', true), of(1, 'face', false), of(2, 'plate', true), of(3, 'face', true)]);
  expect(counts).toEqual({ face: 2, body: 0, plate: 1, text: 0 });
});

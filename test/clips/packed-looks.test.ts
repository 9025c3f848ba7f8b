import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PackedGuides, packLooks } from '../../src/clips/packed-looks.ts';
import type { FollowedFaceGuide } from '../../src/core/types.ts';
import type { Look } from '../../src/video/looks/types.ts';

const number = fc.double({ noNaN: true });
const step = fc.constantFrom(-1, 0, 1);
const guide = fc.record(
  {
    kind: fc.constant('followed-face' as const),
    pose: fc.record({
      turn: number,
      nod: number,
      tilt: number,
      scale: number,
      shift: fc.record({ x: number, y: number }),
    }),
    expression: fc.array(number, { minLength: 6, maxLength: 6 }),
    gaze: fc.record({ x: step, y: step }),
    complexion: number,
    grain: fc.record({ noise: number, blur: number }),
  },
  { requiredKeys: ['kind', 'pose', 'expression', 'complexion', 'grain'], noNullPrototype: true },
) as fc.Arbitrary<FollowedFaceGuide>;
const look = fc.oneof(guide, fc.constant('blurred' as const));

it('looks are the same once they were packed', () => {
  fc.assert(
    fc.property(fc.array(look, { maxLength: 12 }), (looks) => {
      const packed = packLooks(looks);
      expect(looks.map((_, i) => packed.at(i))).toEqual(looks as Look[]);
    }),
  );
});

it('guides are known where they were set, and counted once', () => {
  fc.assert(
    fc.property(fc.array(fc.option(guide, { nil: undefined }), { maxLength: 12 }), (known) => {
      const guides = new PackedGuides(known.length);
      for (const again of [false, true]) {
        for (const [i, one] of known.entries()) if (one && (!again || i % 2 === 0)) guides.set(i, one);
      }
      expect(known.map((_, i) => guides.at(i))).toEqual(known);
      expect(guides.count).toBe(known.filter(Boolean).length);
    }),
  );
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { replacedFrames } from '../../../src/video/looks/choice.ts';

/** `S` where a pose was read, `b` where only a face was seen, `.` where none was; back comes `S` where it is replaced. */
const looks = (text: string): string =>
  replacedFrames(
    [...text].map((c) => c === 'S'),
    [...text].map((c) => c !== '.'),
  )
    .map((isReplaced) => (isReplaced ? 'S' : 'b'))
    .join('');

const S = (n: number): string => 'S'.repeat(n);
const b = (n: number): string => 'b'.repeat(n);

it.each([
  ['nothing', '', ''],
  ['read everywhere', S(30), S(30)],
  ['read nowhere', b(30), b(30)],
  ['read in every second frame', 'Sb'.repeat(40), 'SS'.repeat(40)],
  ['read in every fourth frame', 'Sbbb'.repeat(20), 'bbbb'.repeat(20)],
  ['not read for a moment', S(50) + b(20) + S(50), S(120)],
  ['not read for long', S(50) + b(60) + S(50), S(50) + b(60) + S(50)],
  ['read for a moment', b(50) + S(10) + b(50), b(110)],
  ['not read at its end', S(50) + b(9), S(59)],
  ['not read where it was not seen at its ends', '.'.repeat(9) + S(50) + '.'.repeat(9), b(9) + S(50) + b(9)],
  ['not read where it was missed', `${S(20)}${'.'.repeat(8)}${S(20)}`, S(48)],
  ['hidden for a while', `${S(40)}${'.'.repeat(20)}${S(40)}`, S(40) + b(20) + S(40)],
  ['turned away in its second half', S(90) + b(90), S(90) + b(90)],
  ['a short track', 'Sbb', 'bbb'],
])('a face whose pose is %s', (_, read, expected) => {
  expect(looks(read)).toBe(expected);
});

it('changes its look at most once in a dozen frames, whatever is read', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('S', 'b', '.'), { maxLength: 200 }), (read) => {
      const chosen = looks(read.join(''));
      expect(chosen).toHaveLength(read.length);
      const changes = [...chosen].flatMap((look, i) => (i > 0 && look !== chosen[i - 1] ? [i] : []));
      for (const [i, at] of changes.entries()) expect(at - (changes[i - 1] ?? -Infinity)).toBeGreaterThanOrEqual(12);
    }),
  );
});

it('is the cheapest choice of all', () => {
  const costOf = (read: readonly boolean[], chosen: readonly boolean[]): number =>
    chosen.reduce((sum, look, i) => {
      const change = i > 0 && look !== chosen[i - 1] ? 12 : 0;
      return sum + change + (look ? (read[i] ? 0 : 1) : read[i] ? 2 : 0);
    }, 0);
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 8 }),
      (bits, times) => {
        // Every bit stands for several frames, so that changes may pay.
        const read = bits.flatMap((bit) => Array.from({ length: times }, () => bit));
        const least = Math.min(
          ...Array.from({ length: 2 ** bits.length }, (_, mask) =>
            costOf(
              read,
              read.map((_, i) => ((mask >> Math.floor(i / times)) & 1) === 1),
            ),
          ),
        );
        expect(
          costOf(
            read,
            replacedFrames(
              read,
              read.map(() => true),
            ),
          ),
        ).toBe(least);
      },
    ),
  );
});

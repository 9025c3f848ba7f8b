import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Box, FollowedFaceGuide } from '../../../src/core/types.ts';
import { ArrivingLooks } from '../../../src/video/looks/arriving.ts';
import { inEveryFrame, steadyIn } from '../../../src/video/looks/steady.ts';
import type { Look } from '../../../src/video/looks/types.ts';
import type { Track } from '../../../src/video/tracks/index.ts';
import { random } from '../../redact/scenes.ts';

interface Face {
  /** `S` where its pose can be read, `b` where it is only seen, `.` where it is not. */
  readonly read: string;
  readonly x?: number;
  readonly guideOf?: (frame: number, box: Box) => Partial<FollowedFaceGuide>;
}

const boxIn = (frame: number, x: number): Box => ({ x1: x + 3 * frame, y1: 50, x2: x + 3 * frame + 50, y2: 110 });

function guideIn(frame: number, { x = 100, guideOf = () => ({}) }: Face): FollowedFaceGuide {
  const box = boxIn(frame, x);
  const pose = { turn: 0.1, nod: 0, tilt: 0, scale: 0.5, shift: { x: (box.x1 + box.x2) / 2, y: 80 } };
  const expression = [10, 48, 0, 7, 7, 16.5];
  return {
    kind: 'followed-face',
    ...{ pose, expression, complexion: 5, grain: { noise: 1, blur: 1 } },
    ...guideOf(frame, box),
  };
}

/** The track of a face in the frames `from <= frame < to`. */
function trackOf(id: number, { read, x = 100 }: Face, from: number, to: number): Track {
  const frames = Array.from({ length: Math.max(0, Math.min(to, read.length) - from) }, (_, i) => from + i);
  const seen = frames.map((frame) => read[frame] !== '.');
  return { id, class: 'face', from, boxes: frames.map((frame) => boxIn(frame, x)), seen };
}

/** Looks of faces, by face, when `ahead` frames after each are known, and `memory` before it. */
function stream(faces: readonly Face[], ahead: number, memory = 66): Look[][] {
  const looks = new ArrivingLooks();
  const shown: Look[][] = faces.map(() => []);
  const length = Math.max(...faces.map(({ read }) => read.length));
  for (let frame = 0; frame < length; frame++) {
    for (const [id, face] of faces.entries()) {
      for (let known = 0; known <= Math.min(frame + ahead, face.read.length - 1); known++) {
        if (known < frame - memory || looks.isTried(id, known)) continue;
        looks.keep(id, known, face.read[known] === 'S' ? guideIn(known, face) : undefined);
      }
    }
    const from = Math.max(0, frame - memory);
    const found = looks.lookIn(
      frame,
      faces.map((face, id) => trackOf(id, face, from, frame + ahead + 1)),
    );
    for (const [id, look] of found) shown[id]?.push(look);
  }
  return shown;
}

const drawn = (looks: readonly Look[] | undefined): string =>
  (looks ?? []).map((look) => (look === 'blurred' ? 'b' : 'S')).join('');
const poses = (looks: readonly Look[] | undefined): FollowedFaceGuide[] => (looks ?? []) as FollowedFaceGuide[];
const largestStep = (values: readonly number[]): number =>
  Math.max(...values.slice(1).map((value, i) => Math.abs(value - (values[i] as number))));

const S = (n: number): string => 'S'.repeat(n);
const b = (n: number): string => 'b'.repeat(n);

describe('the look of a face in a clip that is still arriving', () => {
  it.each([
    ['read everywhere', S(60), S(60)],
    ['read nowhere', b(60), b(60)],
    ['read in every second frame', 'Sb'.repeat(40), S(80)],
    ['read in every fourth frame', 'bbbS'.repeat(20), b(80)],
    ['not read for a moment', S(50) + b(16) + S(50), S(116)],
    ['not read for long', S(50) + b(60) + S(50), S(50) + b(60) + S(50)],
    ['read for a moment', b(50) + S(5) + b(50), b(105)],
    ['turned away in its second half', S(90) + b(90), S(90) + b(90)],
    ['not seen at its ends', '.'.repeat(20) + S(50) + '.'.repeat(20), b(20) + S(50) + b(20)],
  ])('whose pose is %s is that of the whole clip, by 28 frames ahead', (_, read, expected) => {
    expect(drawn(stream([{ read }], 28)[0])).toBe(expected);
  });

  it.each([
    ['read in every second frame', 'Sb'.repeat(40), S(80)],
    ['not read for a moment', S(50) + b(10) + S(50), S(110)],
    ['not read for long', S(50) + b(60) + S(50), S(50 + 11) + b(60 - 11 + 11) + S(50 - 11)],
  ])('whose pose is %s changes late, but for a cause only, by one frame ahead', (_, read, expected) => {
    const looks = drawn(stream([{ read }], 1)[0]);
    expect(looks).toHaveLength(expected.length);
    const changes = (text: string): number => [...text].filter((look, i) => i > 0 && look !== text[i - 1]).length;
    expect(changes(looks)).toBe(changes(expected));
    for (const at of [0, 40, 100, 159]) if (at < read.length) expect([at, looks[at]]).toEqual([at, expected[at]]);
  });

  it('is shown for a dozen frames at least, whatever is read and however many frames are known', () => {
    const run = fc.tuple(fc.constantFrom('S', 'b', '.', 'Sb', 'Sbb'), fc.integer({ min: 1, max: 15 }));
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 30 }), (runs, ahead) => {
        const read = runs.map(([letters, times]) => letters.repeat(times)).join('');
        const looks = drawn(stream([{ read }], ahead)[0]);
        expect(looks).toHaveLength(read.length);
        const changes = [...looks].flatMap((look, i) => (i > 0 && look !== looks[i - 1] ? [i] : []));
        for (const [i, at] of changes.entries()) expect(at - (changes[i - 1] ?? 0)).toBeGreaterThanOrEqual(12);
      }),
      { numRuns: 60 },
    );
  });

  it('is blurred where another is drawn in the same place, which stays the one that is drawn', () => {
    const [first, second] = stream([{ read: S(20) + 'Sbb'.repeat(20) }, { read: 'bbS'.repeat(7) + S(59), x: 104 }], 28);
    expect(drawn(first)).toBe(S(80));
    expect(drawn(second)).toBe(b(80));
  });

  it('is blurred when it was never seen', () => {
    const looks = new ArrivingLooks();
    const track = { ...trackOf(0, { read: S(20) }, 0, 20), seen: new Array<boolean>(20).fill(false) };
    for (let frame = 0; frame < 20; frame++) looks.keep(0, frame, guideIn(frame, { read: '' }));
    expect(looks.lookIn(0, [track]).get(0)).toBe('blurred');
  });
});

describe('the pose of a face in a clip that is still arriving', () => {
  it('is that of the whole clip where enough is known, also over a gap', () => {
    const next = random(5);
    const wavering = Array.from({ length: 70 }, () => ({ turn: 0.4 * next(), x: 8 * next(), mouth: 5 + 20 * next() }));
    const face: Face = {
      read: `${S(30)}${b(9)}${S(31)}`,
      guideOf: (frame, { x1 }) => {
        const { turn, x, mouth } = wavering[frame] as (typeof wavering)[number];
        const pose = { turn, nod: 0, tilt: 0, scale: 0.5, shift: { x: x1 + 21 + x, y: 80 } };
        return { pose, expression: [mouth, 48, 0, 7, 7, 16.5] };
      },
    };
    const read = [...face.read].map((letter, frame) => (letter === 'S' ? guideIn(frame, face) : undefined));
    const whole = poses(inEveryFrame(steadyIn('face', read, trackOf(0, face, 0, 70).boxes), 70));
    const arriving = poses(stream([face], 28, 100)[0]);
    expect(arriving.map(({ pose }) => pose)).toEqual(whole.map(({ pose }) => pose));
    expect(arriving.map(({ expression }) => expression)).toEqual(whole.map(({ expression }) => expression));
  });

  it.each([28, 6, 1])('wavers less than what was read, by %i frames ahead', (ahead) => {
    const guideOf = (frame: number, { x1 }: Box): Partial<FollowedFaceGuide> => ({
      pose: {
        turn: 0.2 * (-1) ** frame,
        nod: 0,
        tilt: 0,
        scale: 0.5,
        shift: { x: x1 + 25 + 4 * (-1) ** frame, y: 80 },
      },
    });
    const shown = poses(stream([{ read: S(60), guideOf }], ahead)[0]);
    expect(largestStep(shown.map(({ pose }) => pose.turn))).toBeLessThan(ahead < 6 ? 0.2 : 0.05);
    const offset = shown.map(({ pose }, frame) => pose.shift.x - 3 * frame);
    expect(largestStep(offset)).toBeLessThan(ahead < 6 ? 4 : 1);
  });

  it('does not jump to what is read after a gap whose end could not be seen', () => {
    const guideOf = (frame: number, { x1 }: Box): Partial<FollowedFaceGuide> => ({
      pose: { turn: frame < 30 ? 0 : 0.6, nod: 0, tilt: 0, scale: 0.5, shift: { x: x1 + 25, y: 80 } },
    });
    const shown = poses(stream([{ read: S(20) + b(10) + S(30), guideOf }], 1)[0]);
    const turns = shown.map(({ pose }) => pose.turn);
    expect(turns.at(-1)).toBeCloseTo(0.6, 6);
    expect(largestStep(turns)).toBeLessThan(0.25);
  });

  it('is of the same person in light that wavers about a step of complexion, also after a while without', () => {
    const guideOf = (frame: number): Partial<FollowedFaceGuide> => ({ complexion: 0.7 * 6.5 + 0.15 * (-1) ** frame });
    const shown = stream([{ read: S(40) + b(40) + S(40), guideOf }], 10, 20)[0] ?? [];
    const people = new Set(
      shown.flatMap((look) => (look !== 'blurred' && 'complexion' in look ? [look.complexion] : [])),
    );
    expect(drawn(shown)).toContain(`Sb`);
    expect(people.size).toBe(1);
  });

  it('is forgotten where its track is', () => {
    const looks = new ArrivingLooks();
    const face = { read: S(100) };
    for (let frame = 0; frame < 50; frame++) looks.keep(0, frame, guideIn(frame, face));
    looks.lookIn(40, [trackOf(0, face, 30, 50)]);
    expect([29, 30].map((frame) => looks.isTried(0, frame))).toEqual([false, true]);
    looks.lookIn(41, []);
    expect(looks.isTried(0, 45)).toBe(false);
  });
});

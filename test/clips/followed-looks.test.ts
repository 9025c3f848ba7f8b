import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Covers } from '../../src/clips/covers.ts';
import { looksOf, ReadPoses } from '../../src/clips/followed-looks.ts';
import type { Box, FollowedFaceGuide } from '../../src/core/types.ts';
import { inEveryFrame, steadyIn } from '../../src/video/looks/steady.ts';
import type { Look, ReadPose } from '../../src/video/looks/types.ts';
import type { Track } from '../../src/video/tracks/index.ts';

const steadyPoses = (read: readonly (FollowedFaceGuide | undefined)[], boxes: readonly Box[]): FollowedFaceGuide[] =>
  inEveryFrame(steadyIn('face', read, boxes), boxes.length) as FollowedFaceGuide[];

const EXPRESSION = [10, 48, 0, 7, 7, 16.5];

function guideAt(x: number, y: number, more: Partial<FollowedFaceGuide['pose']> = {}): FollowedFaceGuide {
  const pose = { turn: 0.1, nod: 0, tilt: 0, scale: 0.5, shift: { x, y }, ...more };
  return { kind: 'followed-face', pose, expression: EXPRESSION, complexion: 5, grain: { noise: 1, blur: 1 } };
}

/** A face of 60 pixels that moves by `speed` a frame. */
function trackOf(
  id: number,
  length: number,
  { from = 0, x = 100, speed = 3, more = {} as Partial<Track> } = {},
): Track {
  const boxes = Array.from({ length }, (_, i): Box => {
    const left = x + speed * i;
    return { x1: left, y1: 50, x2: left + 50, y2: 110 };
  });
  return { id, class: 'face', from, boxes, seen: boxes.map(() => true), ...more };
}

/** Poses in the middle of the track's box, in the frames of the clip in which `isRead` says so. */
function readIn(tracks: readonly Track[], frames: number, isRead: (track: number, i: number) => boolean): ReadPose[][] {
  return Array.from({ length: frames }, (_, frame) =>
    tracks.flatMap((track) => {
      const i = frame - track.from;
      const box = track.boxes[i];
      return box && isRead(track.id, i)
        ? [{ track: track.id, guide: guideAt((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2) }]
        : [];
    }),
  );
}

/** Looks of faces by track. */
function looksIn(tracks: readonly Track[], read: readonly (readonly ReadPose[])[]): Map<number, readonly Look[]> {
  const faces = new Covers(tracks).of('face');
  const poses = new ReadPoses(faces);
  for (const [frame, found] of read.entries()) poses.add(frame, found);
  return new Map(looksOf(faces, poses));
}

const drawnOf = (looks: readonly Look[] | undefined): boolean[] => (looks ?? []).map((look) => look !== 'blurred');

describe('a followed face', () => {
  it('is replaced in all of its frames, in the middle of its box where its pose was not read', () => {
    const track = trackOf(3, 60, { from: 7 });
    const looks = looksIn(
      [track],
      readIn([track], 80, (_, i) => i % 7 < 4 && i > 4 && i < 50),
    ).get(3);
    expect(drawnOf(looks)).toEqual(new Array(60).fill(true));
    for (const [i, look] of (looks ?? []).entries()) {
      const { x1, x2 } = track.boxes[i] as Box;
      expect((look as FollowedFaceGuide).pose.shift.x).toBeCloseTo((x1 + x2) / 2, 6);
      expect((look as FollowedFaceGuide).pose.scale).toBeCloseTo(0.5, 6);
    }
  });

  it('is blurred in all of its frames when it is read in few of them', () => {
    const track = trackOf(0, 60);
    const looks = looksIn(
      [track],
      readIn([track], 60, (_, i) => i % 5 === 0),
    ).get(0);
    expect(drawnOf(looks)).toEqual(new Array(60).fill(false));
  });

  it('of which nothing was seen is blurred, and so is the one of two in one place that was read less often', () => {
    const [seen, twin, guess, beside] = [
      trackOf(0, 60),
      trackOf(1, 60, { x: 104 }),
      trackOf(2, 20, { x: 300, more: { seen: new Array(20).fill(false) } }),
      trackOf(3, 60, { x: 170 }),
    ] as const;
    const tracks = [seen, twin, guess, beside];
    const looks = looksIn(
      tracks,
      readIn(tracks, 60, (track, i) => track !== 0 || i % 10 !== 0),
    );
    expect([0, 1, 2, 3].map((id) => drawnOf(looks.get(id)).every(Boolean))).toEqual([false, true, false, true]);
    for (const { id, boxes } of tracks) expect(looks.get(id)).toHaveLength(boxes.length);
  });

  it('has a look for every frame, whatever was read', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 80 }), (read) => {
        const track = trackOf(0, read.length);
        const looks = looksIn(
          [track],
          readIn([track], read.length, (_, i) => read[i] === true),
        ).get(0);
        expect(looks).toHaveLength(read.length);
        for (const look of looks ?? []) {
          if (look === 'blurred' || look.kind !== 'followed-face') continue;
          expect(Object.values({ ...look.pose, shift: 0 }).every(Number.isFinite)).toBe(true);
          expect([look.pose.shift.x, look.pose.shift.y, ...look.expression].every(Number.isFinite)).toBe(true);
        }
      }),
    );
  });

  it('leaves tracks of other classes alone', () => {
    const body = trackOf(5, 10, { more: { class: 'body' } });
    expect(
      looksIn(
        [body],
        readIn([], 10, () => false),
      ).size,
    ).toBe(0);
  });
});

describe('poses over a track', () => {
  const { boxes } = trackOf(0, 40, { speed: 0 });

  it('waver less than what was read', () => {
    const wavering = boxes.map((_, i) => guideAt(125 + 4 * (-1) ** i, 80, { turn: 0.2 * (-1) ** i }));
    const steady = steadyPoses(wavering, boxes);
    const step = (values: readonly number[]): number =>
      Math.max(...values.slice(1).map((value, i) => Math.abs(value - (values[i] as number))));
    expect(step(steady.map(({ pose }) => pose.turn))).toBeLessThan(0.05);
    expect(step(steady.map(({ pose }) => pose.shift.x))).toBeLessThan(1);
  });

  it('turn evenly over a gap, and keep the nearest one beyond the ends', () => {
    const read = boxes.map((_, i) => (i === 10 ? guideAt(125, 80, { turn: 0 }) : undefined));
    read[30] = guideAt(125, 80, { turn: 1 });
    const turns = steadyPoses(read, boxes).map(({ pose }) => pose.turn);
    for (const [i, turn] of turns.entries()) expect(turn).toBeCloseTo(Math.min(1, Math.max(0, (i - 10) / 20)), 9);
  });

  it('are drawn equally sharp in all frames', () => {
    const read = boxes.map((_, i) => ({ ...guideAt(125, 80), grain: { noise: i % 3, blur: i < 3 ? 4 : 0.5 } }));
    for (const { grain } of steadyPoses(read, boxes)) expect(grain).toEqual({ noise: 1, blur: 0.5 });
  });

  it('tell an expression in its steps, but for a few frames on the way from one to the next', () => {
    const opening = (i: number): number => (i < 20 ? 5 : 20);
    const read = boxes.map((_, i) => ({ ...guideAt(125, 80), expression: [opening(i), ...EXPRESSION.slice(1)] }));
    const mouth = steadyPoses(read, boxes).map(({ expression }) => expression[0] as number);
    expect(mouth.slice(0, 14)).toEqual(new Array(14).fill(5));
    expect(mouth.slice(26)).toEqual(new Array(14).fill(20));
    expect(mouth).toEqual(mouth.toSorted((p, q) => p - q));
  });
});

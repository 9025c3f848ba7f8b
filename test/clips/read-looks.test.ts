import { expect, it } from 'vitest';
import { Covers } from '../../src/clips/covers.ts';
import type { Looks } from '../../src/clips/packed-looks.ts';
import { readLooks } from '../../src/clips/read-looks.ts';
import type { ClassName, FollowedGuide } from '../../src/core/types.ts';
import type { ReadPose } from '../../src/video/looks/types.ts';
import type { Track } from '../../src/video/tracks/index.ts';
import type { PoseSegment } from '../../src/worker/clip-poses.ts';

const FRAMES = 200;
const boxes = Array.from({ length: FRAMES }, (_, i) => ({ x1: i, y1: 20, x2: i + 50, y2: 150 }));
const tracks = (['face', 'body', 'plate'] as const).map((cls, id): Track => {
  return { id, class: cls, from: 0, boxes, seen: boxes.map(() => true) };
});

/** A pose of every track of which there is one, in two of three frames. */
function posesIn({ from, covers }: PoseSegment): ReadPose[][] {
  return covers.map((covered, i) =>
    (from + i) % 3 === 0
      ? []
      : covered.map(({ detection: { track, label, box } }) => ({ track, guide: guideOf(label as ClassName, box.x1) })),
  );
}

function guideOf(cls: ClassName, x: number): FollowedGuide {
  if (cls === 'body')
    return { kind: 'pose', keypoints: Array.from({ length: 17 }, (_, k) => ({ x, y: k, score: 0.9 })) };
  const pose = { turn: 0, nod: 0, tilt: 0, scale: 0.5, shift: { x, y: 80 } };
  return {
    kind: 'followed-face',
    pose,
    expression: [10, 48, 0, 7, 7, 16.5],
    complexion: 5,
    grain: { noise: 1, blur: 1 },
  };
}

it.each([
  { posedClasses: ['face'] as const, kinds: [[0, 'followed-face']] },
  { posedClasses: ['body'] as const, kinds: [[1, 'pose']] },
  {
    posedClasses: ['face', 'body'] as const,
    kinds: [
      [0, 'followed-face'],
      [1, 'pose'],
    ],
  },
])('looks of $posedClasses are decided over all segments, whose poses are read', async ({ posedClasses, kinds }) => {
  const asked = new Set<string>();
  const segment = async ({ segment }: { segment: PoseSegment }) => {
    for (const { detection } of segment.covers.flat()) asked.add(detection.label);
    return { status: 'posed', frames: posesIn(segment) };
  };
  const work = {
    ...{ clip: { keyframes: [0], pts: boxes.map((_, i) => i) }, pool: { capacity: 2, segment }, posedClasses },
    progress: { isStopped: false, counters: new SharedArrayBuffer(8), stop() {} },
  };
  const looks = await readLooks(work as unknown as Parameters<typeof readLooks>[0], new Covers(tracks));
  expect(asked).toEqual(new Set(posedClasses));
  if (!(looks instanceof Map)) throw new Error('Expected looks');
  const found = [...(looks as Map<number, Looks>)];
  expect(found.map(([id]) => id)).toEqual(kinds.map(([id]) => id));
  for (const [i, [, own]] of found.entries()) {
    for (const frame of boxes.keys()) expect(own.at(frame)).toMatchObject({ kind: kinds[i]?.[1] });
  }
});

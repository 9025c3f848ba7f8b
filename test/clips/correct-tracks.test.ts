import { describe, expect, it } from 'vitest';
import { correctTracks } from '../../src/clips/correct-tracks.ts';
import type { Box } from '../../src/core/types.ts';
import type { ClipCorrection } from '../../src/known/clip-corrections.ts';
import type { Track } from '../../src/video/tracks/index.ts';

const CLIP = { width: 100, height: 80, pts: Array.from({ length: 20 }, (_, i) => i) };
const box = (x: number, y: number, size = 10): Box => ({ x1: x, y1: y, x2: x + size, y2: y + size });

/** Goes to the right by 2 pixels a frame, in frames 5 to 14; not seen in the last of them. */
const walker: Track = {
  id: 0,
  class: 'face',
  from: 5,
  boxes: Array.from({ length: 10 }, (_, i) => box(20 + 2 * i, 30)),
  seen: Array.from({ length: 10 }, (_, i) => i < 9),
};
const sign: Track = {
  id: 1,
  class: 'text',
  from: 0,
  boxes: CLIP.pts.map(() => box(20, 30)),
  seen: CLIP.pts.map(() => true),
};

const remove = (more: Partial<ClipCorrection> & { at?: [number, number] }): ClipCorrection => {
  const { at = [25, 35], ...rest } = more;
  return {
    class: 'face',
    said: { action: 'remove', class: 'face', target: { at: { x: at[0], y: at[1] } } },
    ...rest,
  };
};
const change = (to: Box, more: Partial<ClipCorrection>): ClipCorrection => ({
  class: 'face',
  said: { action: 'change', class: 'face', target: { at: { x: 25, y: 35 }, box: to }, region: { box: to } },
  ...more,
});
const add = (to: Box, more: Partial<ClipCorrection>): ClipCorrection => ({
  class: 'face',
  said: { action: 'add', class: 'face', region: { box: to } },
  ...more,
});

/** Number of the track, x of its box and who says so, of everything that is covered in a frame. */
function coveredIn(tracks: readonly Track[], frame: number): [number, number, string][] {
  return tracks.flatMap(({ id, from, boxes, seen, said }): [number, number, string][] => {
    const i = frame - from;
    const x = boxes[i]?.x1;
    if (x === undefined || said?.[i] === 'removed') return [];
    return [[id, x, said?.[i] ?? (seen[i] ? 'detector' : 'interpolated')]];
  });
}

describe('corrections of a clip', () => {
  it('remove what is pointed at, whole or in some frames, and nothing of another class at the same place', () => {
    const whole = correctTracks([walker, sign], [remove({ frame: 6 })], CLIP);
    expect(CLIP.pts.flatMap((i) => coveredIn(whole.tracks, i).map(([id]) => id))).toEqual(CLIP.pts.map(() => 1));
    expect(whole.tracks[0]?.seen).not.toContain(true);
    expect(whole).toMatchObject({ unmatched: [], counts: { add: 0, remove: 1, change: 0 } });
    const part = correctTracks([walker], [remove({ frame: 6, from: 8, to: 9 })], CLIP);
    expect(CLIP.pts.filter((i) => coveredIn(part.tracks, i).length > 0)).toEqual([5, 6, 7, 10, 11, 12, 13, 14]);
    expect(coveredIn(part.tracks, 14)).toEqual([[0, 38, 'interpolated']]);
  });

  it('change the box in the frames that they name, also beyond what was found, and keep the number', () => {
    const { tracks, counts } = correctTracks([walker], [change(box(50, 50), { frame: 6, from: 12, to: 17 })], CLIP);
    expect(coveredIn(tracks, 11)).toEqual([[0, 32, 'detector']]);
    for (const frame of [12, 14, 17]) expect(coveredIn(tracks, frame), `${frame}`).toEqual([[0, 50, 'review']]);
    expect(coveredIn(tracks, 18)).toEqual([]);
    expect(counts).toEqual({ add: 0, remove: 0, change: 1 });
    const apart = correctTracks([walker], [change(box(50, 50), { frame: 6, from: 17, to: 18 })], CLIP).tracks;
    expect([14, 15, 16, 17, 19].map((i) => coveredIn(apart, i).length)).toEqual([1, 0, 0, 1, 0]);
  });

  it('add boxes that stay or go on a straight line, with numbers of their own', () => {
    const { tracks } = correctTracks(
      [walker],
      [add(box(0, 0), { from: 2, to: 6, lastBox: box(40, 20, 30) }), add(box(60, 60), { from: 18, to: 400 })],
      CLIP,
    );
    expect([1, 2, 3, 6, 7].map((i) => coveredIn(tracks, i).filter(([id]) => id > 0))).toEqual([
      [],
      [[1, 0, 'review']],
      [[1, 10, 'review']],
      [[1, 40, 'review']],
      [],
    ]);
    expect(tracks.find(({ id }) => id === 1)?.boxes[2]).toEqual({ x1: 20, y1: 10, x2: 40, y2: 30 });
    expect(coveredIn(tracks, 19)).toEqual([[2, 60, 'review']]);
  });

  it('do not depend on their order; what is removed and changed is changed, what is changed twice covers both', () => {
    const said = [
      remove({ frame: 6 }),
      change(box(50, 50), { frame: 6, from: 8, to: 10 }),
      change(box(70, 50), { frame: 6, from: 10, to: 11 }),
      add(box(0, 0), { from: 0, to: 1 }),
      add(box(5, 0), { from: 0, to: 1 }),
    ];
    const { tracks } = correctTracks([walker], said, CLIP);
    expect(correctTracks([walker], [...said.toReversed(), ...said], CLIP).tracks).toEqual(tracks);
    expect([7, 8, 10, 11, 12].map((i) => coveredIn(tracks, i).map(([, x]) => x))).toEqual([[], [50], [50], [70], []]);
    expect(tracks[0]?.boxes[10 - 5]).toEqual({ x1: 50, y1: 50, x2: 80, y2: 60 });
  });

  it.each([
    ['a point where nothing is', remove({ frame: 6, at: [90, 70] })],
    ['a frame without the thing', remove({ frame: 3 })],
    ['a frame that the clip has not', remove({ frame: 20 })],
    ['frames that the clip has not', add(box(0, 0), { from: 20, to: 21 })],
    ['frames without the thing', remove({ frame: 6, from: 16, to: 18 })],
    ['no frame at all', change(box(0, 0), { frame: 6, from: 16 })],
  ])('address nothing with %s, and change nothing', (_, correction) => {
    const { tracks, unmatched, counts } = correctTracks([walker], [correction], CLIP);
    expect(unmatched).toEqual([correction]);
    expect(tracks).toEqual([walker]);
    expect(counts).toEqual({ add: 0, remove: 0, change: 0 });
  });

  it('leave what came with the clip as it is where they say nothing', () => {
    const said = walker.boxes.map((_, i) => (i === 3 ? ('removed' as const) : ('given' as const)));
    const { tracks } = correctTracks([{ ...walker, said }], [remove({ frame: 6, from: 6, to: 6 })], CLIP);
    expect([5, 6, 8, 9].map((i) => coveredIn(tracks, i))).toEqual([[[0, 20, 'given']], [], [], [[0, 28, 'given']]]);
    expect(correctTracks([{ ...walker, said }], [remove({ frame: 8, at: [30, 35] })], CLIP).unmatched).toHaveLength(1);
  });

  it('end the clip when a box lies beside it', () => {
    expect(() => correctTracks([walker], [add(box(200, 0), { from: 0, to: 1 })], CLIP)).toThrow(
      expect.objectContaining({ stage: 'detect', reason: 'box-outside' }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growBox } from '../../../src/core/geometry.ts';
import type { Detection } from '../../../src/core/types.ts';
import { buildTracks } from '../../../src/video/tracks/index.ts';
import { type CoveredBox, TrackWindow } from '../../../src/video/tracks/window.ts';
import { random } from '../../redact/scenes.ts';
import {
  boxAround,
  coveredIn,
  detectionOf,
  GROWTH,
  HEIGHT,
  observe,
  shareCovered,
  THRESHOLDS,
  timelineOf,
  WIDTH,
} from './trajectories.ts';

const FRAMES = 90;

interface Stream {
  readonly lookAhead: number;
  readonly detectEvery?: number;
  readonly cuts?: readonly number[];
  readonly ptsOf?: (frame: number) => number;
}

/** What is covered in every frame, when `lookAhead` frames after it are known. */
function covered(
  detectionsOf: (frame: number) => readonly Detection[] | undefined,
  frames: number,
  { lookAhead, detectEvery = 1, cuts = [], ptsOf = (frame) => frame * 40 }: Stream,
): CoveredBox[][] {
  const window = new TrackWindow({ width: WIDTH, height: HEIGHT }, { thresholds: THRESHOLDS, detectEvery });
  const all: CoveredBox[][] = [];
  for (let frame = 0; frame < frames; frame++) {
    const detections = detectionsOf(frame);
    // A cut is a change that no frame before is like.
    const past = Math.min(frame, 5);
    const since = Array.from({ length: past }, (_, k) =>
      cuts.some((cut) => cut <= frame && cut > frame - 1 - k) ? 90 : 1,
    );
    window.push({ frame, pts: ptsOf(frame), differences: since, ...(detections && { detections }) });
    if (frame >= lookAhead) all.push(window.cover(frame - lookAhead));
  }
  window.end(undefined);
  while (all.length < frames) all.push(window.cover(all.length));
  return all;
}

const face = (x: number, y = 120, size = 40): Detection => detectionOf('face', boxAround(x, y, size, size));

describe('a window over a stream', () => {
  it('covers with a long look ahead what tracks over the whole clip cover', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 14, max: 90, noNaN: true }),
        fc.double({ min: -0.4, max: 0.4, noNaN: true }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer(),
        (size, speed, run, seed) => {
          const thing = {
            label: 'face' as const,
            boxOf: (frame: number) => boxAround(320 + speed * size * (frame - 45), 150, size, size * 1.25),
            isMissed: (frame: number) => frame % (run + 4) < run,
          };
          const seen = observe([thing], FRAMES, { wavers: 0.03, next: random(seed) });
          const whole = buildTracks(seen, timelineOf(FRAMES), { thresholds: THRESHOLDS, detectEvery: 1 });
          const streamed = covered((frame) => seen[frame]?.detections, FRAMES, { lookAhead: 32 });
          for (let frame = 0; frame < FRAMES; frame++) {
            const box = thing.boxOf(frame);
            if (shareCovered(box, coveredIn(whole, frame)) < 0.9) continue;
            const boxes = (streamed[frame] ?? []).map(({ box }) => growBox(box, GROWTH));
            expect(shareCovered(box, boxes), `frame ${frame}`).toBeGreaterThanOrEqual(0.9);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([1, 2, 5])('covers margins and gaps as two passes do, looking at every %i-th frame', (detectEvery) => {
    const isSeen = (frame: number) =>
      frame % detectEvery === 0 && ((frame >= 20 && frame < 31) || (frame >= 50 && frame < 61));
    const detectionsOf = (frame: number) =>
      frame % detectEvery === 0 ? (isSeen(frame) ? [face(200)] : []) : undefined;
    const lookAhead = 30 + 2 * detectEvery;
    const frames = covered(detectionsOf, 100, { lookAhead, detectEvery });
    const looked = Array.from({ length: 100 }, (_, frame) => ({ frame, detections: detectionsOf(frame) })).flatMap(
      ({ frame, detections }) => (detections ? [{ frame, detections }] : []),
    );
    const whole = buildTracks(looked, timelineOf(100), { thresholds: THRESHOLDS, detectEvery });
    for (const [frame, boxes] of frames.entries()) {
      const expected = whole.filter(({ from, boxes: all }) => all[frame - from] !== undefined).length;
      expect(boxes.length, `frame ${frame}`).toBe(expected);
    }
    expect(new Set(frames.flat().map(({ track }) => track)).size).toBe(1);
  });

  it('covers plates that were seen for a while as long beyond their sightings as two passes do', () => {
    const plate = detectionOf('plate', boxAround(200, 120, 40, 12));
    const detectionsOf = (frame: number) => (frame >= 30 && frame < 40 ? [plate] : []);
    const frames = covered(detectionsOf, 80, { lookAhead: 32 });
    const looked = Array.from({ length: 80 }, (_, frame) => ({ frame, detections: detectionsOf(frame) }));
    const [whole] = buildTracks(looked, timelineOf(80), { thresholds: THRESHOLDS, detectEvery: 1 });
    const inFrames = frames.flatMap((boxes, frame) => (boxes.length > 0 ? [frame] : []));
    expect(inFrames).toEqual(whole?.boxes.map((_, i) => whole.from + i));
    expect(inFrames[0]).toBe(30 - 17);
  });

  it('covers less the shorter it looks ahead: what begins later, and gaps until it sees their end', () => {
    const detectionsOf = (frame: number) => ((frame >= 20 && frame < 30) || frame >= 52 ? [face(200)] : []);
    const counts = [5, 12, 32].map((lookAhead) => {
      const frames = covered(detectionsOf, 100, { lookAhead });
      return Array.from({ length: 60 }, (_, frame) => frame).filter((frame) => frames[frame]?.length);
    });
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    // The first four frames ahead only tell cuts.
    expect(counts[0]).toEqual([...range(19, 39), ...range(51, 60)]);
    expect(counts[1]).toEqual([...range(12, 39), ...range(44, 60)]);
    expect(counts[2]).toEqual(range(11, 60));
  });

  it('keeps a thing the same one for as long as it lasts, weak sightings included, and forgets what is over', () => {
    const frames = covered(
      (frame) => [
        frame === 3 ? face(100) : { ...face(100 + (frame % 3)), score: 0.4 },
        ...(frame % 100 === 50 ? [face(500)] : []),
      ],
      2000,
      { lookAhead: 32 },
    );
    for (const boxes of frames) expect(boxes.some(({ track, seen }) => track === 0 && seen)).toBe(true);
    expect(Math.max(...frames.map((boxes) => boxes.length))).toBe(2);
  });

  it('continues backwards over weak sightings as far as it looks, and follows nothing over a cut', () => {
    const weak = (frame: number) => (frame < 40 ? [{ ...face(100), score: 0.4 }] : frame < 60 ? [face(100)] : []);
    const plain = covered(weak, 80, { lookAhead: 32 });
    expect(plain.findIndex((boxes) => boxes.length > 0)).toBe(40 - 28 - 9 + 9);
    const cut = covered(weak, 80, { lookAhead: 32, cuts: [30] });
    expect(cut.findIndex((boxes) => boxes.length > 0)).toBe(30);
  });

  it('tells of every thing what it covers, before and after the frame that is next, and forgets what is over', () => {
    const window = new TrackWindow({ width: WIDTH, height: HEIGHT }, { thresholds: THRESHOLDS, detectEvery: 1 });
    const [lookAhead, frames] = [32, 300];
    const isSeen = (frame: number) => frame < 60 || (frame > 65 && frame % 100 > 50);
    for (let frame = 0; frame < frames; frame++) {
      const detections = isSeen(frame) ? [face(100 + frame)] : [];
      window.push({ frame, pts: frame * 40, differences: [], detections });
      if (frame < lookAhead) continue;
      const next = frame - lookAhead;
      const boxes = window.cover(next);
      const tracks = window.tracks('face', next);
      const inNext = tracks.flatMap(({ id, from, boxes, seen, class: cls }) => {
        const box = boxes[next - from];
        return box === undefined ? [] : [{ track: id, class: cls, box, seen: seen[next - from] }];
      });
      expect(inNext).toEqual(boxes);
      for (const { from, boxes } of tracks) {
        expect(from).toBeGreaterThan(next - 90);
        expect(from + boxes.length).toBeLessThanOrEqual(frame - 3);
      }
      // What begins later is known before it is covered.
      if (next === 130) expect(tracks.map(({ from }) => from)).toEqual([expect.any(Number), 151 - 9]);
    }
    expect(window.tracks('body', frames - lookAhead - 1)).toEqual([]);
  });

  it('takes times that start anywhere and vary', () => {
    const ptsOf = (frame: number) => -5_000_000 + frame * 3000 + ((frame * 7) % 5) * 600 + (frame >= 40 ? 900_000 : 0);
    const frames = covered((frame) => (frame % 4 === 0 ? [face(60 + 4 * frame)] : []), 80, { lookAhead: 32, ptsOf });
    for (const [frame, boxes] of frames.entries()) {
      const grown = boxes.map(({ box }) => growBox(box, GROWTH));
      expect(shareCovered(boxAround(60 + 4 * frame, 120, 40, 40), grown), `frame ${frame}`).toBeGreaterThan(0.9);
    }
  });
});

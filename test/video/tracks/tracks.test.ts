import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxArea, boxWidth, containment } from '../../../src/core/geometry.ts';
import type { Detection } from '../../../src/core/types.ts';
import { SampleError } from '../../../src/errors.ts';
import { buildTracks, type FrameDetections, type Track } from '../../../src/video/tracks/index.ts';
import { random } from '../../redact/scenes.ts';
import {
  boxAround,
  coveredIn,
  detectionOf,
  HEIGHT,
  observe,
  shareCovered,
  THRESHOLDS,
  type Thing,
  timelineOf,
  visible,
  WIDTH,
} from './trajectories.ts';

const FRAMES = 90;
const track = (seen: readonly FrameDetections[], frames = FRAMES, detectEvery = 1, cuts: readonly number[] = []) =>
  buildTracks(seen, timelineOf(frames, cuts), { thresholds: THRESHOLDS, detectEvery });

/** Runs of `run` missed frames with `between` frames in which the thing is found. */
const missedInRuns =
  (run: number, between: number, from: number) =>
  (frame: number): boolean =>
    (frame + from) % (run + between) < run;

function expectCovered(things: readonly Thing[], tracks: readonly Track[], counts = (_frame: number) => true): void {
  for (let frame = 0; frame < FRAMES; frame++) {
    if (!counts(frame)) continue;
    const covers = coveredIn(tracks, frame);
    for (const { boxOf } of things) {
      const box = boxOf(frame);
      expect(shareCovered(box, covers), `frame ${frame}: ${JSON.stringify(visible(box))}`).toBeGreaterThanOrEqual(0.9);
    }
  }
}

describe('what moves is covered in every frame', () => {
  const straight = fc.record({
    x: fc.double({ min: 0, max: WIDTH, noNaN: true }),
    y: fc.double({ min: 40, max: HEIGHT - 40, noNaN: true }),
    size: fc.double({ min: 14, max: 90, noNaN: true }),
    /** Lengths a frame. */
    speed: fc.double({ min: 0, max: 0.6, noNaN: true }),
    direction: fc.double({ min: 0, max: 6.28, noNaN: true }),
    run: fc.integer({ min: 0, max: 8 }),
    phase: fc.integer({ min: 0, max: 12 }),
    seed: fc.integer(),
  });

  it('that crosses the frame, enters and leaves it, and is missed in up to 8 frames in a row', () => {
    fc.assert(
      fc.property(straight, ({ x, y, size, speed, direction, run, phase, seed }) => {
        const [vx, vy] = [Math.cos(direction) * speed * size, Math.sin(direction) * speed * size * 0.3];
        // In the middle of the clip it is at x, y.
        const boxOf = (frame: number) => boxAround(x + vx * (frame - 45), y + vy * (frame - 45), size, size * 1.25);
        const thing: Thing = { label: 'face', boxOf, isMissed: missedInRuns(run, 4, phase) };
        const seen = observe([thing], FRAMES, { wavers: 0.03, next: random(seed) });
        const found = seen.filter(({ detections }) => detections.length > 0).map(({ frame }) => frame);
        fc.pre(found.length >= 4);
        expectCovered([thing], track(seen), isWithin(8, found));
      }),
      { numRuns: 200 },
    );
  });

  it('that turns, speeds up and grows', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 20, max: 60, noNaN: true }),
        fc.double({ min: 36, max: 60, noNaN: true }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer(),
        (size, period, run, seed) => {
          const boxOf = (frame: number) => {
            const turn = (2 * Math.PI * frame) / period;
            const grown = size * (1 + frame / 90);
            return boxAround(320 + 1.5 * size * Math.cos(turn), 180 + size * Math.sin(turn), grown, grown * 1.2);
          };
          const thing: Thing = { label: 'face', boxOf, isMissed: missedInRuns(run, 6, 3) };
          expectCovered([thing], track(observe([thing], FRAMES, { wavers: 0.03, next: random(seed) })));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('two that cross while one hides the other', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 12, noNaN: true }),
        fc.double({ min: -30, max: 30, noNaN: true }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer(),
        (speed, offset, run, seed) => {
          const middle = 45;
          const hidden = (frame: number): boolean => Math.abs(frame - middle) < run / 2;
          const thing = (direction: 1 | -1, isMissed: Thing['isMissed']): Thing => ({
            label: 'body',
            boxOf: (frame) =>
              boxAround(320 + direction * speed * (frame - middle), 180 + (direction * offset) / 2, 40, 110),
            isMissed,
          });
          const things = [thing(1, () => false), thing(-1, hidden)];
          expectCovered(things, track(observe(things, FRAMES, { wavers: 0.03, next: random(seed) })));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('a plate that gets faster and is lost for its last 15 frames in the picture', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.4, max: 0.7, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.integer(),
        (faster, aside, seed) => {
          const boxOf = (frame: number) =>
            boxAround(320 + aside * frame, 30 + (faster * (frame - 10) ** 2) / 2, 24, 12);
          const thing: Thing = { label: 'plate', boxOf, isMissed: (frame) => frame < 10 || frame > 24 };
          const seen = observe([thing], FRAMES, { wavers: 0.03, next: random(seed) });
          expectCovered([thing], track(seen), (frame) => frame >= 10 && frame <= 39);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([2, 3, 5])('when every %i-th frame is looked at', (every) => {
    const next = random(every);
    for (let i = 0; i < 60; i++) {
      const [x, y, size] = [next() * WIDTH, next() * HEIGHT, 20 + next() * 50];
      const [vx, vy] = [(next() - 0.5) * 0.12 * size, (next() - 0.5) * 0.12 * size];
      const boxOf = (frame: number) => boxAround(x + vx * (frame - 45), y + vy * (frame - 45), size, size);
      const thing: Thing = { label: 'plate', boxOf, isMissed: (frame) => frame % (4 * every) === 2 * every };
      const seen = observe([thing], FRAMES, { wavers: 0.03, next, every });
      const found = seen.filter(({ detections }) => detections.length > 0).map(({ frame }) => frame);
      if (found.length < 4) continue;
      expectCovered([thing], track(seen, FRAMES, every), isWithin(8, found));
    }
  });
});

/** No further than `reach` frames from one in which the thing was found: a sliver at the border may stay longer. */
const isWithin =
  (reach: number, found: readonly number[]) =>
  (frame: number): boolean =>
    found.some((f) => Math.abs(f - frame) <= reach);

const box = fc
  .tuple(
    fc.double({ min: -20, max: WIDTH, noNaN: true }),
    fc.double({ min: -20, max: HEIGHT, noNaN: true }),
    fc.double({ min: 0.5, max: 300, noNaN: true }),
    fc.double({ min: 0.5, max: 200, noNaN: true }),
  )
  .map(([x1, y1, w, h]) => ({ x1, y1, x2: x1 + w, y2: y1 + h }));
const detection = fc
  .tuple(fc.constantFrom('face', 'body', 'plate', 'text' as const), box, fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([label, place, score]): Detection => detectionOf(label as 'face', place, score));
const chaos = fc.array(fc.array(detection, { maxLength: 6 }), { minLength: 1, maxLength: 25 });
const frames = (lists: readonly (readonly Detection[])[]): FrameDetections[] =>
  lists.map((detections, frame) => ({ frame, detections }));

describe('whatever is found', () => {
  it('every sure detection lies in a box of its class and frame, which says that it was seen', () => {
    fc.assert(
      fc.property(chaos, fc.uniqueArray(fc.integer({ min: 0, max: 25 })), (lists, cuts) => {
        const tracks = track(
          frames(lists),
          lists.length,
          1,
          cuts.toSorted((a, b) => a - b),
        );
        for (const [frame, detections] of lists.entries()) {
          for (const { label, box, score } of detections.filter((d) => d.score >= 0.5)) {
            const around = tracks.filter(({ class: cls, from, boxes, seen }) => {
              const here = boxes[frame - from];
              return cls === label && here !== undefined && seen[frame - from] && containment(box, here) > 1 - 1e-9;
            });
            expect(around.length, `${label} of score ${score} in frame ${frame}`).toBeGreaterThan(0);
          }
        }
      }),
    );
  });

  it('the order of detections does not matter', () => {
    fc.assert(
      fc.property(chaos, fc.integer(), (lists, seed) => {
        const next = random(seed);
        const mixed = lists.map((list) =>
          list
            .map((d) => ({ d, at: next() }))
            .sort((a, b) => a.at - b.at)
            .map(({ d }) => d),
        );
        expect(track(frames(mixed), mixed.length)).toEqual(track(frames(lists), lists.length));
      }),
    );
  });

  it('no weak detection begins a track, but one continues it, forwards and backwards', () => {
    const at = (frame: number) => boxAround(100 + 4 * frame, 100, 40, 40);
    const scored = (score: (frame: number) => number) =>
      Array.from({ length: 60 }, (_, frame) => ({
        frame,
        detections: [detectionOf('face', at(frame), score(frame))],
      }));
    expect(
      track(
        scored(() => 0.49),
        60,
      ),
    ).toEqual([]);
    const [one, ...others] = track(
      scored((frame) => (frame === 30 ? 0.9 : 0.2)),
      60,
    );
    expect(others).toEqual([]);
    expect(one).toMatchObject({ from: 0, seen: new Array(60).fill(true) });
  });

  it('nothing is followed over a cut', () => {
    const still = boxAround(100, 100, 40, 40);
    const seen = [{ frame: 9, detections: [detectionOf('face', still)] }];
    const [before, ...none] = track(seen, 40, 1, [5, 12]);
    expect(none).toEqual([]);
    expect([before?.from, before?.boxes.length]).toEqual([5, 7]);
    const both = [8, 14].map((frame) => ({ frame, detections: [detectionOf('face', still)] }));
    expect(track(both, 40, 1, [12])).toHaveLength(2);
    expect(track(both, 40)).toHaveLength(1);
  });

  it('a false alarm in one frame spreads neither far nor for long', () => {
    const alarm = boxAround(300, 180, 40, 40);
    const [one, ...others] = track([{ frame: 40, detections: [detectionOf('face', alarm)] }]);
    expect(others).toEqual([]);
    expect(one?.boxes.length).toBe(1 + 2 * 9);
    for (const { x1, y1, x2, y2 } of one?.boxes ?? []) expect((x2 - x1) * (y2 - y1)).toBeLessThan(3.5 * boxArea(alarm));
    // One that stays is covered where it stays.
    const stays = Array.from({ length: 40 }, (_, frame) => ({ frame, detections: [detectionOf('face', alarm)] }));
    const [steady] = track(stays);
    for (const box of steady?.boxes.slice(0, 40) ?? []) expect(boxArea(box)).toBeLessThan(1.1 * boxArea(alarm));
  });

  it('what stood still hardly grows where it is not seen, whatever its size', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 12, max: 160, noNaN: true }),
        fc.double({ min: 0, max: 0.03, noNaN: true }),
        fc.integer({ min: 16, max: 24 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer(),
        (size, wavers, sightings, gap, seed) => {
          const still = boxAround(320, 180, size, size * 1.2);
          const isMissed = (frame: number): boolean =>
            frame < 20 ||
            frame >= 20 + 2 * sightings + gap ||
            (frame >= 20 + sightings && frame < 20 + sightings + gap);
          const thing: Thing = { label: 'face', boxOf: () => still, isMissed };
          const [one] = track(observe([thing], FRAMES, { wavers, next: random(seed) }));
          const areas = one?.boxes.map(boxArea) ?? [];
          expect(one?.seen.filter((seen) => !seen)).toHaveLength(9 + gap + 9);
          expect(Math.max(...areas) / boxArea(still)).toBeLessThan(2.6);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('no box floods the frame for want of knowledge', () => {
    const body = boxAround(320, 180, 220, 260);
    const [one] = track([{ frame: 40, detections: [detectionOf('body', body)] }]);
    for (const { x1, y1, x2, y2 } of one?.boxes ?? []) {
      const most = 0.08 * Math.sqrt(WIDTH * HEIGHT) + 1e-9;
      for (const grown of [body.x1 - x1, body.y1 - y1, x2 - body.x2, y2 - body.y2]) expect(grown).toBeLessThan(most);
    }
  });

  it('what is lost while half of it is hidden is covered as large as it was', () => {
    const whole = (frame: number) => boxAround(60 + 5 * frame, 180, 48, 60);
    // A post at 200 hides what is behind it: the last sightings are narrow ones.
    const seen = Array.from({ length: 40 }, (_, frame) => {
      const { x1, y1, x2, y2 } = whole(frame);
      const box = { x1, y1, x2: Math.min(x2, 200), y2 };
      return { frame, detections: box.x2 - box.x1 < 28 ? [] : [detectionOf('face', box)] };
    });
    const last = seen.findLast(({ detections }) => detections.length > 0)?.frame ?? 0;
    const tracks = track(seen);
    for (let frame = last + 1; frame <= last + 4; frame++) {
      expect(shareCovered(whole(frame), coveredIn(tracks, frame)), `frame ${frame}`).toBeGreaterThan(0.85);
    }
  });

  it('of slanted lines, the box around the outline is covered', () => {
    const polygon = [
      { x: 100, y: 100 },
      { x: 200, y: 140 },
      { x: 195, y: 155 },
      { x: 95, y: 115 },
    ];
    const slanted = { ...detectionOf('text', { x1: 110, y1: 110, x2: 180, y2: 140 }), polygon };
    const [line] = track([{ frame: 3, detections: [slanted] }]);
    expect(
      containment({ x1: 95, y1: 100, x2: 200, y2: 155 }, line?.boxes[line.seen.indexOf(true)] ?? slanted.box),
    ).toBe(1);
  });

  it('refuses coordinates that are no numbers', () => {
    const broken = detectionOf('face', { x1: 1, y1: Number.NaN, x2: 4, y2: 5 });
    expect(() => track([{ frame: 0, detections: [broken] }])).toThrow(SampleError);
  });
});

describe('outlines', () => {
  it('tremble less than the detections', () => {
    const next = random(5);
    const thing: Thing = { label: 'face', boxOf: (f) => boxAround(100 + 3 * f, 180, 50, 60), isMissed: () => false };
    const seen = observe([thing], FRAMES, { wavers: 0.05, next });
    const [one] = track(seen);
    const jerk = (values: readonly number[]): number =>
      values
        .slice(2)
        .reduce((sum, v, i) => sum + Math.abs(v - 2 * (values[i + 1] as number) + (values[i] as number)), 0);
    const found = seen.map(({ detections }) => detections[0]?.box.x1 ?? 0);
    const covered = (one?.boxes ?? []).map(({ x1 }) => x1).slice(0, FRAMES);
    expect(jerk(covered)).toBeLessThan(jerk(found) / 4);
  });

  it('grow with speed, and where nothing is known', () => {
    const moving = (speed: number) => ({
      label: 'face' as const,
      boxOf: (f: number) => boxAround(60 + speed * f, 180, 50, 60),
      isMissed: (f: number) => f >= 20 && f < 28,
    });
    const widthAt = (speed: number, frame: number): number => {
      const [one] = track(observe([moving(speed)], 50, { wavers: 0, next: random(1) }), 50);
      return boxWidth(one?.boxes[frame - (one?.from ?? 0)] ?? boxAround(0, 0, 0, 0));
    };
    expect(widthAt(8, 10)).toBeGreaterThan(widthAt(0, 10) + 3);
    expect(widthAt(4, 24)).toBeGreaterThan(widthAt(4, 10) + 3);
  });
});

it('takes memory in proportion to the length of the clip', () => {
  const boxes = (length: number): number => {
    const things = [60, 200].map(
      (y): Thing => ({
        label: 'face',
        boxOf: (f) => boxAround(320 + 200 * Math.sin(f / 40), y, 40, 40),
        isMissed: () => false,
      }),
    );
    const seen = observe(things, length, { wavers: 0.03, next: random(3) });
    return track(seen, length).reduce((sum, { boxes }) => sum + boxes.length, 0);
  };
  expect(boxes(4000)).toBeLessThan(2.2 * boxes(2000));
});

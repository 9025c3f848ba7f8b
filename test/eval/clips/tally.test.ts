import { describe, expect, it } from 'vitest';
import type { Box, ClassName, Detection } from '../../../src/core/types.ts';
import type { ClipLabels, ClipObject } from '../../../src/eval/clips/labels.ts';
import { longestRun } from '../../../src/eval/clips/runs.ts';
import { ClipTally } from '../../../src/eval/clips/tally.ts';
import type { Job } from '../../../src/worker/job.ts';
import { each, policyOf } from '../../redact/scenes.ts';

const [WIDTH, HEIGHT] = [100, 80];
const job = {
  detect: { classes: ['face', 'body'], thresholds: each(0.4) },
  policy: { ...policyOf('blur'), classes: ['face', 'body'] },
  models: ['face:test@sha256:00', 'body:test@sha256:00'],
} as unknown as Job;

const boxOf = ([x, y, w, h]: readonly [number, number, number, number]): Box => ({
  x1: x,
  y1: y,
  x2: x + w,
  y2: y + h,
});
const FACE: readonly [number, number, number, number] = [20, 20, 20, 20];

function labelled(cls: ClassName, id: string | undefined, at = FACE, ignore = false): ClipObject {
  return { class: cls, box: boxOf(at), ignore, attributes: {}, ...(id === undefined ? {} : { id }) };
}

function covered(label: ClassName, at = FACE): Detection {
  return { label, box: boxOf(at), score: 1, model: 'track', track: 0 };
}

function labelsOf(frames: Readonly<Record<number, readonly ClipObject[]>>, more: Partial<ClipLabels> = {}): ClipLabels {
  const entries = Object.entries(frames).map(([frame, objects]) => [Number(frame), objects] as const);
  return { format: 'frames', labelled: ['face'], frames: new Map(entries), areAllLabelled: false, ...more };
}

function measure(
  labels: ClipLabels,
  frames: readonly (readonly Detection[])[],
  classes: readonly ClassName[] = ['face'],
) {
  const tally = new ClipTally(job, classes);
  tally.add('a.mp4', labels, frames, WIDTH, HEIGHT);
  return tally.report();
}

describe('labels of a clip', () => {
  it('count as covered frame by frame, and the longest run of misses is told', () => {
    const isCovered = [true, false, true, false, false, false, true, true];
    const frames = Object.fromEntries(
      isCovered.map((_, i) => [i, [labelled('face', 'Ann'), labelled('face', 'Bob', [60, 20, 20, 20])]]),
    );
    const { classes, wholeFrames, labelledFrames } = measure(
      labelsOf(frames),
      isCovered.map((is) => [covered('face', [60, 20, 20, 20]), ...(is ? [covered('face')] : [])]),
    );
    expect(labelledFrames).toBe(8);
    expect(wholeFrames).toMatchObject({ hits: 4, n: 8 });
    expect(classes).toMatchObject([
      {
        class: 'face',
        objects: 16,
        images: 2,
        cover90: { hits: 12, n: 16 },
        things: { hits: 1, n: 2 },
        longestRun: 3,
        runs: [{ clip: 'a.mp4', class: 'face', id: 'Ann', from: 3, frames: 3, of: 8, coverage: 0 }],
      },
    ]);
  });

  it('are covered by their own class, or by any: both are told', () => {
    const { classes, wholeFrames, wholeFramesAnyClass } = measure(labelsOf({ 0: [labelled('face', '1')] }), [
      [covered('body', [0, 0, 100, 80])],
    ]);
    expect(wholeFrames).toMatchObject({ hits: 0, n: 1 });
    expect(wholeFramesAnyClass).toMatchObject({ hits: 1, n: 1 });
    expect(classes).toMatchObject([{ cover90: { hits: 0, n: 1 }, anyClass: { hits: 1, n: 1 }, longestRun: 1 }]);
  });

  it('say nothing of frames without a line, unless all are labelled', () => {
    const frames = [[covered('face')], [covered('face', [60, 20, 30, 30])], []];
    const sparse = measure(labelsOf({ 0: [labelled('face', '1')] }), frames);
    expect(sparse).toMatchObject({ labelledFrames: 1, wholeFrames: { hits: 1, n: 1 } });
    expect(sparse.classes[0]?.background).toBe(0);
    const whole = measure(labelsOf({ 0: [labelled('face', '1')] }, { areAllLabelled: true }), frames);
    expect(whole).toMatchObject({ labelledFrames: 3, wholeFrames: { hits: 1, n: 1 } });
    expect(whole.classes[0]?.background).toBeGreaterThan(0.03);
  });

  it('that are ignored or outside the picture are counted and not measured', () => {
    const { classes, wholeFrames } = measure(
      labelsOf({ 0: [labelled('face', '1', FACE, true), labelled('face', '2', [200, 20, 20, 20])] }),
      [[covered('face')]],
    );
    expect(wholeFrames).toMatchObject({ hits: 0, n: 0, value: null });
    expect(classes).toMatchObject([{ objects: 0, ignored: 1, outside: 1, longestRun: 0, runs: [] }]);
    expect(classes[0]?.background).toBe(0);
  });

  it('without ids are measured, but tell nothing of runs', () => {
    const { classes } = measure(labelsOf({ 0: [labelled('face', undefined)], 1: [labelled('face', undefined)] }), [
      [],
      [],
    ]);
    expect(classes).toMatchObject([{ cover90: { hits: 0, n: 2 }, things: { n: 0 }, longestRun: 0, runs: [] }]);
  });
});

it.each([
  ['never uncovered', [1, 1, 1], undefined],
  ['in one frame', [1, 0.5, 1], { from: 1, frames: 1, coverage: 0.5 }],
  ['at its end', [1, 0, 0.2], { from: 1, frames: 2, coverage: 0 }],
  ['just so', [0.9, 0.8999, 0.9], { from: 1, frames: 1, coverage: 0.8999 }],
  ['interrupted by a frame that does not show it', [0, null, 0, 0], { from: 2, frames: 2, coverage: 0 }],
] as const)('the longest run of a thing that is uncovered %s', (_, coverages, expected) => {
  const seen = coverages.flatMap((coverage, frame) =>
    coverage === null ? [] : [{ frame, position: frame, coverage }],
  );
  const run = longestRun({ clip: 'a', class: 'face', id: '1', seen });
  if (expected === undefined) expect(run).toBeUndefined();
  else expect(run).toMatchObject({ ...expected, of: seen.length });
});

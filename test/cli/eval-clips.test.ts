import { expect, it } from 'vitest';
import { describeClipEvaluation } from '../../src/cli/eval-clips.ts';
import type { ClipClassReport, ClipEvaluationReport } from '../../src/eval/clips/report.ts';
import { clusteredShare } from '../../src/eval/statistics.ts';
import { HOSTILE } from '../eval/evaluation.ts';

const share = clusteredShare([{ hits: 3, n: 4 }]);
const none = clusteredShare([]);
const measures = {
  objects: 4,
  images: 2,
  medianHeight: 20,
  cover90: share,
  meanCoverage: 0.8,
  anyClass: share,
  recall: share,
};

const face: ClipClassReport = {
  ...measures,
  class: 'face',
  model: HOSTILE,
  threshold: 0.4,
  grow: 0.1,
  ignored: 1,
  outside: 2,
  wholeFrames: share,
  things: clusteredShare([
    { hits: 0, n: 1 },
    { hits: 1, n: 1 },
  ]),
  longestRun: 3,
  runs: [{ clip: HOSTILE, class: 'face', id: HOSTILE, from: 12, frames: 3, coverage: 0.25, of: 40 }],
  byHeight: [{ name: '16–32 px', ...measures }],
  bySource: [HOSTILE, 'b.mp4'].map((name) => ({ name, ...measures, background: 0.01, unlabelled: 0.02 })),
  background: 0.012,
  unlabelled: null,
};

const report: ClipEvaluationReport = {
  v: 1,
  kind: 'clips',
  version: '0.0.0',
  data: HOSTILE,
  formats: ['mot'],
  unmapped: { [HOSTILE]: 3 },
  unlabelled: [HOSTILE],
  quality: 'fast',
  detectEvery: 3,
  device: ['cpu'],
  workers: 1,
  clips: 2,
  frames: 1500,
  labelledFrames: 1200,
  failed: [{ image: HOSTILE, stage: 'decode', reason: 'truncated', message: HOSTILE }],
  seconds: 61,
  wholeFrames: share,
  wholeFramesAnyClass: none,
  classes: [face, { ...face, class: 'plate', runs: [], things: none, objects: 0, cover90: none, meanCoverage: null }],
};

it('a report on clips tells frames, classes and runs, and no control character of a name', () => {
  const text = describeClipEvaluation(report);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  for (const part of [
    '2 clips, 1,500 frames of which 1,200 are labelled',
    'looking at one frame in 3',
    'every labelled thing is covered: 3 of 4 (75.0 %) by its own class, – by any',
    'face  cover90 0.75',
    '4 labels in view, 1 ignored, 2 outside the picture',
    '1 of 2 things covered in every labelled frame; longest run uncovered: 3 frames',
    'frame 12 on, 3 in a row',
    'labels have no ids',
  ])
    expect(text).toContain(part);
});

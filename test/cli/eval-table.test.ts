import { expect, it } from 'vitest';
import { describeEvaluation } from '../../src/cli/eval-table.ts';
import { evaluation } from '../eval/evaluation.ts';

const { report } = evaluation('/photographs/a.jpg');
const text = describeEvaluation(report);

it('heads every class, with what it was measured at', () => {
  expect(text.match(/^(face|body|plate|text) +cover90 /gm)).toHaveLength(4);
  expect(text).toMatch(/^face {2}cover90 0\.00 \(0\.00–0\.\d\d\) {2}mean 0\.00/m);
  expect(text).toMatch(/^body {2}cover90 – {2}mean – /m);
  expect(text).toContain('1 object in 1 photograph, 0 ignored; threshold 0.5, growth 0;');
});

it('lists heights that occur and sources when there are several', () => {
  expect(text.match(/^ +16–32 px +1 /gm)).toHaveLength(1);
  expect(text.match(/^ +< 16 px +1 /gm)).toHaveLength(1);
  expect(text).not.toContain('≥ 96 px');
  const face = report.classes[0];
  const sources = face?.bySource.flatMap((source) => [
    { ...source, name: 'first' },
    { ...source, name: 'second' },
  ]);
  const several = describeEvaluation({ ...report, classes: face && sources ? [{ ...face, bySource: sources }] : [] });
  expect(several).toMatch(/^ +first +1 +0\.00 .*\n +second +1 /m);
});

it('prints no control characters of names', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  expect(text).toContain('\uFFFD[2J');
});

it('names failures and categories without a class', () => {
  expect(text).toMatch(/not measured: .* decode: truncated/);
  expect(text).toContain('1 photograph could not be measured');
  expect(text).toMatch(/categories of no class: .* 3 \(--map name=class\)/);
});

it('says that a gap was looked for and how', () => {
  expect(text).toMatch(/: too few to conclude\n/);
  expect(text).toContain('Newcombe (1998)');
});

it('does without any photograph', () => {
  const none = describeEvaluation({ ...report, images: 0, megapixels: null, msPerImage: {}, classes: [] });
  expect(none).toMatch(/^0 photographs, 1 worker on cpu/);
  expect(none).not.toMatch(/NaN|null|undefined|Newcombe/);
});

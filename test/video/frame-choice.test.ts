import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chosenFrames,
  describeFrameChoice,
  likelyFrameChoice,
  parseFrameChoice,
} from '../../src/video/frame-choice.ts';

describe('a choice of frames', () => {
  it.each([
    ['every:1', 1, 'frames'],
    ['every:1000000', 1_000_000, 'frames'],
    ['every:1s', 1000, 'milliseconds'],
    ['every:0.25s', 250, 'milliseconds'],
    ['every:86400s', 86_400_000, 'milliseconds'],
  ])('%s is read, and written again', (text, every, unit) => {
    const choice = parseFrameChoice(text);
    expect(choice).toEqual({ every, unit });
    expect(choice && describeFrameChoice(choice)).toBe(text);
  });

  it.each(
    [
      '',
      '5',
      'every',
      'every:',
      'every:0',
      'every:-1',
      'every:2.5',
      'every:0s',
      'every:0.0001s',
      'every:1000001',
    ].concat([
      'every:90000s',
      'every: 5',
      'every:5 ',
      'EVERY:5',
      'every:1e3',
      'every:5,every:6',
      'every:99999999999999999999',
    ]),
  )('%j is none', (text) => {
    expect(parseFrameChoice(text)).toBeUndefined();
  });

  it.each([
    ['5', 'every:5'],
    ['evry:10', 'every:10'],
    ['every 10', 'every:10'],
    ['1s', 'every:1s'],
    ['every:2 seconds', 'every:2s'],
    ['every:2.5', 'every:2.5s'],
    ['0', undefined],
    ['all', undefined],
  ])('%j may have meant %s', (text, likely) => {
    expect(likelyFrameChoice(text)).toBe(likely);
  });
});

describe('chosen frames', () => {
  const ntsc = { num: 1001, den: 30_000 };

  it.each([
    [1, 3, [0, 1, 2]],
    [5, 11, [0, 5, 10]],
    [5, 10, [0, 5]],
    [100, 7, [0]],
  ])('every %i of %i by number', (every, frames, expected) => {
    const pts = Array.from({ length: frames }, (_, i) => 7 + i);
    expect(chosenFrames({ every, unit: 'frames' }, { pts, timeBase: ntsc })).toEqual(expected);
  });

  it.each<[string, number, number[], { num: number; den: number }, number[]]>([
    ['at the very moments', 200, Array.from({ length: 16 }, (_, i) => i), { num: 1, den: 25 }, [0, 5, 10, 15]],
    ['the first ones after them', 1000, Array.from({ length: 62 }, (_, i) => i), ntsc, [0, 30, 60]],
    ['counted from the first frame', 1000, [900, 1000, 1890, 1900, 2900], { num: 1, den: 1000 }, [0, 3, 4]],
    ['once after a pause', 100, [0, 50, 1000, 1050, 1100], { num: 1, den: 1000 }, [0, 2, 4]],
    ['all that are further apart than the step', 10, [0, 40, 80], { num: 1, den: 1000 }, [0, 1, 2]],
    ['the only one', 10, [-5], { num: 1, den: 1000 }, [0]],
  ])('by time: %s', (_, every, pts, timeBase, expected) => {
    expect(chosenFrames({ every, unit: 'milliseconds' }, { pts, timeBase })).toEqual(expected);
  });

  it('by time: no step without its frame, and none before its time', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 4000 }),
        fc.integer({ min: -9000, max: 9000 }),
        (gaps, every, first) => {
          const pts = [first];
          for (const gap of gaps) pts.push((pts.at(-1) as number) + gap);
          const chosen = chosenFrames({ every, unit: 'milliseconds' }, { pts, timeBase: { num: 1, den: 1000 } });
          const expected = new Set<number>();
          for (let at = 0; first + at <= (pts.at(-1) as number); at += every) {
            expected.add(pts.findIndex((time) => time - first >= at));
          }
          expect(chosen).toEqual([...expected]);
        },
      ),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { duration, plural, printable, table } from '../../src/cli/terminal.ts';

describe('duration', () => {
  it.each([
    [0, '0.0 s'],
    [8.44, '8.4 s'],
    [9.97, '10 s'],
    [59.4, '59 s'],
    [59.7, '1 min 0 s'],
    [119.6, '2 min 0 s'],
    [200, '3 min 20 s'],
    [3599.9, '1 h 0 min'],
    [7500, '2 h 5 min'],
    [360_000, '100 h 0 min'],
  ])('%d s: %s', (seconds, expected) => {
    expect(duration(seconds)).toBe(expected);
  });
});

describe('plural', () => {
  it.each([
    [0, '0 images'],
    [1, '1 image'],
    [2, '2 images'],
    [12_345, '12,345 images'],
  ])('%d', (n, expected) => {
    expect(plural(n, 'image')).toBe(expected);
  });

  it('takes an irregular one', () => {
    expect(plural(2, 'body', 'bodies')).toBe('2 bodies');
  });
});

describe('table', () => {
  it('aligns text left and numbers right, without blanks at the end of a line', () => {
    expect(
      table([
        ['class', 'regions', 'mode'],
        ['face', 1234, 'blur'],
        ['plate (interim)', 7, ''],
      ]),
    ).toBe(
      ['  class            regions  mode', '  face               1,234  blur', '  plate (interim)        7', ''].join(
        '\n',
      ),
    );
  });

  it('takes rows of different lengths, another indent, and none at all', () => {
    expect(table([['a'], ['bb', 'c']], '')).toBe('a\nbb  c\n');
    expect(table([])).toBe('');
  });
});

describe('printable', () => {
  it.each([
    ['plain-name (1).jpg', 'plain-name (1).jpg'],
    ['Übung 写真 🙂.jpg', 'Übung 写真 🙂.jpg'],
    ['two\nlines\r\t', 'two\uFFFDlines\uFFFD\uFFFD'],
    ['\u001b[31mred', '\uFFFD[31mred'],
    ['\u009b31mred\u007f', '\uFFFD31mred\uFFFD'],
    ['gpj.\u202eexe', 'gpj.\uFFFDexe'],
    ['\u2066a\u2069\u200f\u061c\u2028', '\uFFFDa\uFFFD\uFFFD\uFFFD\uFFFD'],
  ])('%j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });
});

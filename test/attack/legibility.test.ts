import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { legibility, type ReadLine } from '../../src/attack/legibility.ts';
import { isRecovered, normalise, similarity } from '../../src/attack/strings.ts';

const line = (photograph: number, source: string, ...readings: string[]): ReadLine => ({
  photograph,
  sources: [source],
  readings,
  isUntouched: false,
});

describe('strings', () => {
  it.each([
    ['b 123-xy', 'B123XY'],
    ['  …!  ', ''],
    ['Ｂ１２３', 'B123'],
    ['京A·88', '京A88'],
  ])('%s is %s to compare', (text, expected) => {
    expect(normalise(text)).toBe(expected);
  });

  it.each([
    ['ABC123', 'XXC12YY', true],
    ['ABC123', 'AB', false],
    ['ABC123', 'AXBXC', false],
    ['AB', 'AB', false],
    ['ABC', 'ABC', true],
    ['ABC123', '', false],
    ['京沪苏8', 'X京沪苏', true],
  ])('%s in %s: %s', (source, read, expected) => {
    expect(isRecovered(source, read)).toBe(expected);
  });

  it('whatever three characters of a string are read give it away', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ABC123'), minLength: 3, maxLength: 9 });
    fc.assert(
      fc.property(text, text, fc.nat(), (source, around, from) => {
        const at = from % (source.length - 2);
        expect(isRecovered(source, around + source.slice(at, at + 3))).toBe(true);
      }),
    );
  });

  it.each([
    ['ABC', 'ABC', 1],
    ['ABC', 'XYZ', 0],
    ['ABCD', 'ABXD', 0.75],
    ['', '', 1],
    ['ABC', '', 0],
  ])('%j and %j are alike by %s', (a, b, expected) => {
    expect(similarity(a, b)).toBe(expected);
  });
});

describe('what is read again', () => {
  const words = ['ALPHA1', 'BRAVO2', 'CHARL3', 'DELTA4', 'ECHOS5', 'FOXTR6', 'GOLFS7', 'HOTEL8', 'INDIA9', 'JULIE0'];

  it('nothing, when readings have nothing of the source', () => {
    expect(legibility(words.map((w, i) => line(i, w, '', 'zz')))).toMatchObject({
      lines: 10,
      recovered: { value: 0, hits: 0, n: 10 },
      exact: 0,
      control: { recovered: 0 },
      verdict: 'none recovered',
    });
  });

  it('all, when one of the readings is the source', () => {
    const found = legibility(words.map((w, i) => line(i, w, 'zz', w.toLowerCase())));
    expect(found).toMatchObject({ recovered: { value: 1 }, exact: 10, similarity: 1, verdict: 'above chance' });
    expect(found?.control.recovered).toBe(0);
  });

  it('as much as chance gives, when every line reads as all of them', () => {
    const everything = words.join(' ');
    const found = legibility(words.map((w, i) => line(i, w, everything)));
    expect(found).toMatchObject({ recovered: { value: 1 }, control: { recovered: 1 }, verdict: 'at chance' });
  });

  it('lines that look as before are told apart', () => {
    const lines = words.map((w, i) => ({ ...line(i, w, i < 2 ? w : ''), isUntouched: i < 3 }));
    expect(legibility(lines)).toMatchObject({ recovered: { hits: 2 }, recoveredUntouched: 2, untouched: 3 });
  });

  it('a few lines conclude nothing, unless they are read', () => {
    expect(legibility([line(0, 'ABC123', '')])?.verdict).toBe('too few to conclude');
    expect(legibility([line(0, 'ABC123', 'ABC123'), line(1, 'DEF456', '456')])?.verdict).toBe('above chance');
    expect(legibility([])).toBeUndefined();
  });

  it('lines without any reading are not recovered', () => {
    expect(legibility([line(0, 'ABC123')])).toMatchObject({ recovered: { hits: 0 }, similarity: 0 });
  });
});

import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { assignments, list, modes, number, numericAssignments } from '../../src/cli/parse.ts';

describe('list', () => {
  it.each([
    ['face', ['face']],
    ['face,body', ['face', 'body']],
    [' face , body ,', ['face', 'body']],
    ['', []],
  ])('%j', (value, expected) => {
    expect(list(value)).toEqual(expected);
  });
});

describe('assignments', () => {
  it('reads entries, keeps later ones, and leaves what it was given alone', () => {
    expect(assignments('face=a, body=b')).toEqual({ face: 'a', body: 'b' });
    expect(assignments('face=./a=b.onnx')).toEqual({ face: './a=b.onnx' });
    expect(assignments('face=')).toEqual({ face: '' });
    const previous = { face: 'a', text: 't' };
    expect(assignments('face=b', previous)).toEqual({ face: 'b', text: 't' });
    expect(previous.face).toBe('a');
  });

  it.each(['face', '=a', 'face=a,body'])('refuses %j', (value) => {
    expect(() => assignments(value)).toThrow(InvalidArgumentError);
    expect(() => assignments(value)).toThrow(/^Expected <class>=<value> but received "/);
  });
});

describe('numbers', () => {
  it.each([
    ['12', 12],
    [' 0.5 ', 0.5],
    ['-1', -1],
    ['1e8', 1e8],
  ])('%j is %d', (value, expected) => {
    expect(number(value)).toBe(expected);
  });

  it.each(['', ' ', '12px', 'two', 'NaN', 'Infinity', '1,5'])('refuses %j', (value) => {
    expect(() => number(value)).toThrow(
      new InvalidArgumentError(`Expected a number but received ${JSON.stringify(value)}`),
    );
  });

  it('are read by class', () => {
    expect(numericAssignments('face=0.5,body=1', { body: 0, text: 2 })).toEqual({ face: 0.5, body: 1, text: 2 });
    expect(() => numericAssignments('face=high')).toThrow(InvalidArgumentError);
    expect(() => numericAssignments('face=')).toThrow(InvalidArgumentError);
  });
});

describe('modes', () => {
  it.each([
    [['solid'], 'solid'],
    [[' solid '], 'solid'],
    [['face=solid,text=blur'], { face: 'solid', text: 'blur' }],
    [['face=solid', 'text=none'], { face: 'solid', text: 'none' }],
    [['face=solid', 'face=blur'], { face: 'blur' }],
    [['solid', 'text=none'], { face: 'solid', body: 'solid', plate: 'solid', text: 'none' }],
    [['text=none', 'solid'], 'solid'],
  ])('--redact given as %j', (values, expected) => {
    let result: ReturnType<typeof modes> | undefined;
    for (const value of values) result = modes(value, result);
    expect(result).toEqual(expected);
  });
});

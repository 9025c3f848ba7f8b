import { describe, expect, it } from 'vitest';
import { partOptions, shardIndex } from '../../src/cli/part.ts';
import { UsageError } from '../../src/errors.ts';

const array = (id: string, more: Record<string, string> = {}) => ({
  SLURM_ARRAY_TASK_ID: id,
  SLURM_ARRAY_TASK_MIN: '0',
  SLURM_ARRAY_TASK_MAX: '7',
  SLURM_ARRAY_TASK_COUNT: '8',
  SLURM_ARRAY_TASK_STEP: '1',
  ...more,
});

describe('--shard-index auto', () => {
  it.each<[string, Record<string, string>, number | undefined, number, number]>([
    ['an array from 0', array('3'), undefined, 3, 8],
    ['an array from 1', array('8', { SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '8' }), undefined, 7, 8],
    [
      'an array with a step',
      array('15', {
        SLURM_ARRAY_TASK_MIN: '5',
        SLURM_ARRAY_TASK_MAX: '25',
        SLURM_ARRAY_TASK_STEP: '10',
        SLURM_ARRAY_TASK_COUNT: '3',
      }),
      undefined,
      1,
      3,
    ],
    [
      'a part that is started again alone, with the count',
      array('5', { SLURM_ARRAY_TASK_MIN: '5', SLURM_ARRAY_TASK_MAX: '5', SLURM_ARRAY_TASK_COUNT: '1' }),
      8,
      5,
      8,
    ],
    ['an array whose jobs have one task', array('3', { SLURM_NTASKS: '1', SLURM_PROCID: '0' }), undefined, 3, 8],
    ['tasks', { SLURM_PROCID: '2', SLURM_NTASKS: '4' }, undefined, 2, 4],
    ['an indexed job', { JOB_COMPLETION_INDEX: '0' }, 16, 0, 16],
  ])('takes %s', (_, env, shardCount, index, count) => {
    const options = { out: 'x', shardIndex: 'auto', ...(shardCount === undefined ? {} : { shardCount }) };
    expect(partOptions(options, env)).toEqual({ out: 'x', shardIndex: index, shardCount: count });
  });

  it.each<[string, Record<string, string>, number | undefined, RegExp]>([
    ['nothing', {}, 4, /but found none$/],
    ['empty values', { SLURM_ARRAY_TASK_ID: '', JOB_COMPLETION_INDEX: '' }, 4, /but found none$/],
    [
      'an indexed job without a count',
      { JOB_COMPLETION_INDEX: '1' },
      undefined,
      /--shard-count with --shard-index auto/,
    ],
    ['a task without their number', { SLURM_PROCID: '0' }, undefined, /but found none$/],
    ['another text', { JOB_COMPLETION_INDEX: '1; rm' }, 4, /whole number in JOB_COMPLETION_INDEX .* another text/],
    ['a negative number', array('-1'), undefined, /whole number in SLURM_ARRAY_TASK_ID/],
    ['both an array and tasks', array('1', { SLURM_NTASKS: '4' }), undefined, /tell of both/],
    [
      'a list that is no row',
      array('3', { SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '3' }),
      undefined,
      /evenly spaced/,
    ],
    [
      'a number between two steps',
      array('3', { SLURM_ARRAY_TASK_STEP: '2', SLURM_ARRAY_TASK_COUNT: '4' }),
      undefined,
      /evenly/,
    ],
    ['an array of which the rest is not told', { SLURM_ARRAY_TASK_ID: '3' }, undefined, /evenly spaced/],
    ['a step of 0', array('3', { SLURM_ARRAY_TASK_STEP: '0' }), undefined, /evenly spaced/],
  ])('refuses %s', (_, env, shardCount, message) => {
    const refused = () => partOptions({ shardIndex: 'auto', ...(shardCount === undefined ? {} : { shardCount }) }, env);
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(message);
  });
});

it('looks at the environment only when asked', () => {
  expect(partOptions({ out: 'x' }, array('3'))).toEqual({ out: 'x' });
  expect(partOptions({ shardIndex: 1, shardCount: 2 }, array('3'))).toEqual({ shardIndex: 1, shardCount: 2 });
});

it.each([
  ['3', 3],
  ['auto', 'auto'],
])('reads %s', (text, value) => expect(shardIndex(text)).toBe(value));

it.each(['', 'Auto', '1/4'])('refuses %j as an index', (text) =>
  expect(() => shardIndex(text)).toThrow(/a number or auto/),
);

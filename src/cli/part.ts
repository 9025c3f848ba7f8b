import { InvalidArgumentError } from 'commander';
import { UsageError } from '../errors.ts';
import { number } from './parse.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `3` or `auto` */
export function shardIndex(value: string): number | 'auto' {
  if (value === 'auto') return value;
  try {
    return number(value);
  } catch {
    throw new InvalidArgumentError(`Expected a number or auto but received ${JSON.stringify(value)}`);
  }
}

/**
 * `shardIndex: 'auto'` becomes what the environment says. Without it the environment is not looked at: a run that
 * happens to be started within a job of something else does all of its images.
 *
 * @throws UsageError when the environment tells no part, or not one of a plain row of parts.
 */
export function partOptions(options: Readonly<Record<string, unknown>>, env: Environment): Record<string, unknown> {
  if (options.shardIndex !== 'auto') return options;
  const { shardCount } = options;
  return { ...options, ...partIn(env, typeof shardCount === 'number' ? shardCount : undefined) };
}

interface PartOptions {
  readonly shardIndex: number;
  readonly shardCount: number;
}

/**
 * SLURM's array jobs (sbatch, "Job Array Support"), its tasks (srun, "Output environment variables"), then Kubernetes'
 * indexed jobs ("Indexed Job for Parallel Processing").
 */
function partIn(env: Environment, count: number | undefined): PartOptions {
  const read = (name: string): number | undefined => {
    const value = env[name];
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,9}$/.test(value)) {
      throw new UsageError(`Expected a whole number in ${name} for --shard-index auto but received another text`);
    }
    return Number(value);
  };
  const id = read('SLURM_ARRAY_TASK_ID');
  const tasks = read('SLURM_NTASKS');
  if (id !== undefined) {
    if (tasks !== undefined && tasks > 1) {
      throw new UsageError(
        'Expected an array of jobs or several tasks for --shard-index auto but SLURM_ARRAY_TASK_ID and SLURM_NTASKS tell of both; give --shard-index and --shard-count as numbers',
      );
    }
    return count === undefined ? inArray(id, read) : { shardIndex: id, shardCount: count };
  }
  const proc = read('SLURM_PROCID');
  if (proc !== undefined && (count ?? tasks) !== undefined) {
    return { shardIndex: proc, shardCount: (count ?? tasks) as number };
  }
  const completion = read('JOB_COMPLETION_INDEX');
  if (completion === undefined) {
    throw new UsageError(
      'Expected SLURM_ARRAY_TASK_ID, SLURM_PROCID with SLURM_NTASKS, or JOB_COMPLETION_INDEX in the environment for --shard-index auto but found none',
    );
  }
  if (count === undefined) {
    throw new UsageError(
      'Expected --shard-count with --shard-index auto, since JOB_COMPLETION_INDEX comes without a count, but received nothing',
    );
  }
  return { shardIndex: completion, shardCount: count };
}

/** An array may begin elsewhere than at 0 and have a step; one that is an irregular list has no row of parts. */
function inArray(id: number, read: (name: string) => number | undefined): PartOptions {
  const least = read('SLURM_ARRAY_TASK_MIN');
  const most = read('SLURM_ARRAY_TASK_MAX');
  const count = read('SLURM_ARRAY_TASK_COUNT');
  // Older versions of SLURM do not tell a step of 1.
  const step = read('SLURM_ARRAY_TASK_STEP') ?? 1;
  if (least !== undefined && most !== undefined && count !== undefined && step > 0) {
    const index = (id - least) / step;
    const isRow = Math.floor((most - least) / step) + 1 === count;
    if (isRow && Number.isInteger(index) && index >= 0 && index < count) {
      return { shardIndex: index, shardCount: count };
    }
  }
  throw new UsageError(
    'Expected an array of evenly spaced numbers for --shard-index auto but SLURM_ARRAY_TASK_ID, _MIN, _MAX, _STEP and _COUNT tell of another one; with --shard-count, SLURM_ARRAY_TASK_ID is taken as the index, from 0',
  );
}

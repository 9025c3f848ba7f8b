import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { listingDigest } from '../../src/io/listing.ts';
import { openSink } from '../../src/io/open-sink.ts';
import type { PrivateRun } from '../../src/io/private-run.ts';
import type { SinkOptions } from '../../src/io/sink.ts';
import { surveyOutput } from '../../src/io/survey.ts';
import { finalize } from '../../src/outputs/finalize.ts';
import { publicResult, RecordCounts } from '../../src/run/record-counts.ts';
import { current, MortalProcess } from '../fixtures/deadFileSystem.ts';
import { type FakeSample, rejected, scratch, verified } from '../fixtures/ioHelpers.ts';
import { bury, FORMATS, optionsFor, state } from '../fixtures/killed-runs.ts';

vi.mock('node:fs/promises', async (original) => {
  const { mortal } = await import('../fixtures/deadFileSystem.ts');
  const real = await original<typeof import('node:fs/promises')>();
  return { ...mortal(real), default: real };
});

beforeEach(() => {
  current.process = new MortalProcess();
});

/** Three shards of two and one of one; those of one folder and of one stem lie in one part. */
const PATHS = ['a/x.jpg', 'a/x.png', 'b/broken.jpg', 'c/d/y.jpg', 'c/z.jpg', 'e.jpg', 'f/f.jpg'];
const SAMPLES: readonly FakeSample[] = PATHS.map((path, i) => ({
  path,
  cls: `${i}`,
  outcome: i === 2 ? rejected('truncated') : verified(`image ${i}`),
}));

/** Options of a run, or of a part of it. */
async function optionsOf(root: string, more: Partial<SinkOptions>): Promise<SinkOptions> {
  const run = { policy: '3b1e', samplesPerShard: 2, daliIndex: true, hfMetadata: true };
  const options = optionsFor(root, SAMPLES, { samplesPerShard: 2, run, ...more });
  const privateRun: PrivateRun = {
    v: 1,
    total: SAMPLES.length,
    hasCls: true,
    seed: 0,
    boxes: null,
    corrections: null,
    ...(options.part ? { listing: listingDigest(options.total, options.at) } : {}),
    detected: {
      models: ['face:test@sha256:00'],
      classes: ['face'],
      quality: 'fast',
      threshold: { face: 0.5, body: 0.5, plate: 0.5, text: 0.5 },
      mergesPlatesAndText: false,
    },
    settings: { policy: '3b1e' },
  };
  return { ...options, privateRun, ...more };
}

/** What a process does to its end, and the samples that it computed. */
async function work(options: SinkOptions, samples = SAMPLES): Promise<number[]> {
  const computed: number[] = [];
  const counts = new RecordCounts();
  const sink = await openSink(options, { onKept: (record) => counts.add(record) });
  for (const [index, { outcome }] of samples.entries()) {
    if (!sink.wants(index)) continue;
    computed.push(index);
    counts.add(await sink.write({ sample: options.at(index), outcome }));
  }
  await sink.finish(publicResult(SAMPLES.length, counts, undefined));
  return computed;
}

/** Does something as a process of its own, which may die at a step. Returns the number of steps. */
async function process(lock: string, job: () => Promise<unknown>, diesAt?: number): Promise<number> {
  const mortal = new MortalProcess(diesAt);
  current.process = mortal;
  await Promise.race([job(), mortal.died]);
  const { changes } = mortal;
  current.process = new MortalProcess();
  if (diesAt !== undefined && changes >= diesAt) await bury(lock);
  return changes;
}

describe.each(FORMATS)('a run in parts, %s', (format) => {
  const lockOf = (options: SinkOptions, index: number, count: number): string =>
    join(options.out, `_anonymize/parts/${index}-of-${count}/lock`);

  async function undisturbed(): Promise<Record<string, string>> {
    const options = await optionsOf(await scratch(), { format });
    await work(options);
    return state(options);
  }

  it.each([1, 2, 3, 4, 6])('of %i processes, in any order, ends with the bytes of one', async (count) => {
    const root = await scratch();
    const computed: number[] = [];
    for (let index = count - 1; index >= 0; index--) {
      const options = await optionsOf(root, { format, part: { index, count } });
      expect(await surveyOutput(options)).toBe('new');
      computed.push(...(await work(options)));
      expect(await surveyOutput(options)).toBe('complete');
    }
    expect(computed.sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const whole = await optionsOf(root, { format });
    const summary = await finalize(whole);
    expect(summary).toMatchObject({ status: 'finalized', parts: count, shards: 4, published: 6, rejected: 1 });
    const expected = await undisturbed();
    expect(await state(whole)).toEqual(expected);
    expect(await finalize(whole)).toMatchObject({ status: 'already', published: 6, rejected: 1 });
    expect(await state(whole)).toEqual(expected);
    expect(await surveyOutput(whole)).toBe('complete');
    expect(await surveyOutput(await optionsOf(root, { format, part: { index: 0, count } }))).toBe('finalized');
  });

  it('at the same time ends so, too', async () => {
    const root = await scratch();
    const parts = await Promise.all(
      [0, 1, 2, 3].map((index) => optionsOf(root, { format, part: { index, count: 4 } })),
    );
    await Promise.all(parts.map((options) => work(options)));
    const whole = await optionsOf(root, { format });
    await finalize(whole);
    expect(await state(whole)).toEqual(await undisturbed());
  });

  it('of which one is killed at any step ends with the same bytes when it goes on', async () => {
    const expected = await undisturbed();
    for (let step = 1, isOver = false; !isOver; step += 3) {
      const root = await scratch();
      const first = await optionsOf(root, { format, part: { index: 0, count: 2 } });
      const second = await optionsOf(root, { format, part: { index: 1, count: 2 } });
      if (step % 2 === 1) await work(second);
      const steps = await process(lockOf(first, 0, 2), () => work(first), step);
      isOver = steps < step;
      if (step % 2 === 0) await work(second);
      const left = await surveyOutput(first);
      if (isOver) expect(left).toBe('complete');
      // It may have died when all was done.
      if (left !== 'complete') {
        await expect(finalize(first), `killed at step ${step}`).rejects.toThrow(/part 0 is (missing|not fin)/);
      }
      await work(first);
      await finalize(first);
      expect(await state(first), `killed at step ${step}`).toEqual(expected);
    }
  });

  it('whose finalization is killed at any step ends with the same bytes when that is repeated', async () => {
    const expected = await undisturbed();
    const root = await scratch();
    for (const index of [0, 1]) await work(await optionsOf(root, { format, part: { index, count: 2 } }));
    const before = await optionsOf(root, { format });
    const steps = { killed: 0 };
    for (let step = 1, isOver = false; !isOver; step++) {
      const options = await optionsOf(await scratch(), { format });
      for (const place of ['out', 'privateDir'] as const) await cp(before[place], options[place], { recursive: true });
      const lock = join(options.out, '_anonymize/lock');
      isOver = (await process(lock, () => finalize(options), step)) < step;
      if (!isOver) steps.killed++;
      await finalize(options);
      expect(await state(options), `killed at step ${step}`).toEqual(expected);
    }
    expect(steps.killed).toBeGreaterThan(15);
  });

  it('tries again what failed in a part', async () => {
    const root = await scratch();
    for (const index of [0, 1]) await work(await optionsOf(root, { format, part: { index, count: 2 } }));
    const better = SAMPLES.with(2, { ...(SAMPLES[2] as FakeSample), outcome: verified('image 2') });
    const other = await optionsOf(root, { format, part: { index: 1, count: 2 }, retryFailed: true });
    expect(await surveyOutput(other)).toBe('complete');
    const retried = await optionsOf(root, { format, part: { index: 0, count: 2 }, retryFailed: true });
    expect(await surveyOutput(retried)).toBe('unfinished');
    expect(await work(retried, better)).toEqual([2]);
    await finalize(retried);
    const fresh = await optionsOf(await scratch(), { format });
    await work(fresh, better);
    expect(await state(retried)).toEqual(await state(fresh));
  });
});

describe('parts are refused', () => {
  const part = (index: number, count = 2) => ({ part: { index, count } });

  async function both(): Promise<string> {
    const root = await scratch();
    for (const index of [0, 1]) await work(await optionsOf(root, part(index)));
    return root;
  }

  async function refusal(root: string, message: RegExp): Promise<void> {
    const options = await optionsOf(root, {});
    const before = await state(options);
    await expect(finalize(options)).rejects.toThrow(message);
    expect(await state(options)).toEqual(before);
  }

  it.each<[string, RegExp, (options: SinkOptions) => Promise<unknown>]>([
    [
      'that are missing',
      /Expected 2 finished parts in .* but part 1 is missing$/,
      ({ out }) => rm(join(out, '_anonymize/parts/1-of-2'), { recursive: true }),
    ],
    [
      'of which the private logs are missing',
      /private logs of part 1 in .*1-of-2 but found none/,
      ({ privateDir }) => rm(join(privateDir, 'parts/1-of-2'), { recursive: true }),
    ],
    [
      'of other inputs',
      /part 1 differs from part 0: its inputs are others/,
      ({ privateDir }) => edit(join(privateDir, 'parts/1-of-2/run.json'), /"listing": "../, '"listing": "00'),
    ],
    [
      'of another seed',
      /part 1 differs from part 0: seed: 0 → 1/,
      ({ privateDir }) => edit(join(privateDir, 'parts/1-of-2/run.json'), '"seed": 0', '"seed": 1'),
    ],
    [
      'of other settings',
      /part 1 differs from part 0: policy: |part 1 differs .*a setting that/,
      ({ out }) => edit(join(out, '_anonymize/parts/1-of-2/run.json'), '3b1e', '96a1'),
    ],
    [
      'with a shard that is gone',
      /every shard of part 1 .* 1 of 2 are not: Shard 00003 is missing/,
      ({ out }) => rm(join(out, '00003_stats.json')),
    ],
    [
      'with a shard that is damaged',
      /part 0 .* 1 of 2 are not: Shard 00001: .*differs from its record/,
      ({ out }) => edit(join(out, '00001.tar'), 'image 3', 'image ?'),
    ],
    [
      'with a log that is damaged',
      /Shard 00002: .*another form|cut short/,
      ({ out }) => appendFile(join(out, '_anonymize/redactions/00002.jsonl'), '{"v":1'),
    ],
    [
      'with private logs that lost a sample',
      /does not know sample 00000000[0-9]/,
      ({ privateDir }) => writeFile(join(privateDir, 'parts/0-of-2/detections.jsonl'), ''),
    ],
  ])('by finalize: %s', async (_, message, damage) => {
    const root = await both();
    await damage(await optionsOf(root, {}));
    await refusal(root, message);
  });

  async function edit(file: string, from: string | RegExp, to: string): Promise<void> {
    const text = await readFile(file, 'latin1');
    expect(text).toMatch(from);
    await writeFile(file, text.replace(from, to), 'latin1');
  }

  it('by finalize while one is at work, and the other way round', async () => {
    const root = await scratch();
    await work(await optionsOf(root, part(1)));
    const first = await optionsOf(root, part(0));
    const sink = await openSink(first);
    await expect(finalize(first)).rejects.toThrow(/no other run in .* but process/);
    await expect(openSink(first)).rejects.toThrow(/no other run in .* but process/);
    await sink.abort('interrupted');
    await expect(finalize(first)).rejects.toThrow(/part 0 is not finished \(interrupted\)/);
    await work(first);
    const finalizing = await optionsOf(root, {});
    const { OutputLock } = await import('../../src/io/lock.ts');
    const lock = await OutputLock.acquire(finalizing.out);
    await expect(openSink(first)).rejects.toThrow(/no other run in .* but process/);
    await lock.release();
  });

  it.each<[string, Partial<SinkOptions>, RegExp]>([
    ['of another count', part(1, 3), /--shard-count 2, as part 0 in .* has it, but received 3/],
    [
      'of other settings',
      { ...part(1), run: { policy: '96a1', samplesPerShard: 2, daliIndex: true, hfMetadata: true } },
      /settings of part 0 .* differ/,
    ],
    ['of another number of inputs', { ...part(1), total: 6 }, /settings of part 0 .* total: 7 → 6/],
    ['without --shard-index', {}, /no parts of a run in .*: go on with them .*finalize.*--overwrite/],
    ['of inputs in another place', { ...part(1), privateRun: 'moved' as never }, /other inputs, or in another order/],
  ])('when they begin: %s', async (_, more, message) => {
    const root = await scratch();
    await work(await optionsOf(root, part(0)));
    let options = await optionsOf(root, more);
    if (more.privateRun !== undefined) {
      const { privateRun } = await optionsOf(root, part(1));
      options = { ...options, privateRun: { ...(privateRun as PrivateRun), listing: '0'.repeat(64) } };
    }
    const before = await state(options);
    for (const open of [surveyOutput, openSink]) await expect(open(options)).rejects.toThrow(message);
    expect(await state(options)).toEqual(before);
  });

  it.each<[string, readonly string[], RegExp | undefined]>([
    ['stems that meet', ['a.jpg', 'm.jpg', 'm.png', 'z.jpg'], /samples 000000001 \(part 0\) and 000000002 \(part 1\)/],
    ['cases that meet', ['A.jpg', 'b.jpg', 'a.png', 'd.jpg'], /samples 000000000 \(part 0\) and 000000002/],
    ['a name that a number makes', ['a.jpg', 'b.jpg', 'a~1.jpg', 'd.jpg'], /samples 000000000/],
    ['a file that meets a folder', ['a.jpg', 'b.jpg', 'a.jpg/c.jpg', 'd.jpg'], /samples 000000000/],
    ['meetings in one part', ['a.jpg', 'a.png', 'c.jpg', 'C.jpg'], undefined],
    ['folders in common', ['f.1/a.jpg', 'f.1/b.jpg', 'f.1/c.jpg', 'f.2/a.jpg'], undefined],
  ])('with --format folder where names may depend on another part: %s', async (_, paths, message) => {
    const root = await scratch();
    const samples = paths.map((path) => ({ path, outcome: verified(path) }));
    const options = optionsFor(root, samples, { samplesPerShard: 1, format: 'folder', hasCls: false, ...part(1) });
    if (message === undefined) expect(await surveyOutput(options)).toBe('new');
    else await expect(surveyOutput(options)).rejects.toThrow(message);
    expect(await surveyOutput({ ...options, format: 'webdataset' })).toBe('new');
  });

  it('in a folder of something else, or of a run of one process', async () => {
    const root = await scratch();
    const options = await optionsOf(root, part(0));
    await mkdir(options.out);
    await writeFile(join(options.out, 'holiday.jpg'), 'x');
    await expect(openSink(options)).rejects.toThrow(/--out but .* has other content/);
    await rm(options.out, { recursive: true });
    const sink = await openSink(await optionsOf(root, {}));
    await sink.abort('interrupted');
    await expect(openSink(options)).rejects.toThrow(/unfinished run of one process/);
  });
});

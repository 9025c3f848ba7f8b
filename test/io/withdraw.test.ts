import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { RedactionRecord } from '../../src/core/outcome.ts';
import { UsageError } from '../../src/errors.ts';
import { forget } from '../../src/io/forget.ts';
import { openSink } from '../../src/io/open-sink.ts';
import type { SinkOptions } from '../../src/io/sink.ts';
import { completeRecords, surveyOutput } from '../../src/io/survey.ts';
import { planWithdrawal, withdraw } from '../../src/outputs/withdraw.ts';
import { publicResult, RecordCounts } from '../../src/run/record-counts.ts';
import { current, MortalProcess } from '../fixtures/deadFileSystem.ts';
import { type FakeSample, filesIn, rejected, scratch, verified } from '../fixtures/ioHelpers.ts';
import { bury, FORMATS, optionsFor, state } from '../fixtures/killed-runs.ts';

vi.mock('node:fs/promises', async (original) => {
  const { mortal } = await import('../fixtures/deadFileSystem.ts');
  const real = await original<typeof import('node:fs/promises')>();
  return { ...mortal(real), default: real };
});

beforeEach(() => {
  current.process = new MortalProcess();
});

const PATHS = ['a/anna.jpg', 'a/x.jpg', 'b/broken.jpg', 'b/anna.jpg', 'c/d/y.jpg', 'c/lone.jpg', 'z.jpg'];
const SAMPLES: readonly FakeSample[] = PATHS.map((path, i) => ({
  path,
  cls: `${i}`,
  outcome: i === 2 ? rejected('truncated') : verified(`image ${i}`),
}));
const BETTER = SAMPLES.map((sample, i) => ({ ...sample, outcome: verified(`image ${i}`) }));

const at = (root: string, more: Partial<SinkOptions>): SinkOptions =>
  optionsFor(root, SAMPLES, {
    samplesPerShard: 2,
    run: { policy: '3b1e', samplesPerShard: 2, daliIndex: true, hfMetadata: true },
    ...more,
  });

/** What a run does to its end, the samples that it computed, and the records that it kept. */
async function work(options: SinkOptions, samples = SAMPLES) {
  const computed: number[] = [];
  const kept: RedactionRecord[] = [];
  const counts = new RecordCounts();
  const onKept = (record: RedactionRecord): void => {
    kept.push(record);
    counts.add(record);
  };
  const sink = await openSink(options, { onKept });
  for (const [index, { outcome }] of samples.entries()) {
    if (!sink.wants(index)) continue;
    computed.push(index);
    counts.add(await sink.write({ sample: options.at(index), outcome }));
  }
  await sink.finish(publicResult(samples.length, counts, undefined));
  return { computed, kept };
}

async function finished(more: Partial<SinkOptions> = {}): Promise<SinkOptions> {
  const options = at(await scratch(), more);
  await work(options);
  return options;
}

const asking = ({ out, privateDir }: SinkOptions, ...texts: string[]) => ({
  out,
  privateDir,
  asked: texts.map((text, i) => ({ text, where: `--source ${i + 1}` })),
});

/** Everything that both places hold, as one text, and all names. */
async function everything(options: SinkOptions): Promise<string> {
  return Object.entries(await state(options))
    .flat()
    .join('\n');
}

describe.each(FORMATS)('a withdrawal, %s', (format) => {
  it('takes images out, leaves all others, and forgets whose they were', async () => {
    const options = await finished({ format });
    const before = await state(options);
    const summary = await withdraw(asking(options, 'b/anna.jpg', '/in/c/lone.jpg'));
    expect(summary).toMatchObject({
      status: 'withdrawn',
      version: 2,
      shards: ['00001', '00002'],
      samples: [
        { key: '000000003', shard: '00001', status: 'verified' },
        { key: '000000005', shard: '00002', status: 'verified' },
      ],
    });
    const text = await everything(options);
    for (const gone of ['image 3', 'image 5', 'b/anna', 'lone']) expect(text).not.toContain(gone);
    for (const kept of ['image 0', 'image 4', 'a/anna', 'c/d/y']) expect(text).toContain(kept);
    const after = await state(options);
    const touched =
      /0000[12]|SHA256SUMS|run\.json|withdrawn|versions|private\/(sources|detections)|anna|lone|metadata|out\/b/;
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (!touched.test(name)) expect(after[name], name).toBe(before[name]);
    }
    expect(JSON.parse(after['out/_anonymize/run.json'] as string)).toMatchObject({
      status: 'finished',
      published: 4,
      rejected: 1,
      withdrawn: 2,
      regions: { face: 4 },
    });
    const log = (after['out/_anonymize/redactions/00001.jsonl'] as string).split('\n');
    expect(log[1]).toBe('{"v":1,"key":"000000003","status":"withdrawn"}');
  });

  it('killed at any step, ends the same when it is repeated; nothing touches the output before', async () => {
    const ask = (options: SinkOptions) => asking(options, 'b/anna.jpg', 'z.jpg', 'b/broken.jpg');
    const source = await finished({ format });
    const copy = async (): Promise<SinkOptions> => {
      const options = at(await scratch(), { format });
      for (const place of ['out', 'privateDir'] as const) await cp(source[place], options[place], { recursive: true });
      return options;
    };
    const undisturbed = await copy();
    await withdraw(ask(undisturbed));
    const expected = await state(undisturbed);
    let killed = 0;
    for (let step = 1, isOver = false; !isOver; step += 3) {
      const options = await copy();
      const process = new MortalProcess(step);
      current.process = process;
      await Promise.race([withdraw(ask(options)), process.died]);
      current.process = new MortalProcess();
      isOver = process.changes < step;
      if (!isOver) killed++;
      await bury(join(options.out, '_anonymize/lock'));
      const left = await filesIn(options.privateDir);
      const hasBegun = left.has('withdrawal.json');
      if (hasBegun) {
        await expect(surveyOutput(options), `step ${step}`).rejects.toThrow(/no unfinished withdrawal/);
        await expect(openSink({ ...options, retryFailed: true })).rejects.toThrow(/no unfinished withdrawal/);
        await expect(forget(options.privateDir)).rejects.toThrow(/no unfinished withdrawal/);
      }
      const isKnown = String(left.get('sources.jsonl')).includes('z.jpg');
      // Once all is done, the names are not known any more, which is the point of it.
      if (!hasBegun && !isKnown)
        await expect(withdraw(ask(options))).rejects.toThrow(/names of the 3 withdrawn before/);
      else await withdraw(step % 4 === 1 && hasBegun ? asking(options) : ask(options));
      const result = await state(options);
      // The lock of a process that was killed at its last step goes with the next run.
      if (!hasBegun && !isKnown) delete result['out/_anonymize/lock'];
      expect(result, `killed at step ${step}`).toEqual(expected);
    }
    expect(killed).toBeGreaterThan(18);
  });

  it('is not undone by going on, by mending a shard, or by trying again what failed', async () => {
    const options = await finished({ format });
    await withdraw(asking(options, '000000003', 'b/broken.jpg', 'z.jpg'));
    const expected = await state(options);
    expect(await surveyOutput(options)).toBe('complete');
    expect(await surveyOutput({ ...options, retryFailed: true })).toBe('complete');
    const records: RedactionRecord[] = [];
    for await (const record of completeRecords(options)) records.push(record);
    expect(records.filter(({ status }) => status === 'withdrawn').map(({ key }) => key)).toEqual([
      '000000002',
      '000000003',
      '000000006',
    ]);
    // Of two shards nothing is left but rows of withdrawn samples.
    for (const shard of ['00000', '00001', '00003']) {
      const log = `_anonymize/redactions/${shard}.jsonl`;
      await rm(join(options.out, format === 'folder' ? log : `${shard}_stats.json`));
      expect(await surveyOutput(options)).toBe('unfinished');
      const { computed, kept } = await work({ ...options, retryFailed: true }, BETTER);
      expect(computed).toEqual(shard === '00000' ? [0, 1] : []);
      expect(kept.filter(({ status }) => status === 'withdrawn')).toHaveLength(3);
      expect(await state(options), shard).toEqual(expected);
    }
  });

  it('is known again from either list, and a shard that has the image is done again', async () => {
    const options = await finished({ format });
    const whole = await scratch();
    await cp(options.out, join(whole, 'clean'), { recursive: true });
    await withdraw(asking(options, 'b/anna.jpg'));
    for (const list of ['out', 'privateDir'] as const) {
      const root = await scratch();
      const other = at(root, { format });
      await cp(join(whole, 'clean'), other.out, { recursive: true });
      await cp(options.privateDir, other.privateDir, { recursive: true });
      if (list === 'out') {
        await rm(join(other.privateDir, 'withdrawn.jsonl'));
        await cp(join(options.out, '_anonymize/withdrawn.jsonl'), join(other.out, '_anonymize/withdrawn.jsonl'));
      }
      const sink = await openSink(other);
      expect(sink.notices).toEqual([
        expect.stringMatching(/^Shard 00001 is done again: 000000003 in it was withdrawn/),
      ]);
      expect([2, 3].map((index) => sink.wants(index))).toEqual([true, false]);
      await sink.abort('interrupted');
    }
  });

  it('may be followed by another, and by what had failed', async () => {
    const options = await finished({ format });
    await withdraw(asking(options, 'z.jpg'));
    await withdraw(asking(options, '000000000', '000000006'));
    expect(await work({ ...options, retryFailed: true }, BETTER)).toMatchObject({ computed: [2] });
    const versions = (await readFile(join(options.out, '_anonymize/versions.jsonl'), 'utf8')).trim().split('\n');
    expect(versions.map((line) => JSON.parse(line))).toMatchObject([
      { version: 1, change: 'published' },
      { version: 2, change: 'withdrawn', samples: 1, shards: ['00003'] },
      { version: 3, change: 'withdrawn', samples: 1, shards: ['00000'] },
      { version: 4, change: 'completed' },
    ]);
    const tombstones = await readFile(join(options.out, '_anonymize/withdrawn.jsonl'), 'utf8');
    expect(tombstones).toMatch(
      /^\{"key":"000000000","version":3,"date":"\d{4}-\d\d-\d\d"\}\n\{"key":"000000006","version":2,"date":"[-\d]+"\}\n$/,
    );
  });
});

describe('what is asked for', () => {
  it.each<[string, string[], boolean, string[]]>([
    ['a key', ['000000004'], false, ['000000004']],
    ['a whole path', ['/in/a/anna.jpg'], false, ['000000000']],
    ['the end of a path', ['d/y.jpg'], false, ['000000004']],
    ['a file name', ['y.jpg'], false, ['000000004']],
    ['the same twice', ['y.jpg', 'd/y.jpg', 'y.jpg'], false, ['000000004']],
    ['several of one name, with --all', ['anna.jpg'], true, ['000000000', '000000003']],
    ['names in decomposed letters', ['lone.jpg'.normalize('NFD')], false, ['000000005']],
  ])('is found: %s', async (_, texts, all, keys) => {
    const options = await finished();
    const before = await state(options);
    const plan = await planWithdrawal({ ...asking(options, ...texts), all });
    expect(plan).toMatchObject({ status: 'dry-run' });
    expect(plan.samples.map(({ key }) => key)).toEqual(keys);
    expect(await state(options)).toEqual(before);
  });

  it.each<[string, string[], RegExp]>([
    [
      'a name that several have',
      ['y.jpg', 'anna.jpg'],
      /one sample for --source 2 but 2 .* \(000000000, 000000003\).*--all/,
    ],
    ['a part of a name', ['y.jp', 'nna.jpg', 'in/a'], /found none for --source 1, --source 2, --source 3;/],
    ['a key that no sample has', ['000000007'], /found none for --source 1;/],
    ['a path that leads elsewhere', ['../in/y.jpg'], /found none/],
  ])('is refused with nothing changed: %s', async (_, texts, message) => {
    const options = await finished();
    const before = await state(options);
    for (const call of [planWithdrawal, withdraw]) {
      const error = await call(asking(options, ...texts)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toMatch(/anna|nna\.jpg|y\.jp/);
    }
    expect(await state(options)).toEqual(before);
  });

  it('is found in archives by member, by archive and member, and by archive', async () => {
    const root = await scratch();
    const members = ['p/one.jpg', 'p/two.jpg', 'one.jpg'];
    const options: SinkOptions = {
      ...at(root, { hasCls: false, total: 3 }),
      at: (index) => ({
        index,
        origin: { path: `/in/${index < 2 ? 'first' : 'second'}.tar`, member: members[index] as string },
        relativePath: members[index] as string,
      }),
    };
    await work(
      options,
      SAMPLES.slice(3, 6).map(({ path, outcome }) => ({ path, outcome })),
    );
    const keys = async (text: string, all = false) =>
      (await planWithdrawal({ ...asking(options, text), all })).samples.map(({ key }) => Number(key));
    expect(await keys('two.jpg')).toEqual([1]);
    expect(await keys('p/one.jpg')).toEqual([0]);
    await expect(keys('one.jpg')).rejects.toThrow(/2 are called so/);
    expect(await keys('second.tar/one.jpg')).toEqual([2]);
    expect(await keys('/in/first.tar/p/one.jpg')).toEqual([0]);
    expect(await keys('first.tar', true)).toEqual([0, 1]);
  });
});

describe('a withdrawal is refused with nothing changed', () => {
  it.each<[string, (options: SinkOptions) => Promise<unknown>, RegExp]>([
    ['from a damaged shard', ({ out }) => edit(join(out, '00001.tar'), 'image 3', 'image ?'), /whole shards .*differs/],
    [
      'from a run that is not finished',
      ({ out }) => edit(join(out, '_anonymize/run.json'), 'finished', 'interrupted'),
      /is interrupted/,
    ],
    [
      'when one began elsewhere',
      ({ out }) => edit(join(out, '_anonymize/run.json'), 'finished', 'withdrawing'),
      /is withdrawing/,
    ],
    [
      'when nothing is known of sources',
      ({ privateDir }) => rm(privateDir, { recursive: true }),
      /found none for --source 1/,
    ],
  ])('%s', async (_, damage, message) => {
    const options = await finished();
    await damage(options);
    const before = await state(options);
    await expect(withdraw(asking(options, 'b/anna.jpg'))).rejects.toThrow(message);
    expect(await state(options)).toEqual(before);
  });

  async function edit(file: string, from: string, to: string): Promise<void> {
    const text = await readFile(file, 'latin1');
    expect(text).toContain(from);
    await writeFile(file, text.replace(from, to), 'latin1');
  }

  it('and so is --overwrite, after which it would be forgotten', async () => {
    const options = await finished();
    await withdraw(asking(options, 'z.jpg'));
    const before = await state(options);
    await expect(openSink({ ...options, overwrite: true })).rejects.toThrow(
      /no withdrawn images in .* for --overwrite/,
    );
    expect(await state(options)).toEqual(before);
  });
});

import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RedactionRecord } from '../../src/core/outcome.ts';
import { OutputError, UsageError } from '../../src/errors.ts';
import { openSink } from '../../src/io/open-sink.ts';
import type { SinkOptions } from '../../src/io/sink.ts';
import { completeRecords, surveyOutput } from '../../src/io/survey.ts';
import { type FakeSample, filesIn, plant, rejected, scratch, sinkOptions, verified } from '../fixtures/ioHelpers.ts';

const FORMATS = ['webdataset', 'folder'] as const;
const SAMPLES: readonly FakeSample[] = [0, 1, 2, 3, 4, 5].map((i) => ({
  path: `${i}.jpg`,
  outcome: i === 3 ? rejected('truncated') : verified(`image ${i}`),
}));
const RUN = { policy: '3b1e', redact: { face: 'blur', text: 'blur' }, jpegQuality: 92 };

function optionsFor(root: string, samples = SAMPLES, more: Partial<SinkOptions> = {}): SinkOptions {
  return sinkOptions(root, samples.length, {
    run: RUN,
    at: (index) => ({
      index,
      origin: { path: `/in/${samples[index]?.path}` },
      relativePath: samples[index]?.path as string,
    }),
    ...more,
  });
}

interface Ran {
  readonly computed: number[];
  readonly kept: RedactionRecord[];
  readonly notices: readonly string[];
}

/** Goes on with a run until `end`, where it is interrupted, or to its end. */
async function run(options: SinkOptions, samples = SAMPLES, end = Infinity): Promise<Ran> {
  const kept: RedactionRecord[] = [];
  const computed: number[] = [];
  const sink = await openSink(options, { onKept: (record) => void kept.push(record) });
  for (const [index, { outcome }] of samples.entries()) {
    if (!sink.wants(index) || index >= end) continue;
    computed.push(index);
    await sink.write({ sample: options.at(index), outcome });
  }
  if (end < samples.length) await sink.abort('interrupted');
  else await sink.finish({ published: samples.filter((sample) => sample.outcome.status === 'verified').length });
  return { computed, kept, notices: sink.notices };
}

/** All files but the summaries of shards, which have times. */
async function filesOf({ out, privateDir }: SinkOptions): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of [out, privateDir]) {
    for (const [path, bytes] of await filesIn(folder).catch(() => new Map<string, Buffer>())) {
      if (!path.endsWith('_stats.json'))
        files.set(`${folder === out ? 'out' : 'private'}/${path}`, bytes.toString('latin1'));
    }
  }
  return files;
}

/** The options of a run of which two shards are done. */
async function interrupted(more: Partial<SinkOptions> = {}): Promise<SinkOptions> {
  const options = optionsFor(await scratch(), SAMPLES, more);
  await run(options, SAMPLES, 5);
  return options;
}

async function refusal(options: SinkOptions): Promise<string> {
  const before = await filesOf(options);
  let message = '';
  for (const open of [surveyOutput, openSink]) {
    const error: unknown = await open(options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(await filesOf(options)).toEqual(before);
    ({ message } = error as Error);
  }
  return message;
}

describe.each(FORMATS)('an unfinished run, %s', (format) => {
  it('goes on: whole shards are kept, told of and not computed', async () => {
    const options = await interrupted({ format });
    const undisturbed = optionsFor(await scratch(), SAMPLES, { format });
    await run(undisturbed);
    expect(await surveyOutput(options)).toBe('unfinished');
    const { computed, kept, notices } = await run(options);
    expect(computed).toEqual([4, 5]);
    expect(kept.map(({ key, status }) => [key, status])).toEqual([
      ['000000000', 'verified'],
      ['000000001', 'verified'],
      ['000000002', 'verified'],
      ['000000003', 'quarantined'],
    ]);
    expect(notices).toEqual([]);
    expect(await filesOf(options)).toEqual(await filesOf(undisturbed));
    expect(await surveyOutput(options)).toBe('complete');
  });

  it('keeps the bytes of whole shards, times and all', async () => {
    const options = await interrupted({ format });
    const before = await filesIn(options.out);
    await run(options);
    const after = await filesIn(options.out);
    for (const [path, bytes] of before) {
      if (!path.endsWith('run.json')) expect(after.get(path)?.equals(bytes), path).toBe(true);
    }
  });

  it('may be stopped while its shards are read again, and is as it was then', async () => {
    const options = await interrupted({ format });
    const before = await filesOf(options);
    const reason = new Error('stop');
    await expect(openSink(options, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await filesOf(options)).toEqual(before);
  });

  it('leaves files alone that are not of this tool', async () => {
    const options = await interrupted({ format });
    const foreign = ['notes.txt', '2019.tar', 'd/photo.jpg', '_anonymize/redactions/mine.jsonl'];
    await plant(options.out, foreign);
    await run(options);
    expect([...(await filesIn(options.out)).keys()]).toEqual(expect.arrayContaining(foreign));
  });

  const damages: Record<string, (out: string) => Promise<void>> = {
    'bytes of an image': async (out) => {
      const file = join(out, format === 'folder' ? '0.jpg' : '00000.tar');
      const bytes = await readFile(file);
      bytes.write('?', bytes.indexOf('image 0'));
      await writeFile(file, bytes);
    },
    'its log': (out) => appendFile(join(out, '_anonymize/redactions/00000.jsonl'), '{"v":1'),
    'a field of its log': async (out) => {
      const file = join(out, '_anonymize/redactions/00000.jsonl');
      await writeFile(file, (await readFile(file, 'utf8')).replace('"width":640', '"width":641'));
    },
    ...(format === 'folder'
      ? { 'an image': (out) => rm(join(out, '1.jpg')) }
      : {
          'its table': (out) => appendFile(join(out, '00000.parquet'), 'x'),
          'its summary': (out) => writeFile(join(out, '00000_stats.json'), '{}'),
          'its tar': (out) => rm(join(out, '00000.tar')),
        }),
  };
  // A changed width is consistent in a folder, where no second place tells it.
  const cases = Object.keys(damages).filter((what) => format === 'webdataset' || what !== 'a field of its log');
  it.each(cases)('does a shard again that lost or changed %s, says so, and keeps those after it', async (what) => {
    const options = await interrupted({ format });
    const undisturbed = optionsFor(await scratch(), SAMPLES, { format });
    await run(undisturbed);
    await damages[what]?.(options.out);
    const { computed, kept, notices } = await run(options);
    expect(computed).toEqual([0, 1, 4, 5]);
    expect(kept.map((record) => record.key)).toEqual(['000000002', '000000003']);
    expect(notices).toEqual([expect.stringMatching(/^Shard 00000 is done again: /)]);
    expect(await filesOf(options)).toEqual(await filesOf(undisturbed));
  });

  it('that was finished and lost a shard does that one again', async () => {
    const options = optionsFor(await scratch(), SAMPLES, { format });
    await run(options);
    const before = await filesOf(options);
    await rm(join(options.out, format === 'folder' ? '_anonymize/redactions/00001.jsonl' : '00001_stats.json'));
    expect(await surveyOutput(options)).toBe('unfinished');
    expect((await run(options)).computed).toEqual([2, 3]);
    expect(await filesOf(options)).toEqual(before);
  });
});

describe('a run in the folder of another one is refused, with nothing changed,', () => {
  it.each<[what: string, more: Partial<SinkOptions>, told: string | RegExp]>([
    [
      'one setting',
      { run: { ...RUN, redact: { face: 'solid', text: 'blur' } } },
      '(earlier → now): redact.face: blur → solid;',
    ],
    [
      'several, with a policy that follows from them',
      { run: { ...RUN, policy: '96a1', jpegQuality: 80 }, samplesPerShard: 2 },
      '(earlier → now): jpeg-quality: 92 → 80;',
    ],
    ['a setting that it did not know', { run: { ...RUN, quality: 'max' } }, '(earlier → now): quality: nothing → max;'],
    ['only the policy', { run: { ...RUN, policy: '96a1' } }, 'that run.json does not tell, such as --seed;'],
    ['the format', { format: 'folder' }, 'format: webdataset → folder;'],
    ['the number of inputs', { total: 7 }, 'the inputs of the earlier run in'],
    [
      'an input',
      { at: (index) => ({ index, origin: { path: `/in/${index === 1 ? 'new' : index}.jpg` }, relativePath: 'x' }) },
      /whose sample 1 was "\/in\/1\.jpg" \(.*sources\.jsonl\), but found "\/in\/new\.jpg"/,
    ],
    [
      'a member of an archive',
      { at: (index) => ({ index, origin: { path: `/in/${index}.jpg`, member: 'x' }, relativePath: 'x' }) },
      /sample 0 was "\/in\/0\.jpg" \(.*\), but found "\/in\/0\.jpg: x"/,
    ],
    ['no permission to go on', { resume: false }, 'has content; --overwrite replaces an earlier output'],
  ])('by %s', async (_, more, told) => {
    const options = await interrupted();
    const message = await refusal({ ...options, ...more });
    if (told instanceof RegExp) expect(message).toMatch(told);
    else expect(message).toContain(told);
  });

  it('by its private folder, when that is new', async () => {
    const options = await interrupted();
    expect(await refusal({ ...options, privateDir: `${options.privateDir}.new` })).toMatch(
      /--private-dir to belong to --out but .*private\.new does not know sample 000000000 of/,
    );
  });

  it('by its private folder, when that is of a run that did less', async () => {
    const [options, other] = [await interrupted(), optionsFor(await scratch())];
    await run(other, SAMPLES, 3);
    await cp(other.privateDir, `${options.privateDir}.other`, { recursive: true });
    expect(await refusal({ ...options, privateDir: `${options.privateDir}.other` })).toMatch(
      /does not know sample 000000002/,
    );
  });

  it('when only the private folder is of an earlier run', async () => {
    const options = await interrupted();
    expect(await refusal({ ...options, out: `${options.out}.new` })).toMatch(
      /--private-dir to belong to --out but .* has content of another output and .*clean\.new is new/,
    );
  });

  it('when the private folder is of a run that begins elsewhere', async () => {
    const options = optionsFor(await scratch());
    const sink = await openSink(options);
    expect(await refusal({ ...options, out: `${options.out}.new` })).toMatch(/has content of another output/);
    await sink.abort('failed');
  });

  it('when the private log is something else', async () => {
    const options = await interrupted();
    await writeFile(join(options.privateDir, 'sources.jsonl'), 'dear diary\n');
    expect(await refusal(options)).toMatch(/lines of a private log in .*sources\.jsonl/);
  });

  it('while that one is at work', async () => {
    const options = optionsFor(await scratch());
    const sink = await openSink(options);
    const before = await filesOf(options);
    for (const overwrite of [false, true]) {
      await expect(openSink({ ...options, overwrite })).rejects.toThrow(/no other run in .*clean but process \d+/);
      await expect(surveyOutput({ ...options, overwrite })).rejects.toThrow(/no other run/);
    }
    expect(await filesOf(options)).toEqual(before);
    await sink.abort('interrupted');
    await run(options);
  });
});

describe('a complete run', () => {
  it('has its records read again, in order', async () => {
    const options = optionsFor(await scratch());
    await run(options);
    const records: RedactionRecord[] = [];
    for await (const record of completeRecords(options)) records.push(record);
    expect(records.map(({ status }) => status)).toEqual([
      'verified',
      'verified',
      'verified',
      'quarantined',
      'verified',
      'verified',
    ]);
    await appendFile(join(options.out, '_anonymize/redactions/00002.jsonl'), '{}\n');
    await expect(async () => {
      for await (const _ of completeRecords(options));
    }).rejects.toThrow(/of shard 00002 a record of its log has another form/);
  });

  it('is not, for those who want failed samples again', async () => {
    const options = optionsFor(await scratch());
    await run(options);
    expect(await surveyOutput(options)).toBe('complete');
    expect(await surveyOutput({ ...options, retryFailed: true })).toBe('unfinished');
  });
});

describe.each(FORMATS)('--retry-failed, %s', (format) => {
  const better = SAMPLES.map((sample, i) => ({ ...sample, outcome: verified(`image ${i}`) }));

  it('does only failed samples again, and writes only their shards', async () => {
    const options = optionsFor(await scratch(), SAMPLES, { format });
    await run(options);
    const before = await filesIn(options.out);
    const { computed, kept } = await run({ ...options, retryFailed: true }, better);
    expect([computed, kept.map(({ key }) => key)]).toEqual([
      [3],
      ['000000000', '000000001', '000000002', '000000004', '000000005'],
    ]);
    const undisturbed = optionsFor(await scratch(), better, { format });
    await run(undisturbed, better);
    expect(await filesOf(options)).toEqual(await filesOf(undisturbed));
    const after = await filesIn(options.out);
    for (const [path, bytes] of before) {
      if (/0000[02]|[01245]\.jpg/.test(path)) expect(after.get(path)?.equals(bytes), path).toBe(true);
    }
  });

  it('keeps the new reason of a sample that fails again', async () => {
    const options = optionsFor(await scratch(), SAMPLES, { format });
    await run(options);
    const again = SAMPLES.with(3, { path: '3.jpg', outcome: rejected('time-limit', 'failed_to_anonymize') });
    await run({ ...options, retryFailed: true }, again);
    const undisturbed = optionsFor(await scratch(), again, { format });
    await run(undisturbed, again);
    expect(await filesOf(options)).toEqual(await filesOf(undisturbed));
  });

  it('goes on with an unfinished run, too', async () => {
    const options = await interrupted({ format });
    expect((await run({ ...options, retryFailed: true }, better)).computed).toEqual([3, 4, 5]);
  });

  it('leaves the old shard whole when the new one cannot be written', async () => {
    const options = optionsFor(await scratch(), SAMPLES, { format });
    await run(options);
    const before = await filesIn(options.out);
    const sink = await openSink({ ...options, retryFailed: true });
    const broken = { ...verified('image 3'), bytes: new Uint8Array(3) };
    await expect(
      sink.write({ sample: options.at(3), outcome: broken }).then(() => sink.finish({})),
    ).rejects.toBeInstanceOf(OutputError);
    await sink.abort('failed');
    const after = await filesIn(options.out);
    for (const [path, bytes] of before) {
      if (!/run\.json|SHA256SUMS/.test(path)) expect(after.get(path)?.equals(bytes), path).toBe(true);
    }
    expect((await run(options)).computed).toEqual([]);
  });
});

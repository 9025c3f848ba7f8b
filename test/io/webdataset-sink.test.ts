import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { unpackTar } from 'modern-tar';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/io/atomic.ts';
import { openSink } from '../../src/io/open-sink.ts';
import {
  type FakeSample,
  filesIn,
  hasProgram,
  rejected,
  scratch,
  sink,
  sinkOptions,
  verified,
} from '../fixtures/ioHelpers.ts';

const CANARY = 'CANARY';
const SAMPLES: readonly FakeSample[] = [
  { path: `${CANARY} Jane Doe.jpg`, outcome: verified('zero') },
  { path: `${CANARY}/"quoted"\nnew line.jpg`, outcome: rejected('truncated') },
  { path: `${CANARY}-漢字.png`, outcome: verified('two', 'png'), member: `${CANARY}/member.png` },
  { path: `${CANARY}.webp`, outcome: rejected('time-limit', 'failed_to_anonymize') },
  { path: `${CANARY}.tif`, outcome: verified('four', 'tiff') },
];

const lines = (text: Buffer | string | undefined): unknown[] =>
  String(text)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

async function run(
  samples = SAMPLES,
  more = {},
): Promise<{ out: string; privateDir: string; files: Map<string, Buffer> }> {
  const root = await scratch();
  const options = sinkOptions(root, samples.length, more);
  await sink(options, samples);
  return { ...options, files: await filesIn(options.out) };
}

async function members(tar: Buffer | undefined): Promise<Map<string, string>> {
  const entries = await unpackTar(tar as Buffer, { strict: true });
  return new Map(entries.map(({ header, data }) => [header.name, new TextDecoder().decode(data)]));
}

describe('the webdataset sink', () => {
  it('lays the output out as the contract says', async () => {
    const { files } = await run();
    expect([...files.keys()]).toEqual([
      '00000.parquet',
      '00000.tar',
      '00000_stats.json',
      '00001.parquet',
      '00001.tar',
      '00001_stats.json',
      '00002.parquet',
      '00002.tar',
      '00002_stats.json',
      '_anonymize/SHA256SUMS',
      '_anonymize/redactions/00000.jsonl',
      '_anonymize/redactions/00001.jsonl',
      '_anonymize/redactions/00002.jsonl',
      '_anonymize/run.json',
    ]);
    expect([...(await members(files.get('00000.tar'))).keys()]).toEqual(['000000000.jpg', '000000000.json']);
    expect([...(await members(files.get('00001.tar'))).keys()]).toEqual(['000000002.json', '000000002.png']);
    expect([...(await members(files.get('00002.tar'))).keys()]).toEqual(['000000004.json', '000000004.tiff']);
    expect(JSON.parse(String(files.get('_anonymize/run.json')))).toEqual({
      tool: 'anonymize',
      v: 1,
      status: 'finished',
      format: 'webdataset',
      policy: '3b1e',
      total: 5,
      images: 5,
    });
  });

  it('stores the image and its record; the log has a line per input sample', async () => {
    const { files } = await run();
    const tar = await members(files.get('00000.tar'));
    const { record } = verified('zero');
    expect(tar.get('000000000.jpg')).toBe('zero');
    const member = JSON.parse(tar.get('000000000.json') as string);
    const [regions, stripped] = [member.regions, member.stripped].map((text) => JSON.parse(text));
    expect({ ...member, regions, stripped }).toEqual({ ...record, key: '000000000' });
    expect(lines(files.get('_anonymize/redactions/00000.jsonl'))).toEqual([
      { ...record, key: '000000000' },
      { v: 1, key: '000000001', status: 'quarantined', stage: 'decode', reason: 'truncated' },
    ]);
  });

  it('has the same members in every sample when they are grouped by key as WebDataset does', async () => {
    const samples = Array.from({ length: 7 }, (_, i) => ({
      path: `${i}.jpg`,
      cls: `${i}`,
      outcome: verified(`image ${i}`),
    }));
    const { files } = await run(samples, { hasCls: true, samplesPerShard: 3 });
    const groups = new Map<string, string[]>();
    let previous = '';
    for (const name of ['00000.tar', '00001.tar', '00002.tar']) {
      for (const member of (await members(files.get(name))).keys()) {
        const [, key, extension] = /^((?:.*\/|)[^.]+)[.]([^/]*)$/.exec(member) as unknown as [string, string, string];
        expect(groups.has(key)).toBe(key === previous);
        groups.set(key, [...(groups.get(key) ?? []), extension]);
        previous = key;
      }
    }
    expect([...groups.keys()]).toEqual(samples.map((_, i) => `00000000${i}`));
    for (const extensions of groups.values()) expect(extensions).toEqual(['cls', 'jpg', 'json']);
    expect((await members(files.get('00001.tar'))).get('000000004.cls')).toBe('4');
  });

  it('writes a table that another library reads, one row per input sample', async () => {
    const { files } = await run(
      SAMPLES.map((s, i) => ({ ...s, cls: `${i}` })),
      { hasCls: true, samplesPerShard: 5 },
    );
    const bytes = files.get('00000.parquet') as Buffer;
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const rows = await parquetReadObjects({ file });
    const ok = {
      url: null,
      caption: null,
      status: 'success',
      error_message: null,
      width: 640,
      height: 480,
      original_width: 640,
      original_height: 480,
      exif: null,
      faces: 1,
      bodies: 2,
      plates: 0,
      texts: 3,
    };
    const failed = Object.fromEntries(Object.keys(ok).map((name) => [name, null]));
    expect(rows).toEqual([
      { ...ok, key: '000000000', sha256: sha256('zero'), cls: 0 },
      { ...failed, key: '000000001', status: 'quarantined', error_message: 'truncated', sha256: null, cls: 1 },
      { ...ok, key: '000000002', sha256: sha256('two'), cls: 2 },
      { ...failed, key: '000000003', status: 'failed_to_anonymize', error_message: 'time-limit', sha256: null, cls: 3 },
      { ...ok, key: '000000004', sha256: sha256('four'), cls: 4 },
    ]);
    expect(Object.keys(rows[0] as object)).toEqual([
      'url',
      'caption',
      'key',
      'status',
      'error_message',
      'width',
      'height',
      'original_width',
      'original_height',
      'exif',
      'sha256',
      'faces',
      'bodies',
      'plates',
      'texts',
      'cls',
    ]);
    const footer = parquetMetadata(file);
    expect(footer.created_by).toBe('anonymize');
    expect(footer.key_value_metadata).toBeUndefined();
    for (const { columns } of footer.row_groups) {
      for (const { meta_data } of columns) expect(meta_data?.statistics).toBeUndefined();
    }
  });

  it('closes a shard with the keys of img2dataset', async () => {
    const { files } = await run(SAMPLES, { samplesPerShard: 5 });
    const stats = JSON.parse(String(files.get('00000_stats.json')));
    expect(stats).toEqual({
      count: 5,
      successes: 3,
      failed_to_download: 0,
      failed_to_resize: 0,
      failed_to_anonymize: 1,
      quarantined: 1,
      duration: expect.any(Number),
      start_time: expect.any(Number),
      end_time: expect.any(Number),
      status_dict: { success: 3, 'time-limit': 1, truncated: 1 },
    });
    expect(stats.end_time - stats.start_time).toBeCloseTo(stats.duration, 6);
  });

  it('writes a shard in which nothing could be published', async () => {
    const { files } = await run([{ path: 'a.jpg', outcome: rejected('empty') }]);
    expect(files.get('00000.tar')?.equals(Buffer.alloc(1024))).toBe(true);
    expect(JSON.parse(String(files.get('00000_stats.json')))).toMatchObject({ count: 1, successes: 0 });
  });

  it('writes only logs for a run without samples', async () => {
    const { files } = await run([]);
    expect([...files.keys()]).toEqual(['_anonymize/SHA256SUMS', '_anonymize/run.json']);
  });

  it('says nothing of the source in any byte of the output', async () => {
    const leaky = verified('zero');
    const region = { ...leaky.record.regions[0], note: CANARY };
    const record = { ...leaky.record, source: CANARY, regions: [region] } as typeof leaky.record;
    const samples = [
      ...SAMPLES,
      { path: CANARY, outcome: { ...leaky, record } },
      { path: CANARY, outcome: { ...rejected(`/home/${CANARY}`), message: CANARY } },
    ];
    const { files } = await run(samples);
    for (const [path, bytes] of files) {
      expect(path).not.toContain(CANARY);
      expect(bytes.includes(CANARY), path).toBe(false);
      expect(bytes.includes('0.875'), `a score in ${path}`).toBe(false);
      expect(bytes.includes('20.5'), `a tight box in ${path}`).toBe(false);
    }
    expect(String(files.get('_anonymize/redactions/00003.jsonl'))).toContain('"reason":"unspecified"');
  });

  it('gives the same bytes at each run', async () => {
    const [first, second] = [await run(), await run()];
    for (const path of first.files.keys()) {
      if (path.endsWith('_stats.json')) continue; // times
      expect(first.files.get(path)?.equals(second.files.get(path) as Buffer), path).toBe(true);
    }
  });

  it('keeps what is private in files that only the owner can read', async () => {
    const { privateDir } = await run();
    expect((await stat(privateDir)).mode & 0o777).toBe(0o700);
    expect((await readdir(privateDir)).sort()).toEqual(['detections.jsonl', 'quarantine.jsonl', 'sources.jsonl']);
    const read = async (name: string): Promise<unknown[]> => {
      expect((await stat(join(privateDir, name))).mode & 0o777).toBe(0o600);
      return lines(await readFile(join(privateDir, name)));
    };
    expect(await read('sources.jsonl')).toEqual(
      SAMPLES.map(({ path, member, cls }, i) => ({
        key: `00000000${i}`,
        source: `/secret/${path}`,
        ...(member === undefined ? {} : { member }),
        name: path,
        ...(cls === undefined ? {} : { cls }),
      })),
    );
    const { detections } = verified('');
    expect(await read('detections.jsonl')).toEqual([0, 2, 4].map((i) => ({ key: `00000000${i}`, detections })));
    const message = 'Expected a whole image but received half of one';
    expect(await read('quarantine.jsonl')).toEqual([
      {
        key: '000000001',
        source: `/secret/${SAMPLES[1]?.path}`,
        status: 'quarantined',
        stage: 'decode',
        reason: 'truncated',
        message,
      },
      {
        key: '000000003',
        source: `/secret/${SAMPLES[3]?.path}`,
        status: 'failed_to_anonymize',
        stage: 'decode',
        reason: 'time-limit',
        message,
      },
    ]);
  });

  it('widens shard names for all shards when five digits are too few', async () => {
    const root = await scratch();
    const open = await openSink(sinkOptions(root, 200_001, { samplesPerShard: 2 }));
    for (const index of [0, 1]) {
      await open.write({ sample: { index, origin: { path: 'x' }, relativePath: 'x' }, outcome: rejected('empty') });
    }
    await open.abort('interrupted');
    expect(await readdir(join(root, 'clean'))).toContain('000000.tar');
  });

  it.runIf(hasProgram('tar', /GNU tar/))('is listed by GNU tar', async () => {
    const { out } = await run();
    const { stdout, stderr, status } = spawnSync('tar', ['--numeric-owner', '--utc', '-tvf', join(out, '00001.tar')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/\s+/g, ' ')),
    ).toEqual([
      expect.stringMatching(/^-r--r--r-- 0\/0 \d+ 1970-01-01 00:00 000000002\.json$/),
      '-r--r--r-- 0/0 3 1970-01-01 00:00 000000002.png',
    ]);
  });

  it.runIf(hasProgram('sha256sum', /GNU coreutils/))(
    'has checksums that sha256sum checks, over all but the run, the times and itself',
    async () => {
      const { out, files } = await run();
      const { stdout, status } = spawnSync('sha256sum', ['-c', '_anonymize/SHA256SUMS'], {
        cwd: out,
        encoding: 'utf8',
      });
      expect(status).toBe(0);
      const checked = stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/: OK$/, ''));
      expect(checked).toEqual([...files.keys()].filter((path) => !/run\.json|_stats|SHA256SUMS/.test(path)));
    },
  );

  it.each<[what: string, sample: FakeSample, more: object, message: RegExp]>([
    [
      'bytes that are not those of the record',
      { path: 'x', outcome: { ...verified('x'), bytes: new Uint8Array(3) } },
      {},
      /bytes of 000000000\.jpg differ/,
    ],
    [
      'another format than the run promises',
      { path: 'x', outcome: verified('x', 'png') },
      { encode: 'jpeg' },
      /as jpeg but received png/,
    ],
    [
      'a sample without the class index that all have',
      { path: 'x', outcome: verified('x') },
      { hasCls: true },
      /with a class index/,
    ],
  ])('stops at %s', async (_, sample, more, message) => {
    const root = await scratch();
    await expect(sink(sinkOptions(root, 1, more), [sample])).rejects.toThrow(message);
    expect([...(await filesIn(join(root, 'clean'))).keys()]).toEqual(['_anonymize/run.json']);
  });

  it('takes samples only in order, and finishes only when it has all of them', async () => {
    const root = await scratch();
    const open = await openSink(sinkOptions(root, 3));
    const item = (index: number) => ({
      sample: { index, origin: { path: 'x' }, relativePath: 'x' },
      outcome: rejected('empty'),
    });
    await open.write(item(0));
    await expect(open.write(item(2))).rejects.toThrow(/sample 1 of 3 .* received 2/);
    await expect(open.finish({})).rejects.toThrow(/3 samples .* received 1/);
    await open.abort('failed');
    await expect(open.write(item(1))).rejects.toThrow(RangeError);
  });
});

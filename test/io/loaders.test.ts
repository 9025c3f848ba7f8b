import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/io/atomic.ts';
import { type FakeSample, filesIn, rejected, scratch, sink, sinkOptions, verified } from '../fixtures/ioHelpers.ts';

/*
 * What loaders demand of an output, each rule written out anew from how that loader reads, with nothing of our writers.
 */

const SAMPLES: readonly FakeSample[] = Array.from({ length: 17 }, (_, i) => ({
  path: `p/${i}.jpg`,
  cls: `${i % 3}`,
  outcome: i % 6 === 4 ? rejected('truncated') : verified('x'.repeat(i * 97)),
}));

async function output(samples = SAMPLES, more = {}): Promise<Map<string, Buffer>> {
  const root = await scratch();
  const hasCls = samples.every(({ cls }) => cls !== undefined);
  const at = (index: number) => {
    const { path, cls } = samples[index] as FakeSample;
    return { index, origin: { path: `/in/${path}` }, relativePath: path, ...(cls === undefined ? {} : { cls }) };
  };
  const options = sinkOptions(root, samples.length, { hasCls, at, samplesPerShard: 7, ...more });
  await sink(options, samples);
  return filesIn(options.out);
}

interface RawMember {
  readonly name: string;
  readonly offset: number;
  readonly body: Buffer;
}

/** Members of a USTAR archive, read block by block (POSIX.1-1988). */
function rawMembers(tar: Buffer): RawMember[] {
  const members: RawMember[] = [];
  for (let at = 0; tar.subarray(at, at + 512).some((byte) => byte !== 0); ) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    members.push({ name, offset: at + 512, body: tar.subarray(at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

const tarsOf = (files: ReadonlyMap<string, Buffer>): [string, Buffer][] =>
  [...files].filter(([name]) => /^[^/]*\.tar$/.test(name));

/** WebDataset's `group_by_keys`: a sample ends where the key changes; a repeated extension in it is an error. */
function grouped(members: readonly RawMember[]): Map<string, Buffer>[] {
  const samples: Map<string, Buffer>[] = [];
  let current: { key: string; sample: Map<string, Buffer> } | undefined;
  for (const { name, body } of members) {
    const [, key = '', extension = ''] = /^((?:.*\/|)[^.]+)[.]([^/]*)$/.exec(name) ?? [];
    if (key === '') continue;
    if (current?.key !== key) {
      current = { key, sample: new Map() };
      samples.push(current.sample);
    }
    const suffix = extension.toLowerCase();
    if (current.sample.has(suffix)) throw new Error(`duplicate ${suffix} in ${key}`);
    current.sample.set(suffix, body);
  }
  return samples;
}

describe('WebDataset', () => {
  it('gets whole samples of one key each, no key twice', async () => {
    const files = await output();
    const keys = tarsOf(files).flatMap(([, tar]) => {
      const samples = grouped(rawMembers(tar));
      return samples.map((sample) => JSON.parse(String(sample.get('json'))).key as string);
    });
    expect(keys).toHaveLength(14);
    expect(new Set(keys).size).toBe(14);
  });
});

describe('Hugging Face’s datasets', () => {
  it('finds the same members in every sample, as it demands of the first five', async () => {
    for (const samples of [SAMPLES, SAMPLES.map(({ path, outcome }) => ({ path, outcome }))]) {
      const files = await output(samples);
      const members = tarsOf(files).flatMap(([, tar]) => grouped(rawMembers(tar)).map((s) => [...s.keys()].join()));
      expect(members.length).toBeGreaterThan(5);
      // It infers the schema from five and casts all others to it.
      expect(new Set(members.slice(0, 5)).size).toBe(1);
      expect(new Set(members).size).toBe(1);
    }
  });

  it('finds a type for every field in the first five samples, whatever is on them and later', async () => {
    const bare = verified('bare');
    const plain = { ...bare, record: { ...bare.record, regions: [], stripped: [] } };
    const samples = Array.from({ length: 7 }, (_, i) => ({ path: `${i}.jpg`, outcome: i < 5 ? plain : bare }));
    const files = await output(samples);
    const records = tarsOf(files).flatMap(([, tar]) =>
      grouped(rawMembers(tar)).map((s) => JSON.parse(String(s.get('json')))),
    );
    // An empty list has no type for Arrow, and a value is not cast to none.
    const isTyped = (value: unknown): boolean =>
      value !== null &&
      (Array.isArray(value)
        ? value.length > 0 && value.every(isTyped)
        : typeof value !== 'object' || Object.values(value).every(isTyped));
    for (const record of records) {
      expect(Object.entries(record).filter(([, value]) => !isTyped(value))).toEqual([]);
      expect(Object.keys(record)).toEqual(Object.keys(records[0]));
    }
    expect(records.map(({ regions }) => JSON.parse(regions).length)).toEqual([0, 0, 0, 0, 0, 1, 1]);
  });

  it('gets a row of metadata.jsonl for every image, with the same columns, and nothing for what was held back', async () => {
    const files = await output(SAMPLES, { format: 'folder', hfMetadata: true });
    const rows = String(files.get('metadata.jsonl'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const images = [...files.keys()].filter((name) => /\.jpg$/.test(name));
    expect(rows.map((row) => row.file_name).sort()).toEqual(images.sort());
    const types = rows.map((row) => Object.entries(row).map(([name, value]) => `${name} ${typeof value}`));
    for (const columns of types) expect(columns).toEqual(types[0]);
    for (const row of rows) {
      expect(sha256(files.get(row.file_name) as Buffer)).toBe(row.sha256);
      expect(row).toMatchObject({ width: 640, height: 480, faces: 1, bodies: 2, plates: 0, texts: 3 });
      expect(String(row.cls)).toBe(SAMPLES[Number(row.key)]?.cls);
    }
    expect(String(files.get('_anonymize/SHA256SUMS'))).toContain(
      `${sha256(files.get('metadata.jsonl') as Buffer)}  metadata.jsonl\n`,
    );
  });

  it('finds no metadata.jsonl that nobody asked for', async () => {
    expect([...(await output(SAMPLES, { format: 'folder' })).keys()]).not.toContain('metadata.jsonl');
  });
});

describe('img2dataset', () => {
  it('can read the shard number off everything that it looks for, and knows them all', async () => {
    const files = await output();
    const names = [...files.keys()].filter((name) => !name.includes('/'));
    // Its resumption takes what precedes the first underscore of every .json; its readers the stem of tars and tables.
    const summaries = names.filter((name) => name.endsWith('.json'));
    expect(summaries.map((name) => Number(name.split('_')[0]))).toEqual([0, 1, 2]);
    for (const extension of ['tar', 'parquet']) {
      const shards = names.filter((name) => name.endsWith(`.${extension}`)).map((name) => name.split('.')[0] ?? '');
      expect(shards.map(Number)).toEqual([0, 1, 2]);
      expect(new Set(shards.map((shard) => shard.length)).size).toBe(1);
    }
  });

  it('can add up the summaries', async () => {
    const files = await output();
    const summaries = [...files]
      .filter(([name]) => /^\d+_stats\.json$/.test(name))
      .map(([, b]) => JSON.parse(String(b)));
    const fields = ['count', 'successes', 'failed_to_download', 'failed_to_resize', 'start_time', 'end_time'];
    const total: Record<string, number> = {};
    const statuses: Record<string, number> = {};
    for (const summary of summaries) {
      for (const field of fields) {
        expect(typeof summary[field], field).toBe('number');
        total[field] = (total[field] ?? 0) + summary[field];
      }
      for (const [status, n] of Object.entries<number>(summary.status_dict))
        statuses[status] = (statuses[status] ?? 0) + n;
    }
    expect(total).toMatchObject({ count: 17, successes: 14, failed_to_download: 0, failed_to_resize: 0 });
    expect(statuses).toEqual({ success: 14, truncated: 3 });
  });
});

describe('NVIDIA DALI', () => {
  /** As `ParseIndexFile` of its webdataset loader reads an index. */
  function parseIndex(text: string) {
    const lines = text.split('\n');
    const [version, count] = (lines[0] ?? '').split(' ');
    const samples = lines.slice(1, 1 + Number(count)).map((line) => {
      const words = line.split(/\s+/).filter((word) => word !== '');
      const components = Array.from({ length: words.length / 4 }, (_, i) => {
        const [extension, offset, size, name] = words.slice(4 * i, 4 * i + 4);
        return { extension, offset: Number(offset), size: Number(size), name };
      });
      return components;
    });
    return { version, count: Number(count), samples, rest: lines.slice(1 + Number(count)) };
  }

  it('finds every member of every sample by its index', async () => {
    const files = await output(SAMPLES, { daliIndex: true });
    expect(tarsOf(files)).toHaveLength(3);
    for (const [name, tar] of tarsOf(files)) {
      const index = parseIndex(String(files.get(name.replace(/tar$/, 'idx'))));
      const samples = grouped(rawMembers(tar));
      expect(index).toMatchObject({ version: 'v1.2', count: samples.length, rest: [''] });
      expect(index.samples.map((components) => components.map(({ extension }) => extension))).toEqual(
        samples.map((sample) => [...sample.keys()]),
      );
      const members = new Map(rawMembers(tar).map((member) => [member.name, member]));
      for (const { offset, size, name: member } of index.samples.flat()) {
        expect(offset % 512).toBe(0);
        expect(tar.subarray(offset, offset + size).equals(members.get(member ?? '')?.body as Buffer)).toBe(true);
        expect(members.get(member ?? '')?.offset).toBe(offset);
      }
      expect(index.samples.flat()).toHaveLength(members.size);
    }
  });

  it('has an index beside each shard, in the checksums, whatever the shard holds', async () => {
    const files = await output([{ path: 'a.jpg', outcome: rejected('empty') }], { daliIndex: true });
    // Its reader refuses an index of nothing, as `wds2idx` does an archive of nothing.
    expect(String(files.get('00000.idx'))).toBe('v1.2 0\n');
    expect(String(files.get('_anonymize/SHA256SUMS'))).toContain(`${sha256('v1.2 0\n')}  00000.idx\n`);
    expect([...(await output()).keys()].filter((name) => name.endsWith('.idx'))).toEqual([]);
  });
});

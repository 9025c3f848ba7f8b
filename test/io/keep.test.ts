import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { FieldTypes, KeepError, readFields } from '../../src/io/json-fields.ts';
import { keptMembersOf, parseKeep } from '../../src/io/keep.ts';
import { openSource } from '../../src/io/source.ts';
import { allSamples, scratch, sourceOptions, tarOf } from '../fixtures/ioHelpers.ts';

type Members = Parameters<typeof tarOf>[0];

async function shard(members: Members, keep: readonly string[]) {
  const root = await scratch();
  await writeFile(join(root, 'in.tar'), await tarOf(members));
  return { ...sourceOptions(root, join(root, 'in.tar')), keep };
}

/** What each sample is published with, or why it is not. */
async function passed(members: Members, keep: readonly string[]): Promise<unknown[]> {
  const samples = await allSamples(await shard(members, keep));
  return samples.map(({ ref, kept }) => {
    if (ref.kind === 'refused') return ref.reason;
    return Object.fromEntries([...(kept ?? [])].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
  });
}

describe('parseKeep', () => {
  it('tells fields from members', () => {
    const keep = parseKeep(['txt', 'json.b', 'cls', 'json.a.b', 'npy', 'key']);
    expect(keep).toEqual({ cls: true, listedKey: true, labels: false, members: ['npy', 'txt'], fields: ['a.b', 'b'] });
    expect(keptMembersOf(keep)).toEqual(['labels.json', 'npy', 'txt']);
    expect(keptMembersOf(parseKeep(['none']))).toEqual([]);
  });

  it.each([
    ['all of json', ['json'], /single fields of \.json members/],
    ['our own member', ['labels.json'], /single fields/],
    ['a picture', ['seg.png'], /only pass when they are redacted/],
    ['a film', ['mp4'], /only pass when they are redacted/],
    ['a path', ['../x'], /received "\.\.\/x"$/],
    ['upper case', ['TXT'], /an extension/],
    [
      'what no tar header has room for',
      [`${'x'.repeat(32)}.${'y'.repeat(32)}.${'z'.repeat(15)}`],
      /at most 80 characters/,
    ],
    ['none and something', ['none', 'txt'], /received both/],
  ])('refuses %s', (_, names, message) => {
    expect(() => parseKeep(names)).toThrow(UsageError);
    expect(() => parseKeep(names)).toThrow(message);
  });
});

describe('members of a WebDataset that pass', () => {
  const ROWS: Members = [
    ['a.txt', 'a dog'],
    ['a.jpg', 'A'],
    ['a.json', '{"label": 1, "url": "https://x", "score": 1}'],
    ['b.jpg', 'B'],
    ['b.json', '{"score": 0.5, "label": 7, "boxes": [[1, 2]]}'],
    ['b.TXT', 'Grüße'],
    ['c.jpg', 'C'],
    ['n.txt', 'of no image'],
  ];

  it('are the same for every sample, before and after its image; a caption that is missing is empty, a field null', async () => {
    expect(await passed(ROWS, ['txt', 'json.label', 'json.score', 'json.boxes'])).toEqual([
      { txt: 'a dog', 'labels.json': '{"boxes":null,"label":1,"score":1.0}' },
      { txt: 'Grüße', 'labels.json': '{"boxes":"[[1,2]]","label":7,"score":0.5}' },
      { txt: '', 'labels.json': '{"boxes":null,"label":null,"score":null}' },
    ]);
    const source = await openSource(await shard(ROWS, ['txt', 'json.label']));
    expect(source.keptMembers).toEqual(['labels.json', 'txt']);
    expect(Object.fromEntries(source.dropped)).toEqual({ txt: 1, 'json fields': 4 });
  });

  it('are none by default, and nothing is read of them', async () => {
    const source = await openSource(await shard(ROWS, ['cls']));
    expect(source.keptMembers).toEqual([]);
    expect(Object.fromEntries(source.dropped)).toEqual({ txt: 3, json: 2 });
    expect(await passed(ROWS, ['cls'])).toEqual([{}, {}, {}]);
  });

  it('go with each image of a sample', async () => {
    const members: Members = [
      ['a.left.jpg', 'l'],
      ['a.right.jpg', 'r'],
      ['a.txt', 'both'],
      ['b.txt', 'one'],
      ['b.jpg', 'b'],
    ];
    expect(await passed(members, ['txt'])).toEqual([{ txt: 'both' }, { txt: 'both' }, { txt: 'one' }]);
  });

  const big = 'x'.repeat(2 ** 20 + 1);
  it.each<[what: string, keep: string[], extension: string, body: string, reason: string]>([
    ['a text that is too long', ['txt'], 'txt', big, 'keep-too-large'],
    ['JSON that is too long', ['json.a'], 'json', `{"a":"${big}"}`, 'keep-too-large'],
    ['JSON that is none', ['json.a'], 'json', '{"a":', 'keep-not-json'],
    ['a list', ['json.a'], 'json', '[1]', 'keep-not-json'],
    ['deep JSON', ['json.a'], 'json', `{"a":${'['.repeat(200_000)}`, 'keep-too-deep'],
    ['a number of 64 bits', ['json.a'], 'json', '{"a":12345678901234567890}', 'keep-number'],
    ['a number beyond all', ['json.a'], 'json', '{"a":[1e999]}', 'keep-number'],
    ['another type', ['json.a'], 'json', '{"a":"text"}', 'keep-type'],
  ])('of one sample are refused for %s, and the others pass', async (_, keep, extension, body, reason) => {
    const good = extension === 'txt' ? 'good' : '{"a":1}';
    const members: Members = [
      ['a.jpg', 'A'],
      [`a.${extension}`, good],
      ['b.jpg', 'B'],
      [`b.${extension}`, body],
      ['c.jpg', 'C'],
      [`c.${extension}`, good],
    ];
    const expected = extension === 'txt' ? { txt: good } : { 'labels.json': good };
    expect(await passed(members, keep)).toEqual([expected, reason, expected]);
  });

  it('of one sample are refused when they are missing, twice or no UTF-8', async () => {
    const members: Members = [
      ['a.jpg', 'A'],
      ['a.npy', '1'],
      ['b.jpg', 'B'],
      ['c.jpg', 'C'],
      ['c.npy', '1'],
      ['c.NPY', '2'],
    ];
    expect(await passed(members, ['npy'])).toEqual([{ npy: '1' }, 'keep-missing', 'keep-twice']);
    expect(() => readFields(Buffer.from([0x22, 0xff, 0x22]), [])).toThrow(KeepError);
  });

  it('must be of at least one sample', async () => {
    const open = async (keep: string[]) => openSource(await shard(ROWS, keep));
    await expect(open(['txt', 'npy', 'json.lable'])).rejects.toThrow(
      'Expected npy, json.lable (--keep) in the inputs but no sample has any',
    );
    await expect(open(['key'])).rejects.toThrow('Expected key (--keep)');
  });
});

describe('fields', () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string(),
  );

  it('have one type in all samples, and say what they said', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), value), { maxLength: 8 }), (rows) => {
        const names = ['__proto__', 'a', 'b'];
        const read = rows.flatMap((row) => {
          try {
            return [readFields(Buffer.from(JSON.stringify(row)), names).fields];
          } catch (error) {
            expect(error).toBeInstanceOf(KeepError);
            return [];
          }
        });
        const types = new FieldTypes(names);
        for (const fields of read) types.note(fields);
        const seen = new Map<string, string>();
        for (const fields of read) {
          let text: string;
          try {
            text = types.write(fields).toString();
          } catch (error) {
            expect(error).toMatchObject({ reason: 'keep-type' });
            continue;
          }
          const written = JSON.parse(text) as Record<string, unknown>;
          expect(Object.keys(written)).toEqual(names);
          for (const name of names) {
            const wanted = Object.hasOwn(fields, name) ? (fields[name] ?? null) : null;
            const isNested = typeof wanted === 'object' && wanted !== null;
            const got = written[name];
            expect(isNested ? JSON.parse(got as string) : got).toEqual(JSON.parse(JSON.stringify(wanted)));
            if (got === null) continue;
            expect(seen.get(name) ?? typeof got).toBe(typeof got);
            seen.set(name, typeof got);
          }
        }
      }),
    );
  });
});

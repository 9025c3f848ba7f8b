import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackTar } from 'modern-tar';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/io/atomic.ts';
import { openSink } from '../../src/io/open-sink.ts';
import type { SinkOptions } from '../../src/io/sink.ts';
import { type FakeSample, filesIn, rejected, scratch, sink, sinkOptions, verified } from '../fixtures/ioHelpers.ts';

const KEPT = ['labels.json', 'seg.npy', 'txt'];
const keptOf = (text: string): Map<string, Buffer> =>
  new Map([
    ['txt', Buffer.from(`caption ${text}`)],
    ['seg.npy', Buffer.from(text)],
    ['labels.json', Buffer.from('{"label":1}')],
  ]);
const SAMPLES: readonly FakeSample[] = [
  { path: '0.jpg', outcome: verified('zero'), cls: '4', kept: keptOf('zero') },
  { path: '1.jpg', outcome: rejected('truncated'), cls: '5' },
  { path: '2.jpg', outcome: verified('two'), cls: '6', kept: keptOf('two') },
];

async function options(format: SinkOptions['format'], more: Partial<SinkOptions> = {}): Promise<SinkOptions> {
  const at = (index: number) => ({
    index,
    origin: { path: `/secret/${index}.jpg` },
    relativePath: `${index}.jpg`,
    cls: `${index + 4}`,
  });
  return sinkOptions(await scratch(), 3, { format, hasCls: true, keptMembers: KEPT, at, ...more });
}

/** All files but those with times. */
async function stable(folder: string): Promise<Map<string, string>> {
  const files = await filesIn(folder);
  return new Map(
    [...files].filter(([name]) => !name.endsWith('_stats.json')).map(([name, bytes]) => [name, sha256(bytes)]),
  );
}

describe.each(['webdataset', 'folder'] as const)('what passes, as %s', (format) => {
  it('lies beside its image, and the record tells its digest', async () => {
    const chosen = await options(format);
    await sink(chosen, SAMPLES);
    const files = await filesIn(chosen.out);
    const [line = ''] = String(files.get('_anonymize/redactions/00000.jsonl')).split('\n');
    expect(JSON.parse(line).kept).toEqual({
      'labels.json': sha256('{"label":1}'),
      'seg.npy': sha256('zero'),
      txt: sha256('caption zero'),
    });
    if (format === 'folder') {
      const names = ['0.cls', '0.jpg', '0.labels.json', '0.seg.npy', '0.txt'];
      expect([...files.keys()].filter((name) => name.startsWith('0.'))).toEqual(names);
      expect(String(files.get('0.txt'))).toBe('caption zero');
      expect(String(files.get('_anonymize/SHA256SUMS'))).toContain(`${sha256('caption zero')}  0.txt\n`);
    } else {
      const entries = await unpackTar(files.get('00000.tar') as Buffer, { strict: true });
      expect(entries.map(({ header }) => header.name)).toEqual(
        ['cls', 'jpg', 'json', 'labels.json', 'seg.npy', 'txt'].map((extension) => `000000000.${extension}`),
      );
    }
  });

  it('must be the same for every sample', async () => {
    const [first, , last] = SAMPLES as [FakeSample, FakeSample, FakeSample];
    const kept = new Map([['txt', Buffer.from('')]]);
    await expect(sink(await options(format), [first, { ...last, kept }])).rejects.toThrow(
      'Expected sample 000000001 with the members labels.json seg.npy txt but received txt',
    );
  });

  it('is taken over from a shard of which another sample is done again', async () => {
    const chosen = await options(format);
    await sink(chosen, SAMPLES);
    const retried = await openSink({ ...chosen, retryFailed: true });
    const again = { ...(SAMPLES[1] as FakeSample), outcome: verified('one'), kept: keptOf('one') };
    const sample = { ...chosen.at(1), kept: again.kept };
    await retried.write({ sample, outcome: again.outcome });
    await retried.finish({ images: 3 });
    const whole = await options(format);
    await sink(whole, [SAMPLES[0] as FakeSample, again, SAMPLES[2] as FakeSample]);
    expect(await stable(chosen.out)).toEqual(await stable(whole.out));
    expect(await stable(chosen.privateDir)).toEqual(await stable(whole.privateDir));
  });

  it('is read again before a run goes on: what was changed is done again', async () => {
    const chosen = await options(format);
    await sink(chosen, SAMPLES);
    const before = await stable(chosen.out);
    const file = format === 'folder' ? '0.txt' : '00000.tar';
    const bytes = (await filesIn(chosen.out)).get(file) as Buffer;
    bytes[bytes.indexOf('caption zero')] = 0x43;
    await writeFile(join(chosen.out, file), bytes);
    await rm(join(chosen.out, format === 'folder' ? '_anonymize/redactions/00001.jsonl' : '00001_stats.json'));
    const resumed = await openSink(chosen);
    expect(resumed.notices).toEqual([expect.stringMatching(/^Shard 00000 is done again: .*differs from its record$/)]);
    for (const [index, { outcome, kept }] of SAMPLES.entries()) {
      await resumed.write({ sample: { ...chosen.at(index), ...(kept ? { kept } : {}) }, outcome });
    }
    await resumed.finish({ images: 3 });
    expect(await stable(chosen.out)).toEqual(before);
  });
});

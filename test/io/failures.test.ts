import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OutputError } from '../../src/errors.ts';
import { asOutputError, writeFileAtomic } from '../../src/io/atomic.ts';
import { openSink } from '../../src/io/open-sink.ts';
import type { Sink, SinkOptions } from '../../src/io/sink.ts';
import { filesIn, hasProgram, plant, rejected, scratch, sinkOptions, verified } from '../fixtures/ioHelpers.ts';

const RUN = '_anonymize/run.json';
const FIRST_SHARD = {
  webdataset: ['00000.parquet', '00000.tar', '00000_stats.json', '_anonymize/redactions/00000.jsonl', RUN],
  folder: ['_anonymize/redactions/00000.jsonl', RUN, 'd0/0.jpg', 'd1/1.jpg'],
} as const;
const FORMATS = ['webdataset', 'folder'] as const;

async function feed(sink: Sink, from: number, to: number, size = 100): Promise<void> {
  for (let index = from; index < to; index++) {
    const sample = { index, origin: { path: `/secret/${index}` }, relativePath: `d${index}/${index}.jpg` };
    await sink.write({ sample, outcome: index === 5 ? rejected('empty') : verified(`${index}`.padEnd(size, '.')) });
  }
}

async function state(options: SinkOptions) {
  const files = await filesIn(options.out);
  const sources = String(await readFile(join(options.privateDir, 'sources.jsonl')));
  return {
    files: [...files.keys()],
    status: JSON.parse(String(files.get(RUN))).status as string,
    keys: sources
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).key as string),
  };
}

const WHOLE_KEYS = ['000000000', '000000001'];

describe.each(FORMATS)('a run that ends early, %s', (format) => {
  it.each(['interrupted', 'failed'] as const)('keeps whole shards and nothing else: %s', async (status) => {
    const options = sinkOptions(await scratch(), 9, { format });
    const sink = await openSink(options);
    await feed(sink, 0, 3);
    await sink.abort(status);
    await sink.abort(status);
    expect(await state(options)).toEqual({ files: FIRST_SHARD[format], status, keys: WHOLE_KEYS });
  });

  it('is complete after finish, whatever abort says', async () => {
    const options = sinkOptions(await scratch(), 2, { format });
    const sink = await openSink(options);
    await feed(sink, 0, 2);
    await sink.finish({});
    await sink.abort('interrupted');
    expect(await state(options)).toMatchObject({ status: 'finished', keys: WHOLE_KEYS });
  });

  // A folder where a file must go fails at that step for every user, root included.
  const steps = {
    webdataset: ['00001.tar', '00001.parquet', '00001_stats.json', '_anonymize/redactions/00001.jsonl'],
    folder: ['d3/3.jpg', '_anonymize/redactions/00001.jsonl'],
  }[format];
  it.each(steps)('removes the shard when %s cannot be written', async (blocked) => {
    const options = sinkOptions(await scratch(), 9, { format });
    const sink = await openSink(options);
    await feed(sink, 0, 2);
    await mkdir(join(options.out, blocked), { recursive: true });
    await plant(options.out, [`${blocked}/in the way`]);
    const error: unknown = await feed(sink, 2, 4).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutputError);
    expect((error as Error).message).toMatch(
      /^Expected to write .*(tar|parquet|json|staging).* but .*E(ISDIR|NOTEMPTY|EXIST)/,
    );
    await sink.abort('failed');
    await rm(join(options.out, blocked), { recursive: true });
    if (blocked.includes('/3')) await rm(join(options.out, 'd3'), { recursive: true });
    const after = await state(options);
    expect(after.files).toEqual(FIRST_SHARD[format]);
    expect([after.status, after.keys]).toEqual(['failed', WHOLE_KEYS]);
  });

  it('reports a file that is in the way of staging', async () => {
    const options = sinkOptions(await scratch(), 9, { format });
    const sink = await openSink(options);
    await plant(options.out, [format === 'folder' ? '.staging-00000' : '00000.tar.tmp']);
    await expect(feed(sink, 0, 1)).rejects.toThrow(/something else is there already \(EEXIST\)/);
    await sink.abort('failed');
  });
});

describe.runIf(hasProgram('prlimit', /util-linux/))('a disk that takes no more', () => {
  const limit = (bytes: number | 'unlimited'): void => {
    const { status, stderr } = spawnSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
  };
  afterEach(() => limit('unlimited'));

  it('while a shard is written', async () => {
    const options = sinkOptions(await scratch(), 9);
    const sink = await openSink(options);
    await feed(sink, 0, 2);
    limit(1_000_000);
    const error: unknown = await feed(sink, 2, 4, 20_000_000).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutputError);
    expect((error as Error).message).toMatch(
      /00001\.tar but the file would be larger than the system allows \(EFBIG\)/,
    );
    await sink.abort('failed');
    expect(await state(options)).toEqual({ files: FIRST_SHARD.webdataset, status: 'failed', keys: WHOLE_KEYS });
  });

  it('while an image is staged', async () => {
    const options = sinkOptions(await scratch(), 9, { format: 'folder' });
    const sink = await openSink(options);
    await feed(sink, 0, 2);
    limit(1_000_000);
    await expect(feed(sink, 2, 3, 2_000_000)).rejects.toThrow(/\(EFBIG\)/);
    await sink.abort('failed');
    expect(await state(options)).toEqual({ files: FIRST_SHARD.folder, status: 'failed', keys: WHOLE_KEYS });
  });

  it('while the private log grows', async () => {
    const options = sinkOptions(await scratch(), 9, { samplesPerShard: 2 });
    const sink = await openSink(options);
    await feed(sink, 0, 2);
    const [item] = [verified('x')];
    const detections = Array.from({ length: 20_000 }, () => item.detections[0] as (typeof item.detections)[number]);
    limit(1_000_000);
    const write = async (): Promise<void> => {
      for (const index of [2, 3]) {
        const sample = { index, origin: { path: '/x' }, relativePath: `${index}.jpg` };
        await sink.write({ sample, outcome: { ...item, detections } });
      }
    };
    await expect(write()).rejects.toThrow(/detections\.jsonl but .*\(EFBIG\)/);
    await sink.abort('failed');
    expect(await state(options)).toEqual({ files: FIRST_SHARD.webdataset, status: 'failed', keys: WHOLE_KEYS });
    const rest = await readFile(join(options.privateDir, 'detections.jsonl'), 'utf8');
    expect(rest.split('\n')).toHaveLength(3);
  });

  it('leaves the old file whole when a new one cannot be written', async () => {
    const folder = await scratch();
    await writeFileAtomic(join(folder, 'x.json'), 'old');
    limit(1_000);
    await expect(writeFileAtomic(join(folder, 'x.json'), 'new'.repeat(1_000))).rejects.toBeInstanceOf(OutputError);
    expect([...(await filesIn(folder))].map(([path, bytes]) => [path, String(bytes)])).toEqual([['x.json', 'old']]);
  });
});

describe('what is staged', () => {
  it('is not published when it changed on the disk', async () => {
    const options = sinkOptions(await scratch(), 9, { format: 'folder' });
    const sink = await openSink(options);
    await feed(sink, 0, 1);
    await writeFile(join(options.out, '.staging-00000/d0/0.jpg'), 'something else');
    await expect(feed(sink, 1, 2)).rejects.toThrow(/0\.jpg to hold what was written/);
    await sink.abort('failed');
    expect(await state(options)).toEqual({ files: [RUN], status: 'failed', keys: [] });
  });

  it('is not in the output under its name before it is verified', async () => {
    const options = sinkOptions(await scratch(), 9);
    const sink = await openSink(options);
    await feed(sink, 0, 1);
    expect([...(await filesIn(options.out)).keys()]).toEqual(['00000.tar.tmp', '_anonymize/lock', RUN]);
    await sink.abort('interrupted');
  });

  it('replaces a left-over temporary file, and never writes through a link in its place', async () => {
    const folder = await scratch();
    await writeFile(join(folder, 'outside'), 'untouched');
    await symlink(join(folder, 'outside'), join(folder, 'x.json.tmp'));
    await writeFileAtomic(join(folder, 'x.json'), 'new');
    await rename(join(folder, 'x.json'), join(folder, 'moved.json'));
    expect(await readFile(join(folder, 'outside'), 'utf8')).toBe('untouched');
    expect(await readFile(join(folder, 'moved.json'), 'utf8')).toBe('new');
  });
});

describe('asOutputError', () => {
  it.each([
    ['ENOSPC', /\/out\/x but no space left on the device \(ENOSPC\)$/],
    ['EROFS', /\/out\/x but the file system is read-only \(EROFS\)$/],
    ['EACCES', /\/out\/x but permission denied \(EACCES\)$/],
    ['EIO', /\/out\/x but EIO: i\/o error \(EIO\)$/],
  ])('names the path and the cause of %s', (code, message) => {
    const error = asOutputError('/out/x', Object.assign(new Error(`${code}: i/o error`), { code }));
    expect(error).toBeInstanceOf(OutputError);
    expect(error.message).toMatch(message);
  });
});

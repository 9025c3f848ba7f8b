import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { fillConfig } from '../../src/config.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { TarOutput } from '../../src/io/tar-output.ts';
import type { StreamedSample } from '../../src/io/tar-stream.ts';
import { openFilter } from '../../src/run/filter.ts';
import { FilterPump } from '../../src/run/filter-pump.ts';
import { Tally } from '../../src/run/tally.ts';
import { rejected, verified } from '../fixtures/ioHelpers.ts';

const config = fillConfig({ inputs: ['-'], out: '-', workers: 1 });

const sampleOf = (name: string, size = 10, cls?: string): StreamedSample => ({
  images: [{ member: `${name}.jpg`, ref: { kind: 'bytes', bytes: Buffer.from(name) }, size }],
  cls,
  clsMembers: cls === undefined ? 0 : 1,
});

/** A pump with workers and a reader whose every answer is given by hand. */
function byHand({ hasCls = false } = {}) {
  const answers: ((outcome: Outcome) => void)[] = [];
  const writes: { names: string; done: (error?: Error) => void }[] = [];
  const archive = new TarOutput(
    (bytes) =>
      new Promise((resolve, reject) => {
        const names = [
          ...Buffer.from(bytes)
            .toString('latin1')
            .matchAll(/\d{9}\.[a-z]+/g),
        ].map(([name]) => name);
        writes.push({ names: names.join(' '), done: (error) => (error ? reject(error) : resolve()) });
      }),
  );
  const pool = {
    capacity: 2,
    process: () => new Promise<Outcome>((resolve) => answers.push(resolve)),
    close: async () => {},
  };
  const seen = { total: 0, dropped: new Map<string, number>() };
  const tally = new Tally(seen, config);
  const failure = new AbortController();
  const pump = new FilterPump({ config, pool, archive, tally, seen, hasCls, failure, onProgress: undefined });
  return { pump, answers, writes, tally, seen, failure };
}

/** Lets everything that can go on do so. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

describe('FilterPump', () => {
  it('takes no more than twice what the pool can work at, and goes on when the output does', async () => {
    const { pump, answers, writes } = byHand();
    let taken = 0;
    const feed = (async () => {
      for (let i = 0; i < 8; i++) {
        await pump.take(sampleOf(`${i}`));
        taken += 1;
      }
    })();
    await settle();
    expect([taken, answers.length]).toEqual([4, 4]);
    for (const answer of answers) answer(verified('x'));
    await settle();
    // All are done, but nobody reads: nothing more is taken.
    expect([taken, answers.length, writes.length]).toEqual([4, 4, 1]);
    writes[0]?.done();
    await settle();
    expect([taken, answers.length, writes.length]).toEqual([5, 5, 2]);
    for (let i = 1; i < 8; i++) {
      answers[i]?.(verified('x'));
      await settle();
      writes[i]?.done();
      await settle();
    }
    await feed;
    await pump.drain();
    expect(writes.length).toBe(8);
  });

  it('holds a bounded number of bytes, but for one image that is larger', async () => {
    const { pump, answers } = byHand();
    await pump.take(sampleOf('large', 400 * 2 ** 20));
    void pump.take(sampleOf('small'));
    await settle();
    expect(answers.length).toBe(1);
    answers[0]?.(rejected('truncated'));
    await settle();
    expect(answers.length).toBe(2);
  });

  it('writes in the order of the input, whichever is done first', async () => {
    const { pump, answers, writes, tally } = byHand();
    for (const name of ['a', 'b', 'c']) await pump.take(sampleOf(name));
    answers[2]?.(verified('c'));
    answers[1]?.(rejected('truncated'));
    await settle();
    expect(writes).toEqual([]);
    answers[0]?.(verified('a'));
    for (const i of [0, 1]) {
      await settle();
      writes[i]?.done();
    }
    await pump.drain();
    expect(writes.map(({ names }) => names)).toEqual(['000000000.jpg 000000000.json', '000000002.jpg 000000002.json']);
    expect(tally.progress()).toMatchObject({ done: 3, published: 2, rejected: 1 });
  });

  it('decides about class indices once: keeps those of all, or of none', async () => {
    const labelled = byHand({ hasCls: true });
    await labelled.pump.take(sampleOf('a', 10, '7'));
    await labelled.pump.take(sampleOf('b'));
    labelled.answers[0]?.(verified('a'));
    await settle();
    labelled.writes[0]?.done();
    await labelled.pump.drain();
    expect(labelled.writes.map(({ names }) => names)).toEqual(['000000000.cls 000000000.jpg 000000000.json']);
    expect(labelled.answers.length).toBe(1);
    expect(labelled.tally.publicResult().reasons).toEqual({ 'read/no-label': 1 });

    const plain = byHand();
    await plain.pump.take(sampleOf('a', 10, '7'));
    plain.answers[0]?.(verified('a'));
    await settle();
    expect(plain.writes[0]?.names).toBe('000000000.jpg 000000000.json');
    expect(Object.fromEntries(plain.seen.dropped)).toEqual({ cls: 1 });
  });

  it('tells the reader to stop when the output fails, and writes nothing more', async () => {
    const { pump, answers, writes, failure } = byHand();
    for (const name of ['a', 'b']) await pump.take(sampleOf(name));
    for (const answer of answers) answer(verified('x'));
    await settle();
    writes[0]?.done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await settle();
    expect(failure.signal.reason).toMatchObject({ message: expect.stringMatching(/reader has gone away/) });
    await expect(pump.drain()).rejects.toBe(failure.signal.reason);
    expect(writes.length).toBe(1);
  });
});

describe('openFilter', () => {
  it.each([
    ['samplesPerShard', 5, /^Expected no --samples-per-shard from standard input to standard output/],
    ['overwrite', true, /no --overwrite/],
    ['retryFailed', true, /no --retry-failed/],
    ['labels', 'folders', /no --labels/],
    ['boxes', 'x.jsonl', /no --boxes/],
    ['corrections', 'x.jsonl', /no --corrections/],
    ['format', 'folder', /--format webdataset on standard output but received folder/],
    ['inputs', ['x'], /no <input>/],
    ['jpegQuality', 0, /a whole number from 1 to 100 for --jpeg-quality/],
  ])('refuses %s', (option, value, message) => {
    expect(() => openFilter({ [option]: value })).toThrow(message);
  });
});

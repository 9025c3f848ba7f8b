import { readdir } from 'node:fs/promises';
import { generateX25519Identity } from 'age-encryption';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkOutput } from '../../src/io/output-folder.ts';
import { LEDGER } from '../../src/io/private-files.ts';
import { privateLines } from '../../src/io/private-lines.ts';
import { openSeal, sealFor } from '../../src/io/seal.ts';
import type { Secret } from '../../src/io/secret.ts';
import type { SinkOptions } from '../../src/io/sink.ts';
import { current, MortalProcess } from '../fixtures/deadFileSystem.ts';
import { type FakeSample, filesIn, scratch } from '../fixtures/ioHelpers.ts';
import { FORMATS, ONCE, optionsFor, run, samplesOf, state } from '../fixtures/killed-runs.ts';

vi.mock('node:fs/promises', async (original) => {
  const { mortal } = await import('../fixtures/deadFileSystem.ts');
  const real = await original<typeof import('node:fs/promises')>();
  return { ...mortal(real), default: real };
});

beforeEach(() => {
  current.process = new MortalProcess();
});

describe.each(FORMATS)('a run that is killed, %s', (format) => {
  const fresh = async (samples: readonly FakeSample[] = ONCE, more: Partial<SinkOptions> = {}) =>
    optionsFor(await scratch(), samples, { format, ...more });

  /** What a run that nothing happens to leaves, and the number of its steps. */
  async function undisturbed(samples: readonly FakeSample[]) {
    const options = await fresh(samples);
    const { steps } = await run(options, samples);
    return { steps, expected: await state(options) };
  }

  it('ends with the same bytes when it goes on, whenever it was; what has its final name is verified', async () => {
    const { steps, expected } = await undisturbed(ONCE);
    expect(steps).toBeGreaterThan(50);
    const computedAgain = new Set<number>();
    for (let step = 1; step <= steps; step++) {
      const options = await fresh();
      await run(options, ONCE, step);
      for (const [path, bytes] of Object.entries(await state(options))) {
        if (/\.tmp$|\.pending$|\.staging|^private|\/lock$|run\.json$/.test(path)) continue;
        expect(bytes, `${path}, killed at step ${step}`).toBe(expected[path]);
      }
      const again = await run(options, ONCE);
      computedAgain.add(again.computed.length);
      expect(await state(options), `killed at step ${step} of ${steps}`).toEqual(expected);
    }
    // Whole shards are not done again.
    expect([...computedAgain].sort()).toEqual([0, 2, 5]);
  });

  it('with an encrypted private folder, too, in which nothing is ever readable', async () => {
    const { steps, expected } = await undisturbed(ONCE);
    const secret: Secret = { kind: 'identity', identity: await generateX25519Identity(), from: 'a test' };
    const sealed = async (options: SinkOptions): Promise<SinkOptions> => {
      const { kind } = await checkOutput(options);
      return { ...options, seal: await sealFor(options.privateDir, secret, kind === 'earlier') };
    };
    const isPublic = ([path]: [string, string]): boolean => !path.startsWith('private');
    for (let step = 2; step <= steps + 4; step += 5) {
      const options = await fresh();
      await run(await sealed(options), ONCE, step);
      for (const bytes of (await filesIn(options.privateDir).catch(() => new Map<string, Buffer>())).values()) {
        expect(bytes.toString(), `killed at step ${step}`).not.toMatch(/"key"|\/in\/|broken/);
      }
      const again = await sealed(options);
      await run(again, ONCE);
      expect(Object.fromEntries(Object.entries(await state(options)).filter(isPublic))).toEqual(
        Object.fromEntries(Object.entries(expected).filter(isPublic)),
      );
      for (const name of Object.values(LEDGER)) {
        const seal = await openSeal(options.privateDir, secret);
        const lines: string[] = [];
        for await (const line of privateLines(options.privateDir, name, seal)) lines.push(`${line}\n`);
        expect(lines.join(''), `${name}, killed at step ${step}`).toBe(expected[`private/${name}`]);
      }
    }
  });

  it('also when it is killed again while it goes on', async () => {
    const { steps, expected } = await undisturbed(ONCE);
    for (let second = 1; second < 40; second += 3) {
      const first = Math.floor(steps * (0.4 + second / 80));
      const options = await fresh();
      await run(options, ONCE, first);
      await run(options, ONCE, second);
      await run(options, ONCE);
      expect(await state(options), `killed at step ${first}, then at ${second}`).toEqual(expected);
    }
  });

  it('while it tries failed samples again, ends like a run in which they had not failed', async () => {
    const better = samplesOf([]);
    const { expected } = await undisturbed(better);
    for (let step = 1, isOver = false; !isOver; step += 4) {
      const options = await fresh();
      await run(options, samplesOf([0, 2]));
      const retry = { ...options, retryFailed: true };
      const { steps, computed } = await run(retry, better, step);
      isOver = steps < step;
      if (isOver) expect(computed).toEqual([0, 2]);
      else await run(retry, better);
      expect(await state(options), `killed at step ${step}`).toEqual(expected);
    }
  });

  it('while it replaces an earlier output, never passes that off as its own', async () => {
    const { expected } = await undisturbed(ONCE);
    for (let step = 1; step < 40; step += 4) {
      const options = await fresh();
      await run(options, samplesOf([]));
      const replacing = { ...options, overwrite: true };
      await run(replacing, ONCE, step);
      await run(replacing, ONCE);
      expect(await state(options), `killed at step ${step}`).toEqual(expected);
    }
  });

  it.runIf(format === 'folder')('leaves no file of a shard that ends otherwise the next time', async () => {
    const failing = samplesOf([0, 1, 2, 3, 4]);
    for (let step = 21; step < 100; step += 5) {
      const options = await fresh(ONCE, { hfMetadata: false });
      await run(options, ONCE, step);
      await run(options, failing);
      const files = await filesIn(options.out);
      const named = [...files]
        .filter(([file]) => file.includes('redactions/'))
        .flatMap(([, log]) => String(log).split('\n'))
        .flatMap((line) => (line === '' ? [] : ((JSON.parse(line).file as string | undefined) ?? [])));
      const images = [...files.keys()].filter((file) => !file.startsWith('_anonymize/') && !file.endsWith('.cls'));
      expect(images, `killed at step ${step}`).toEqual(named.sort());
      const folders = await readdir(options.out, { withFileTypes: true });
      expect(folders.filter((entry) => entry.isDirectory() && entry.name !== '_anonymize').length > 0).toBe(
        named.length > 0,
      );
    }
  });
});

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { forget } from '../../src/io/forget.ts';
import { FOLDER_KEY, LEDGER, SOURCE_ID_KEY } from '../../src/io/private-files.ts';
import { privateLines } from '../../src/io/private-lines.ts';
import type { PrivateRun } from '../../src/io/private-run.ts';
import { digestOfKey, openKeys, shareKeys } from '../../src/io/run-keys.ts';
import { openSeal } from '../../src/io/seal.ts';
import { readSecret } from '../../src/io/secret.ts';
import type { SinkOptions } from '../../src/io/sink.ts';
import { findSourceIdKey } from '../../src/io/source-id-key.ts';
import { surveyOutput } from '../../src/io/survey.ts';
import { finalize } from '../../src/outputs/finalize.ts';
import { planWithdrawal, withdraw } from '../../src/outputs/withdraw.ts';
import { current, MortalProcess } from '../fixtures/deadFileSystem.ts';
import { filesIn, scratch } from '../fixtures/ioHelpers.ts';
import { bury, FORMATS, ONCE, optionsFor, run, state } from '../fixtures/killed-runs.ts';

vi.mock('node:fs/promises', async (original) => {
  const { mortal } = await import('../fixtures/deadFileSystem.ts');
  const real = await original<typeof import('node:fs/promises')>();
  return { ...mortal(real), default: real };
});

beforeEach(() => {
  current.process = new MortalProcess();
});

const PRIVATE_RUN: PrivateRun = {
  v: 1,
  total: ONCE.length,
  hasCls: true,
  seed: 0,
  boxes: null,
  corrections: null,
  detected: {
    models: ['face:test@sha256:00'],
    classes: ['face'],
    quality: 'fast',
    threshold: { face: 0.5, body: 0.5, plate: 0.5, text: 0.5 },
    mergesPlatesAndText: false,
  },
  settings: { policy: '3b1e' },
};

type Format = (typeof FORMATS)[number];

function plain(root: string, format: Format, more: Partial<SinkOptions> = {}): SinkOptions {
  const settings = { policy: '3b1e', samplesPerShard: 2, daliIndex: true, hfMetadata: true };
  return optionsFor(root, ONCE, { format, samplesPerShard: 2, run: settings, privateRun: PRIVATE_RUN, ...more });
}

/** A part of a run as the main job opens it. */
async function part(root: string, format: Format, index: number, privateKeyFile: string | undefined, count = 2) {
  const options = plain(root, format, { part: { index, count } });
  const choice = {
    out: options.out,
    privateDir: options.privateDir,
    part: { index, count },
    sourceIds: true,
    privateKeyFile,
  };
  const isThere =
    (await readdir(join(options.out, `_anonymize/parts/${index}-of-${count}`)).catch(() => [])).length > 0;
  const opened = await openKeys(choice, isThere);
  const keys = isThere ? opened : await shareKeys(choice, opened);
  const sourceIdKey = digestOfKey(keys.sourceIdKey as string);
  return { ...options, ...keys, run: { ...options.run, sourceIds: true }, privateRun: { ...PRIVATE_RUN, sourceIdKey } };
}

async function keyFile(root: string): Promise<string> {
  const path = join(root, 'key.txt');
  await writeFile(path, `${await generateX25519Identity()}\n`);
  return path;
}

/** The logs of a private folder. */
async function logsOf(folder: string, privateKeyFile?: string): Promise<Record<string, string[]>> {
  const seal = await openSeal(folder, await readSecret({ privateKeyFile }, {}));
  const logs: Record<string, string[]> = {};
  for (const name of [...Object.values(LEDGER), 'withdrawn.jsonl']) {
    logs[name] = [];
    for await (const line of privateLines(folder, name, seal)) logs[name].push(line);
  }
  return logs;
}

async function expectSealed(folder: string, when: string): Promise<void> {
  for (const [name, bytes] of await filesIn(folder).catch(() => new Map<string, Buffer>())) {
    expect(bytes.toString(), `${name}, ${when}`).not.toMatch(/"key"|"v"|\/in\/|broken|"samples"|^[0-9a-f]{64}/);
  }
}

/** Does something as a process of its own, which may die at a step; true when it was over before. */
async function isOverBefore(step: number, lock: string, job: () => Promise<unknown>): Promise<boolean> {
  const mortal = new MortalProcess(step);
  current.process = mortal;
  await Promise.race([job(), mortal.died]);
  current.process = new MortalProcess();
  if (mortal.changes >= step) await bury(lock);
  return mortal.changes < step;
}

const publicPart = (found: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(found).filter(([path]) => path.startsWith('out') && !/run\.json$|\/lock$/.test(path)),
  );

describe.each(FORMATS)('an encrypted private folder, %s', (format) => {
  it('of parts that begin at once is put together, whenever that is killed, and never readable', async () => {
    const one = { ...plain(await scratch(), format), sourceIdKey: '00' };
    await run({ ...one, run: { ...one.run, sourceIds: true } }, ONCE);
    const expected = publicPart(await state(one));
    const root = await scratch();
    const privateKeyFile = await keyFile(root);
    const parts = await Promise.all([0, 1, 2].map((index) => part(root, format, index, privateKeyFile, 3)));
    expect(new Set(parts.map(({ sourceIdKey }) => sourceIdKey)).size).toBe(1);
    for (const options of parts) await run(options, ONCE, undefined);
    const { out, privateDir } = parts[0] as SinkOptions;
    await expectSealed(privateDir, 'before');
    for (let step = 1, isOver = false; !isOver; step += 3) {
      const to = plain(await scratch(), format);
      await cp(out, to.out, { recursive: true });
      await cp(privateDir, to.privateDir, { recursive: true });
      const job = () => finalize({ ...to, privateKeyFile });
      isOver = await isOverBefore(step, join(to.out, '_anonymize/lock'), job);
      await expectSealed(to.privateDir, `killed at step ${step}`);
      await job();
      expect(publicPart(await state(to)), `killed at step ${step}`).toEqual(expected);
      expect(await logsOf(to.privateDir, privateKeyFile)).toEqual(await logsOf(one.privateDir));
      await expectSealed(to.privateDir, 'after');
      expect((await readdir(to.privateDir)).sort()).toEqual([
        'detections.jsonl.age',
        FOLDER_KEY,
        'quarantine.jsonl.age',
        'run.json.age',
        `${SOURCE_ID_KEY}.age`,
        'sources.jsonl.age',
      ]);
    }
  });

  it('loses what was withdrawn, whenever that is killed, and never is readable', async () => {
    const withoutSeal = plain(await scratch(), format);
    await run(withoutSeal, ONCE);
    const asked = [{ text: 'x.png', where: '--source' }];
    await withdraw({ ...withoutSeal, asked });
    const expected = publicPart(await state(withoutSeal));
    const root = await scratch();
    const privateKeyFile = await keyFile(root);
    const secret = await readSecret({ privateKeyFile });
    const choice = { ...plain(root, format), sourceIds: false, privateKeyFile };
    const before = { ...choice, ...(await openKeys(choice, false)) };
    await run(before, ONCE);
    await expect(withdraw({ out: before.out, asked })).rejects.toThrow(/is encrypted, but received none/);
    expect(await planWithdrawal({ ...before, asked })).toMatchObject({ samples: [{ key: '000000001' }] });
    for (let step = 1, isOver = false; !isOver; step += 5) {
      const to = plain(await scratch(), format);
      for (const place of ['out', 'privateDir'] as const) await cp(before[place], to[place], { recursive: true });
      const job = () => withdraw({ ...to, asked, privateKeyFile });
      isOver = await isOverBefore(step, join(to.out, '_anonymize/lock'), job);
      await expectSealed(to.privateDir, `killed at step ${step}`);
      const hasBegun = (await readdir(to.privateDir)).includes('withdrawal.json.age');
      const isKnown = (await logsOf(to.privateDir, privateKeyFile))['sources.jsonl']?.join().includes('x.png');
      if (hasBegun || isKnown) await job();
      // Once all is done, the names are not known any more, which is the point of it.
      else await expect(job()).rejects.toThrow(/names of the 1 withdrawn before/);
      expect(publicPart(await state(to)), `killed at step ${step}`).toEqual(expected);
      expect(await logsOf(to.privateDir, privateKeyFile)).toEqual(await logsOf(withoutSeal.privateDir));
      await expectSealed(to.privateDir, 'after');
      const seal = await openSeal(to.privateDir, secret);
      expect(await surveyOutput({ ...to, seal })).toBe('complete');
      await expect(surveyOutput({ ...to, seal, overwrite: true })).rejects.toThrow(/no withdrawn images/);
      if (isOver) expect(await forget(to.privateDir)).toContain('withdrawn.jsonl.age');
    }
  });
});

describe('parts with keys are refused', () => {
  it('when one of them has no secret, another one, or one where the first had none', async () => {
    const root = await scratch();
    const privateKeyFile = await keyFile(root);
    const other = await keyFile(await scratch());
    await run(await part(root, 'webdataset', 0, privateKeyFile), ONCE);
    await expect(part(root, 'webdataset', 1, undefined)).rejects.toThrow(/is encrypted, but received none/);
    await expect(part(root, 'webdataset', 1, other)).rejects.toThrow(/does not: it is another one/);
    const open = await scratch();
    await run(await part(open, 'webdataset', 0, undefined), ONCE);
    await expect(part(open, 'webdataset', 1, privateKeyFile)).rejects.toThrow(/is not encrypted/);
    // One that had left its key and nothing else.
    await rm(join(open, 'clean'), { recursive: true });
    await rm(join(open, 'clean.private/parts'), { recursive: true });
    await expect(part(open, 'webdataset', 1, privateKeyFile)).rejects.toThrow(/is not encrypted/);
  });

  it('by finalize, without the secret, of other keys, or when one is readable', async () => {
    const [root, elsewhere] = [await scratch(), await scratch()];
    const privateKeyFile = await keyFile(root);
    for (const index of [0, 1]) await run(await part(root, 'webdataset', index, privateKeyFile), ONCE);
    const { out, privateDir } = plain(root, 'webdataset');
    await expect(finalize({ out, privateDir })).rejects.toThrow(/is encrypted, but received none/);
    const own = await part(elsewhere, 'webdataset', 1, undefined);
    await run(own, ONCE);
    const [kept, foreign] = [privateDir, own.privateDir].map((folder) => join(folder, 'parts/1-of-2'));
    await rm(kept as string, { recursive: true });
    await cp(foreign as string, kept as string, { recursive: true });
    await expect(finalize({ out, privateDir, privateKeyFile })).rejects.toThrow(/part 1 is not encrypted, unlike/);
  });

  it('by finalize, with source ids of two keys', async () => {
    const [root, elsewhere] = [await scratch(), await scratch()];
    const first = await part(root, 'webdataset', 0, undefined);
    await run(first, ONCE);
    const { out, privateDir } = plain(root, 'webdataset');
    const key = await readFile(join(privateDir, SOURCE_ID_KEY), 'utf8');
    expect(await findSourceIdKey(privateDir, undefined)).toBe(key.trim());
    const second = { ...(await part(elsewhere, 'webdataset', 1, undefined)), out, privateDir };
    await expect(run(second, ONCE)).rejects.toThrow(/settings of part 0 .* differ .*source-id-key/);
    await run(await part(root, 'webdataset', 1, undefined), ONCE);
    await writeFile(join(privateDir, SOURCE_ID_KEY), `${'0'.repeat(64)}\n`);
    await expect(finalize({ out, privateDir })).rejects.toThrow(/key of the parts' source ids/);
    await writeFile(join(privateDir, SOURCE_ID_KEY), key);
    expect(await finalize({ out, privateDir })).toMatchObject({ status: 'finalized', parts: 2 });
  });
});

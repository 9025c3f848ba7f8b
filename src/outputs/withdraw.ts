import { resolve } from 'node:path';
import * as v from 'valibot';
import { beginClips, carryOutClips, describeClips, type PublishedClips } from '../clips/withdrawal-steps.ts';
import { UsageError } from '../errors.ts';
import { type Asked, findSamples } from '../io/find-samples.ts';
import { assertUnlocked, OutputLock } from '../io/lock.ts';
import { hasPrivateParts, notFinalized } from '../io/parts.ts';
import { readPrivateRun } from '../io/private-run.ts';
import { openSeal, type Seal } from '../io/seal.ts';
import { readSecret, type SecretOptions } from '../io/secret.ts';
import { differingSettings } from '../io/settings.ts';
import { keyOf, ShardPlan } from '../io/shard-plan.ts';
import { readVersions } from '../io/versions.ts';
import { readWithdrawal, type Withdrawal } from '../io/withdrawal.ts';
import { isClipRun, layoutSchema, told, wholeNumber } from './run-file.ts';
import { readRun } from './verify.ts';
import { begin, carryOut, describe, type Published, shardsOf, type WithdrawnSample } from './withdrawal-steps.ts';

export interface WithdrawOptions extends SecretOptions {
  readonly out: string;
  /** Default `<out>.private`. */
  readonly privateDir?: string;
  readonly asked: readonly Asked[];
  /** One asked text may mean several samples; default false. */
  readonly all?: boolean;
}

export interface WithdrawSummary {
  /** `ended`: an earlier withdrawal, which had been cut short, and nothing else. */
  readonly status: 'withdrawn' | 'ended' | 'nothing' | 'dry-run';
  readonly samples: readonly WithdrawnSample[];
  /** Shards that were written again, or would be. */
  readonly shards: readonly string[];
  /** Keys that were asked for and had been withdrawn before. */
  readonly before: readonly string[];
  /** Version that the output has now; undefined when nothing has ever changed in it. */
  readonly version?: number;
  readonly out: string;
  readonly privateDir: string;
}

/** What a withdrawal would do; changes nothing. @throws UsageError as `withdraw`. */
export async function planWithdrawal(options: WithdrawOptions): Promise<WithdrawSummary> {
  const published = await open(options, await sealOf(options));
  await assertUnlocked(published.out);
  const { out, privateDir, seal } = published;
  const pending = await readWithdrawal(privateDir, seal);
  const asked = stillAsked(options.asked, pending);
  const { samples, before } = await findSamples(privateDir, asked, options.all ?? false, seal);
  const all = [...new Set([...(pending?.samples ?? []), ...samples])].sort((a, b) => a - b);
  const found = await published.steps.describe(all);
  return { status: 'dry-run', samples: found, shards: shardsOf(found), before: before.map(keyOf), out, privateDir };
}

/**
 * Takes images or clips out of an output: writes the shards that held them again without them, tells in public which keys
 * were withdrawn, and removes what the private folder knows of them. One that was cut short is ended first, so that the
 * same call can be repeated.
 *
 * @throws UsageError with nothing changed; OutputError, after which it can be repeated.
 */
export async function withdraw(options: WithdrawOptions): Promise<WithdrawSummary> {
  const { out, privateDir, seal } = await open(options, await sealOf(options));
  const lock = await OutputLock.acquire(out);
  try {
    const pending = await readWithdrawal(privateDir, seal);
    const ended = pending ? await (await open(options, seal)).steps.carryOut(pending, lock) : [];
    const published = await open(options, seal);
    const asked = stillAsked(options.asked, pending);
    const { samples, before } = await findSamples(privateDir, asked, options.all ?? false, seal);
    if (samples.length === 0) {
      const last = (await readVersions(out)).at(-1)?.version;
      return {
        status: pending ? 'ended' : 'nothing',
        samples: ended,
        shards: shardsOf(ended),
        before: before.map(keyOf),
        ...(last === undefined ? {} : { version: last }),
        out,
        privateDir,
      };
    }
    const withdrawal = await published.steps.begin(samples, asked);
    const done = [...ended, ...(await published.steps.carryOut(withdrawal, lock))];
    return {
      status: 'withdrawn',
      samples: done,
      shards: shardsOf(done),
      before: before.map(keyOf),
      version: withdrawal.version,
      out,
      privateDir,
    };
  } finally {
    await lock.release();
  }
}

/** What the withdrawal that had begun does not cover: of what it did, the private folder may know nothing any more. */
function stillAsked(asked: readonly Asked[], pending: Withdrawal | undefined): Asked[] {
  return asked.filter(({ text }) => !pending?.asked.includes(text));
}

function privateDirOf({ out, privateDir }: WithdrawOptions): string {
  return resolve(privateDir ?? `${resolve(out)}.private`);
}

async function sealOf(options: WithdrawOptions): Promise<Seal | undefined> {
  return openSeal(privateDirOf(options), await readSecret(options));
}

interface Opened {
  readonly out: string;
  readonly privateDir: string;
  readonly seal: Seal | undefined;
  /** Of images and of clips alike. */
  readonly steps: {
    describe(samples: readonly number[]): Promise<readonly WithdrawnSample[]>;
    begin(samples: readonly number[], asked: readonly Asked[]): Promise<Withdrawal>;
    carryOut(withdrawal: Withdrawal, lock: OutputLock): Promise<readonly WithdrawnSample[]>;
  };
}

/** @throws UsageError when the output is not finished, or the private folder not its own. */
async function open(options: WithdrawOptions, seal: Seal | undefined): Promise<Opened> {
  const out = resolve(options.out);
  const privateDir = privateDirOf(options);
  const run = await readRun(out);
  if (await hasPrivateParts(privateDir)) throw notFinalized(privateDir);
  const pending = await readWithdrawal(privateDir, seal);
  if (run.status !== 'finished' && !(run.status === 'withdrawing' && pending)) {
    throw new UsageError(`Expected a finished output but the run in ${out} is ${run.status}`);
  }
  const kept = await readPrivateRun(privateDir, seal);
  const isOwn = (total: number): boolean =>
    kept === undefined || (kept.total === total && differingSettings(run, kept.settings).length === 0);
  const notOwn = (): never => {
    throw new UsageError(`Expected --private-dir to belong to ${out} but ${privateDir} is of another run`);
  };
  const places = { out, privateDir, run, seal };
  if (isClipRun(run)) {
    const { total } = v.parse(v.object({ total: wholeNumber }), run);
    return isOwn(total) ? { ...places, steps: clipSteps({ ...places, total }) } : notOwn();
  }
  const { total, samplesPerShard, ...layout } = told(layoutSchema, run, out);
  const plan = new ShardPlan({ total, samplesPerShard });
  return isOwn(total) ? { ...places, steps: imageSteps({ ...places, plan, layout }) } : notOwn();
}

function imageSteps(published: Published): Opened['steps'] {
  return {
    describe: async (samples) => (await describe(published, samples)).samples,
    begin: (samples, asked) => begin(published, samples, asked),
    carryOut: (withdrawal, lock) => carryOut(published, withdrawal, lock),
  };
}

function clipSteps(published: PublishedClips): Opened['steps'] {
  return {
    describe: (clips) => describeClips(published, clips),
    begin: (clips, asked) => beginClips(published, clips, asked),
    carryOut: (withdrawal, lock) => carryOutClips(published, withdrawal, lock),
  };
}

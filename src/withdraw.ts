import { resolve } from 'node:path';
import { UsageError } from './errors.ts';
import { type Asked, findSamples } from './io/find-samples.ts';
import { assertUnlocked, OutputLock } from './io/lock.ts';
import { hasPrivateParts, notFinalized } from './io/parts.ts';
import { readPrivateRun } from './io/private-run.ts';
import { openSeal, type Seal } from './io/seal.ts';
import { readSecret, type SecretOptions } from './io/secret.ts';
import { differingSettings } from './io/settings.ts';
import { keyOf, ShardPlan } from './io/shard-plan.ts';
import { readVersions } from './io/versions.ts';
import { readWithdrawal, type Withdrawal } from './io/withdrawal.ts';
import { layoutSchema, told } from './run-file.ts';
import { readRun } from './verify-output.ts';
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
  return { status: 'dry-run', ...(await describe(published, all)), before: before.map(keyOf), out, privateDir };
}

/**
 * Takes images out of an output: writes the shards that held them again without them, tells in public which keys were
 * withdrawn, and removes what the private folder knows of them. One that was cut short is ended first, so that the
 * same call can be repeated.
 *
 * @throws UsageError with nothing changed; OutputError, after which it can be repeated.
 */
export async function withdraw(options: WithdrawOptions): Promise<WithdrawSummary> {
  const { out, privateDir, seal } = await open(options, await sealOf(options));
  const lock = await OutputLock.acquire(out);
  try {
    const pending = await readWithdrawal(privateDir, seal);
    const ended = pending ? await carryOut(await open(options, seal), pending, lock) : [];
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
    const withdrawal = await begin(published, samples, asked);
    const done = [...ended, ...(await carryOut(published, withdrawal, lock))];
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

/** @throws UsageError when the output is not finished, or the private folder not its own. */
async function open(options: WithdrawOptions, seal: Seal | undefined): Promise<Published> {
  const out = resolve(options.out);
  const privateDir = privateDirOf(options);
  const run = await readRun(out);
  if (await hasPrivateParts(privateDir)) throw notFinalized(privateDir);
  const pending = await readWithdrawal(privateDir, seal);
  if (run.status !== 'finished' && !(run.status === 'withdrawing' && pending)) {
    throw new UsageError(`Expected a finished output but the run in ${out} is ${run.status}`);
  }
  const { total, samplesPerShard, ...layout } = told(layoutSchema, run, out);
  const kept = await readPrivateRun(privateDir, seal);
  if (kept !== undefined && (kept.total !== total || differingSettings(run, kept.settings).length > 0)) {
    throw new UsageError(`Expected --private-dir to belong to ${out} but ${privateDir} is of another run`);
  }
  return { out, privateDir, run, plan: new ShardPlan({ total, samplesPerShard }), layout, seal };
}

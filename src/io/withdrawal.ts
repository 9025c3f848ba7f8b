import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { UsageError } from '../errors.ts';
import { asOutputError, syncFolder } from './atomic.ts';
import { privatePath, WITHDRAWAL } from './private-files.ts';
import { readPrivateFile, writePrivateFile } from './private-lines.ts';
import type { Seal } from './seal.ts';

const withdrawalSchema = v.strictObject({
  v: v.literal(1),
  /** Version of the output that it makes, and the UTC day on which it began. */
  version: v.pipe(v.number(), v.integer(), v.minValue(2)),
  date: v.pipe(v.string(), v.isoDate()),
  /** Indices of the samples. */
  samples: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** What was asked for, so that asking for it again is no error. */
  asked: v.array(v.string()),
  /** Published files that go, of a folder of outputs; below it. */
  files: v.array(v.string()),
  /** SHA-256 of SHA256SUMS before. */
  sumsBefore: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

/**
 * A withdrawal that has begun, in the private folder. From the moment at which it is there it will be carried out:
 * no other command touches the output before.
 */
export type Withdrawal = v.InferOutput<typeof withdrawalSchema>;

/** Undefined when none has begun. @throws UsageError for another content. */
export async function readWithdrawal(privateDir: string, seal: Seal | undefined): Promise<Withdrawal | undefined> {
  const text = await readPrivateFile(privateDir, WITHDRAWAL, seal);
  if (text === undefined) return undefined;
  try {
    return v.parse(withdrawalSchema, JSON.parse(text));
  } catch (cause) {
    throw new UsageError(`Expected a withdrawal in ${join(privateDir, WITHDRAWAL)} but received another content`, {
      cause,
    });
  }
}

/** @throws OutputError */
export async function beginWithdrawal(
  privateDir: string,
  withdrawal: Withdrawal,
  seal: Seal | undefined,
): Promise<void> {
  await writePrivateFile(privateDir, WITHDRAWAL, `${JSON.stringify(withdrawal)}\n`, seal);
}

/** @throws OutputError */
export async function endWithdrawal(privateDir: string): Promise<void> {
  try {
    for (const isSealed of [false, true]) await rm(privatePath(privateDir, WITHDRAWAL, isSealed), { force: true });
    await syncFolder(privateDir);
  } catch (error) {
    throw asOutputError(join(privateDir, WITHDRAWAL), error);
  }
}

/**
 * @param run run.json of the output, where there is one.
 * @throws UsageError when a withdrawal has begun and has not ended.
 */
export async function assertNoWithdrawal(privateDir: string, run: { readonly status?: unknown } = {}): Promise<void> {
  // Encrypted or not: that there is one says enough.
  const isThere = [false, true].some((isSealed) => existsSync(privatePath(privateDir, WITHDRAWAL, isSealed)));
  if (run.status !== 'withdrawing' && !isThere) return;
  throw new UsageError(
    `Expected no unfinished withdrawal in ${privateDir} but one was cut short: anonymize withdraw <out> --yes ends it`,
  );
}

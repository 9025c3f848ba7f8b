import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../errors.ts';
import { makeFolder, sha256, writeFileOnce } from './atomic.ts';
import { partsIn } from './parts.ts';
import { FOLDER_KEY, privatePath, SOURCE_ID_KEY } from './private-files.ts';
import { openSeal, type Seal, sealedError, sealFor } from './seal.ts';
import { readSecret, type SecretOptions } from './secret.ts';
import type { Part } from './shard-plan.ts';
import { findSourceIdKey, newSourceIdKey, readSourceIdKey } from './source-id-key.ts';

/** What the private folder of a run is encrypted with and what source ids are made with, if anything. */
export interface RunKeys {
  readonly seal: Seal | undefined;
  readonly sourceIdKey: string | undefined;
}

export interface KeyChoice extends SecretOptions {
  readonly out: string;
  readonly privateDir: string;
  readonly sourceIds: boolean;
  readonly part?: Part;
}

/**
 * The keys of a run that is to go on, or new ones. Writes nothing.
 *
 * @param isThere the run, or the part, has begun before.
 * @param sourceIdKey that a new run takes over.
 * @throws UsageError for a wrong secret or keys that are gone.
 */
export async function openKeys(choice: KeyChoice, isThere: boolean, sourceIdKey?: string): Promise<RunKeys> {
  const { out, privateDir, sourceIds, part } = choice;
  const secret = await readSecret(choice);
  const isBegun = isThere || (part !== undefined && (await partsIn(out)).length > 0);
  // Of parts that begin, one may have left its keys and nothing else.
  const found = part !== undefined && !isBegun ? await openSeal(privateDir, secret) : undefined;
  const isPlain = part !== undefined && existsSync(privatePath(privateDir, SOURCE_ID_KEY, false));
  const seal = found ?? (await sealFor(privateDir, secret, isBegun || isPlain));
  if (!sourceIds) return { seal, sourceIdKey: undefined };
  if (isBegun) return { seal, sourceIdKey: await readSourceIdKey(privateDir, seal) };
  const left = part === undefined ? undefined : await findSourceIdKey(privateDir, found);
  return { seal, sourceIdKey: left ?? sourceIdKey ?? newSourceIdKey() };
}

/**
 * Makes keys those of a run in parts, unless another part has been faster.
 *
 * @returns the keys of all parts.
 * @throws UsageError when those are not opened by this part's secret; OutputError.
 */
export async function shareKeys(choice: KeyChoice, { seal, sourceIdKey }: RunKeys): Promise<RunKeys> {
  const { privateDir } = choice;
  if (seal === undefined && sourceIdKey === undefined) return { seal, sourceIdKey };
  await makeFolder(privateDir, 0o700);
  const isOurs = seal && (await writeFileOnce(join(privateDir, FOLDER_KEY), seal.folderKey, 0o600));
  const shared = isOurs ? seal : await openSeal(privateDir, await readSecret(choice));
  if (sourceIdKey === undefined) return { seal: shared, sourceIdKey };
  const text = `${sourceIdKey}\n`;
  const path = privatePath(privateDir, SOURCE_ID_KEY, shared !== undefined);
  const isFirst = await writeFileOnce(path, shared ? await shared.seal(text) : text, 0o600);
  if (shared === undefined && existsSync(join(privateDir, FOLDER_KEY))) {
    // A part with a secret came in between: nothing may be readable beside its files.
    if (isFirst) await rm(path, { force: true });
    throw sealedError(privateDir);
  }
  return { seal: shared, sourceIdKey: await readSourceIdKey(privateDir, shared) };
}

/** SHA-256 of a source id key, by which parts know that they have the same one. */
export function digestOfKey(sourceIdKey: string): string {
  return sha256(sourceIdKey);
}

/**
 * The seal of the private folder of a run in parts.
 *
 * @param parts private folders of its parts.
 * @throws UsageError when one of them is encrypted otherwise, or the secret is wrong or missing.
 */
export async function openSealOfParts(
  privateDir: string,
  parts: readonly string[],
  options: SecretOptions,
): Promise<Seal | undefined> {
  const secret = await readSecret(options);
  const seal = await openSeal(privateDir, secret);
  for (const [index, part] of parts.entries()) {
    const own = await openSeal(part, secret);
    if (own?.folderKey === seal?.folderKey) continue;
    throw new UsageError(
      `Expected parts of one private folder but part ${index} is ${own ? 'encrypted with another key' : 'not encrypted'}, unlike ${privateDir}`,
    );
  }
  return seal;
}

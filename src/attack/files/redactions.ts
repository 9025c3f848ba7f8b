import { access, readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../../errors.ts';
import { looksLikeImage, splitExtension } from '../../io/extensions.ts';
import { LEDGER, privatePath } from '../../io/private-files.ts';
import { privateLines } from '../../io/private-lines.ts';
import { RUN_FILE } from '../../io/run-log.ts';
import { openSeal } from '../../io/seal.ts';
import { readSecret, type SecretOptions } from '../../io/secret.ts';
import { readBody, skipBody, tarEntries } from '../../io/tar-archive.ts';
import { readRun } from '../../outputs/verify.ts';
import type { Photograph, RedactedPhotograph, Redaction } from '../photograph.ts';

/**
 * What a run has made of photographs: an image folder, also one of another tool, or a WebDataset.
 *
 * @param privateDir where a WebDataset's keys are told; default `<folder>.private`
 * @param secret what opens it when it is encrypted.
 * @throws UsageError when the folder is missing, none of the originals is in it, or the keys are not told.
 */
export async function openRedacted(
  folder: string,
  originals: readonly Photograph[],
  privateDir?: string,
  secret: SecretOptions = {},
): Promise<Redaction> {
  const root = path.resolve(folder);
  const status = await stat(root).catch(() => undefined);
  if (!status?.isDirectory()) {
    throw new UsageError(
      `Expected a folder of redacted photographs but received ${folder}, which ${status ? 'is none' : 'does not exist'}`,
    );
  }
  const isRun = await stat(path.join(root, RUN_FILE)).then(
    () => true,
    () => false,
  );
  const run = isRun ? await readRun(root) : {};
  const name = nameOf(run, path.basename(root));
  if (run.format === 'webdataset')
    return openShards(root, name, originals, path.resolve(privateDir ?? `${root}.private`), secret);
  return openFolder(root, name, originals);
}

/** `blur`, or `face=blur,plate=solid,…` where classes differ. */
function nameOf({ redact, classes }: Record<string, unknown>, otherwise: string): string {
  if (typeof redact !== 'object' || redact === null) return otherwise;
  const looked = Array.isArray(classes) ? classes : Object.keys(redact);
  const modes = Object.entries(redact).filter(([cls]) => looked.includes(cls));
  const distinct = new Set(modes.map(([, mode]) => String(mode)));
  return distinct.size === 1 ? ([...distinct][0] as string) : modes.map(([cls, mode]) => `${cls}=${mode}`).join(',');
}

async function openFolder(root: string, name: string, originals: readonly Photograph[]): Promise<Redaction> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile() || !looksLikeImage(entry.name)) continue;
    const file = path.join(entry.parentPath, entry.name);
    const relative = path.relative(root, file).split(path.sep).join('/');
    files.set(splitExtension(relative).stem, file);
    files.set(relative, file);
  }
  // The whole name first: `a.jpg` and `a.png` may lie side by side.
  const places = originals.map((o) => files.get(o.name) ?? files.get(splitExtension(o.name).stem));
  if (places.every((place) => place === undefined)) throw mismatch(root);
  return {
    name,
    async *read() {
      for (const [index, file] of places.entries()) {
        yield file === undefined ? { index } : { index, ...(await readOne(file)) };
      }
    },
  };
}

async function readOne(file: string): Promise<Pick<RedactedPhotograph, 'bytes' | 'reason'>> {
  return readFile(file).then(
    (bytes) => ({ bytes }),
    () => ({ reason: 'unreadable' }),
  );
}

async function openShards(
  root: string,
  name: string,
  originals: readonly Photograph[],
  privateDir: string,
  secret: SecretOptions,
): Promise<Redaction> {
  const places = new Map<string, number>();
  for (const [index, { file }] of originals.entries()) places.set(await realpath(file), index);
  const keys = new Map<string, number>();
  for (const { key, source } of await readSources(privateDir, secret)) {
    const index = places.get(await realpath(source).catch(() => source));
    if (index !== undefined) keys.set(key, index);
  }
  if (keys.size === 0) throw mismatch(root);
  return {
    name,
    async *read() {
      const left = new Set(originals.keys());
      for (const shard of (await readdir(root)).filter((file) => /^\d+\.tar$/.test(file)).sort()) {
        for await (const entry of tarEntries(path.join(root, shard))) {
          const { name: member } = entry.header;
          const index = keys.get(member.split('.')[0] ?? '');
          if (index === undefined || !looksLikeImage(member)) {
            await skipBody(entry);
            continue;
          }
          left.delete(index);
          yield { index, bytes: await readBody(entry) };
        }
      }
      for (const index of left) yield { index };
    },
  };
}

async function readSources(privateDir: string, secret: SecretOptions): Promise<{ key: string; source: string }[]> {
  const seal = await openSeal(privateDir, await readSecret(secret));
  const file = privatePath(privateDir, LEDGER.sources, seal !== undefined);
  await access(file).catch((cause: Error) => {
    throw new UsageError(
      `Expected ${LEDGER.sources} in --private-dir, which tells what the samples of a WebDataset were, but received ${privateDir}: ${cause.message}`,
      { cause },
    );
  });
  const sources: { key: string; source: string }[] = [];
  for await (const line of privateLines(privateDir, LEDGER.sources, seal)) sources.push(JSON.parse(line));
  return sources;
}

/** Without a name: folders of originals are named after people. */
function mismatch(root: string): UsageError {
  return new UsageError(`Expected redacted photographs of the originals in ${root} but found none by their names`);
}

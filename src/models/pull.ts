import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ModelError } from '../errors.ts';
import { cachedPath, cacheError, readCached, temporaryPath } from './cache.ts';

const MAX_BYTES = 1 << 30;

export interface PullResult {
  readonly path: string;
  /** False when the cache already held it. */
  readonly downloaded: boolean;
}

/**
 * Downloads to a temporary file, compares the SHA-256 of what arrived, then renames into the cache.
 * @throws ModelError on any failure; the cache then holds nothing new.
 */
export async function pullModel(
  id: string,
  source: { readonly url: string; readonly sha256: string },
  dir: string,
  signal?: AbortSignal,
): Promise<PullResult> {
  const target = cachedPath(dir, source.sha256);
  if (await readCached(dir, source.sha256)) return { path: target, downloaded: false };
  await mkdir(dir, { recursive: true }).catch((error: unknown) => {
    throw cacheError(dir, error);
  });
  const temporary = temporaryPath(dir);
  try {
    const received = await download(id, source.url, temporary, signal);
    if (received !== source.sha256) {
      throw new ModelError(`Model ${id}: expected a download with sha256 ${source.sha256} but received ${received}`);
    }
    await syncFile(temporary);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof ModelError) throw error;
    const reason =
      error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : error;
    throw new ModelError(`Model ${id}: expected a complete download from ${source.url} but received: ${reason}`, {
      cause: error,
    });
  }
  return { path: target, downloaded: true };
}

/** Returns the SHA-256 of the bytes that were written. */
async function download(id: string, url: string, target: string, signal?: AbortSignal): Promise<string> {
  const response = await fetch(url, signal ? { signal } : {});
  if (!response.ok || !response.body) {
    throw new ModelError(`Model ${id}: expected HTTP 200 from ${url} but received ${response.status}`);
  }
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > MAX_BYTES) done(new ModelError(`Model ${id}: expected at most ${MAX_BYTES} bytes from ${url}`));
      else done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(target, { flags: 'wx' }));
  return hash.digest('hex');
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

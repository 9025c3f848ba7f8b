import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ModelError } from '../errors.ts';

/** Folder of compiled and pulled models: `$ANONYMIZE_CACHE`, else the platform's cache folder. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env.ANONYMIZE_CACHE) return path.resolve(env.ANONYMIZE_CACHE);
  if (platform === 'win32') return path.join(env.LOCALAPPDATA ?? path.join(homedir(), 'AppData', 'Local'), 'anonymize');
  if (platform === 'darwin') return path.join(homedir(), 'Library', 'Caches', 'anonymize');
  return path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'anonymize');
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where the file with this content lies, whether or not it exists yet. */
export function cachedPath(dir: string, sha256: string): string {
  return path.join(dir, `${sha256}.onnx`);
}

/** The file's bytes when it exists and its content still matches its name. */
export async function readCached(dir: string, sha256: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(cachedPath(dir, sha256));
    return sha256Hex(bytes) === sha256 ? bytes : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cacheError(dir, error);
  }
}

/**
 * Puts content under its own hash. Writers of the same content may race: each writes its own
 * temporary file and the rename is atomic, so a reader sees nothing or all of it.
 */
export async function writeCached(dir: string, sha256: string, bytes: Uint8Array): Promise<string> {
  const target = cachedPath(dir, sha256);
  const temporary = temporaryPath(dir);
  try {
    await mkdir(dir, { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw cacheError(dir, error);
  }
  return target;
}

export function temporaryPath(dir: string): string {
  return path.join(dir, `.${process.pid}-${randomUUID()}.tmp`);
}

export function cacheError(dir: string, error: unknown): ModelError {
  return new ModelError(
    `Expected a writable model cache at ${dir} (set ANONYMIZE_CACHE to move it) but received: ${(error as Error).message}`,
    { cause: error },
  );
}

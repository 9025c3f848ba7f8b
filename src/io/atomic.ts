import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OutputError, UsageError } from '../errors.ts';

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than the system allows',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'something else is there already',
  EMFILE: 'too many open files',
  EPIPE: 'its reader has gone away',
};

/** A published file, for SHA256SUMS. */
export interface WrittenFile {
  /** POSIX path below the output folder. */
  readonly path: string;
  /** SHA-256 of its content, hex. */
  readonly sha256: string;
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of a file, hex, read in chunks. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** `error` as an OutputError that names `path` and the cause. */
export function asOutputError(path: string, error: unknown): OutputError {
  if (error instanceof OutputError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const cause = code === undefined ? message : `${CAUSES[code] ?? message} (${code})`;
  return new OutputError(`Expected to write ${path} but ${cause}`, { cause: error });
}

/** Opens a file, lets `use` work with it, and closes it whatever happens. */
export async function withFile<T>(
  path: string,
  flags: string,
  use: (handle: FileHandle) => Promise<T>,
  mode?: number,
): Promise<T> {
  const handle = await open(path, flags, mode);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** Makes a rename or a new file in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; its file systems journal renames themselves.
  if (process.platform === 'win32') return;
  await withFile(folder, 'r', (handle) => handle.sync());
}

/**
 * Writes a whole file so that `path` never holds a part of it: temporary file, fsync, rename, fsync of the folder.
 *
 * @returns SHA-256 of the content, hex.
 * @throws OutputError
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode?: number): Promise<string> {
  await writeAtomic(path, (handle) => handle.writeFile(data), mode);
  return sha256(data);
}

/** Characters that are written at once. */
const CHUNK = 1 << 18;

/**
 * `writeFileAtomic` of a text that comes piece by piece, as fast as the disk takes it: little of it is in memory at a
 * time, however long it is.
 *
 * @returns SHA-256 of the content as UTF-8, hex.
 * @throws OutputError, also for what the pieces throw, unless that is a UsageError.
 */
export async function writeTextAtomic(path: string, pieces: AsyncIterable<string>): Promise<string> {
  const hash = createHash('sha256');
  await writeAtomic(path, async (handle) => {
    let text = '';
    const flush = async (): Promise<void> => {
      hash.update(text);
      await handle.writeFile(text);
      text = '';
    };
    for await (const piece of pieces) {
      text += piece;
      if (text.length >= CHUNK) await flush();
    }
    await flush();
  });
  return hash.digest('hex');
}

async function writeAtomic(path: string, fill: (handle: FileHandle) => Promise<void>, mode?: number): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await rm(temporary, { force: true });
    const whole = async (handle: FileHandle): Promise<void> => {
      await fill(handle);
      await handle.sync();
    };
    await withFile(temporary, 'wx', whole, mode);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error instanceof UsageError ? error : asOutputError(path, error);
  }
}

/**
 * `writeFileAtomic` of a file that several processes may want to make at the same time: the first one does.
 *
 * @returns whether it was this one.
 * @throws OutputError
 */
export async function writeFileOnce(path: string, data: string, mode: number): Promise<boolean> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeFileAtomic(temporary, data, mode);
    // A rename would take the place of another one's.
    await link(temporary, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asOutputError(path, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Creates a folder and its parents. @throws OutputError */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  await makeFolderOrTryAgain(path, mode, true);
}

async function makeFolderOrTryAgain(path: string, mode: number | undefined, again: boolean): Promise<void> {
  const options = mode === undefined ? {} : { mode };
  try {
    // Not recursive: on file systems such as /proc, Node 20's recursive mkdir never returns.
    await mkdir(path, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isFolder(path))) return;
    const parent = dirname(path);
    const isMissing = code === 'ENOENT' && parent !== path;
    if (isMissing && !(await isFolder(parent))) await makeFolder(parent, mode);
    // The parent may be another process's, made a moment ago.
    else if (!isMissing || !again) throw asOutputError(path, error);
    await makeFolderOrTryAgain(path, mode, false);
  }
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() === true;
}

/** Takes every step, even when some of them fail; throws the first failure in the end. */
export async function allSteps(...steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

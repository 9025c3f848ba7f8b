import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { extensionOf, looksLikeVideo } from '../extensions.ts';

/** An input that exists. `path` is absolute. */
export interface Input {
  readonly path: string;
  readonly kind: 'folder' | 'tar' | 'file';
}

/** @throws UsageError for an input that is missing, unreadable or not supported. */
export async function inspectInput(input: string): Promise<Input> {
  if (input === '-')
    throw new UsageError('Expected a path as input but received "-": standard input goes to standard output (--out -)');
  if (input === '') throw new UsageError('Expected a path as input but received an empty string');
  const path = resolve(input);
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const what = error.code === 'ENOENT' ? 'does not exist' : `cannot be opened (${error.code})`;
    throw new UsageError(`Expected an existing file or folder as input but received ${input}, which ${what}`);
  });
  if (stats.isDirectory()) return { path, kind: 'folder' };
  if (!stats.isFile())
    throw new UsageError(`Expected a file or folder as input but received ${input}, which is neither`);
  if (looksLikeVideo(path)) {
    throw new UsageError(`Expected images as input but received ${input}: clips need a run of their own`);
  }
  if (/\.(tgz|txz|tbz2?|tar\.\w+)$/i.test(path)) {
    throw new UsageError(`Expected an uncompressed .tar as input but received ${input}: decompress it first`);
  }
  return { path, kind: extensionOf(basename(path)) === 'tar' ? 'tar' : 'file' };
}

/** What the samples of an input are put below where there are several inputs. */
export function stemOf(input: Input): string {
  const name = basename(input.path);
  return input.kind === 'tar' ? name.slice(0, -'.tar'.length) : name;
}

import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { UsageError } from '../../errors.ts';
import '../../image/setup.ts';

const MAX_BYTES = 512 * 2 ** 20;

/**
 * Width and height in pixels of an image after its EXIF orientation is applied, from its header alone.
 * @throws UsageError naming the file.
 */
export async function uprightSize(file: string): Promise<{ readonly width: number; readonly height: number }> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`${size} bytes, more than 512 MiB`);
    // Loaders of files are barred for the whole process: pictures are read from memory only.
    return (await sharp(await readFile(file)).metadata()).autoOrient;
  } catch (error) {
    throw new UsageError(`Expected a readable image but received ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

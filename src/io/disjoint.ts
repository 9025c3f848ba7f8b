import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { isWithin } from '../paths.ts';

/** `path` (absolute) with the symbolic links of its existing part resolved; the rest may not exist yet. */
export async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const parent = dirname(path);
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || parent === path) throw error;
    return join(await realTarget(parent), path.slice(parent.length).replace(/^[\\/]/, ''));
  }
}

/** Where the run writes, free of symbolic links. */
export interface OutputPlaces {
  readonly out: string;
  readonly privateDir: string;
}

/**
 * Refuses every arrangement in which reading, writing or `--overwrite` could touch the wrong files.
 *
 * @param inputs Absolute paths that exist.
 * @throws UsageError when two of inputs, output and private folder overlap, also through symbolic links.
 */
export async function assertDisjoint(
  inputs: readonly string[],
  out: string,
  privateDir: string,
): Promise<OutputPlaces> {
  const places = { out: await realTarget(out), privateDir: await realTarget(privateDir) };
  if (isWithin(places.privateDir, places.out) || isWithin(places.out, places.privateDir)) {
    throw new UsageError(
      `Expected --private-dir and --out to be apart, because the output is made to be shared, but received ${privateDir} and ${out}`,
    );
  }
  for (const input of inputs) {
    const real = await realTarget(input);
    for (const [option, place] of [
      ['--out', places.out],
      ['--private-dir', places.privateDir],
    ] as const) {
      if (isWithin(real, place))
        throw new UsageError(`Expected the input outside ${option} ${place}, but ${input} is in it`);
      if (isWithin(place, real))
        throw new UsageError(`Expected ${option} outside the input ${input}, but received ${place}`);
    }
  }
  return places;
}

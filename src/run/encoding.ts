import type { Config } from '../config.ts';
import type { ImageFormat } from '../core/types.ts';
import type { Source } from '../io/source.ts';

const EXTENSION_FORMAT: Readonly<Record<string, ImageFormat>> = {
  jpg: 'jpeg',
  jpeg: 'jpeg',
  jpe: 'jpeg',
  jfif: 'jpeg',
  png: 'png',
  webp: 'webp',
  avif: 'avif',
  tif: 'tiff',
  tiff: 'tiff',
  gif: 'gif',
};

/**
 * Every sample of a WebDataset must have the same members, so `keep` needs one format for all of
 * them: the commonest by name. Where there are others, `notices` says so.
 */
export function chooseEncoding(
  config: Config,
  source: Pick<Source, 'extensions'>,
  notices: string[],
): Config['encode'] {
  if (config.encode !== 'keep' || config.format === 'folder') return config.encode;
  const counts = new Map<ImageFormat, number>();
  for (const [extension, n] of source.extensions) {
    const format = EXTENSION_FORMAT[extension];
    if (format) counts.set(format, (counts.get(format) ?? 0) + n);
  }
  const [first, ...others] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const chosen = first?.[0] ?? 'jpeg';
  if (others.length > 0) {
    const mix = [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([format, n]) => `${n} ${format}`)
      .join(', ');
    notices.push(`Mixed formats (${mix}): every sample is written as ${chosen}, since shards need one; see --encode`);
  }
  return chosen;
}

import { createHash } from 'node:crypto';
import type { ListedSample } from './source.ts';

/**
 * SHA-256 of where the samples of a run come from, what they are called and how they are labelled, in their order:
 * parts of a run that were started on other inputs differ in it. It can be tried out against names: for private
 * folders only.
 */
export function listingDigest(total: number, at: (index: number) => ListedSample): string {
  const hash = createHash('sha256');
  for (let index = 0; index < total; index++) {
    const { origin, relativePath, cls, listedKey } = at(index);
    hash.update(`${JSON.stringify([origin.path, origin.member, relativePath, cls, listedKey])}\n`);
  }
  return hash.digest('hex');
}

import { createHash, createHmac } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** What tells one source from another. */
export interface SourceDigests {
  /** Of the bytes, hex: for the private folder only. */
  readonly sha256: string;
  /** HMAC-SHA256 of the bytes, hex, for public records; absent without a key. */
  readonly sourceId?: string;
}

/**
 * Both are of the same reading of the file, in chunks.
 * @param sourceIdKey 256 bits, hex.
 * @throws the file system's error for one that cannot be read.
 */
export async function digestsOf(path: string, sourceIdKey: string | undefined): Promise<SourceDigests> {
  const sha256 = createHash('sha256');
  const hmac = sourceIdKey === undefined ? undefined : createHmac('sha256', Buffer.from(sourceIdKey, 'hex'));
  for await (const chunk of createReadStream(path)) {
    sha256.update(chunk as Uint8Array);
    hmac?.update(chunk as Uint8Array);
  }
  return { sha256: sha256.digest('hex'), ...(hmac === undefined ? {} : { sourceId: hmac.digest('hex') }) };
}

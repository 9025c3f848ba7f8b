import { scanTar, tarImages } from '../tar-source.ts';
import type { InputPart } from './input-part.ts';

/**
 * The images of a WebDataset shard.
 * @param prefix Empty, or ends in `/`.
 * @param limit Bytes; larger members are refused.
 * @throws UsageError as `scanTar` does.
 */
export async function listTar(path: string, prefix: string, limit: number): Promise<InputPart> {
  const scan = await scanTar(path);
  return {
    names: scan.images.map((image) => prefix + image),
    dropped: scan.dropped,
    clsMembers: scan.clsMembers,
    labelled: scan.labels !== undefined,
    originOf: (at) => ({ path, member: scan.images[at] as string }),
    pathOf: (at) => scan.images[at] as string,
    labelOf: (at) => scan.labels?.[at],
    async *read(isWanted) {
      for await (const { at, size, bytes } of tarImages(scan, limit, isWanted)) {
        const message = `Expected a member of at most ${limit} bytes but received ${size}`;
        yield {
          at,
          ref: bytes === undefined ? { kind: 'refused', reason: 'too-large', message } : { kind: 'bytes', bytes },
        };
      }
    },
  };
}

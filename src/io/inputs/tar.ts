import { scanTar, tarImages } from '../tar-source.ts';
import type { InputPart } from './input-part.ts';
import type { KeepPlan } from './kept.ts';

/**
 * The images of a WebDataset shard.
 * @param prefix Empty, or ends in `/`.
 * @param limit Bytes; larger members are refused.
 * @param plan of what passes besides images.
 * @throws UsageError as `scanTar` does.
 */
export async function listTar(path: string, prefix: string, limit: number, plan?: KeepPlan): Promise<InputPart> {
  const scan = await scanTar(path, plan);
  return {
    names: scan.images.map((image) => prefix + image),
    dropped: scan.dropped,
    clsMembers: scan.clsMembers,
    labelled: scan.labels !== undefined,
    originOf: (at) => ({ path, member: scan.images[at] as string }),
    pathOf: (at) => scan.images[at] as string,
    labelOf: (at) => scan.labels?.[at],
    async *read(isWanted) {
      for await (const { at, size, bytes, kept } of tarImages(scan, limit, isWanted, plan)) {
        const message = `Expected a member of at most ${limit} bytes but received ${size}`;
        yield {
          at,
          ref: bytes === undefined ? { kind: 'refused', reason: 'too-large', message } : { kind: 'bytes', bytes },
          ...(kept === undefined ? {} : { kept }),
        };
      }
    },
  };
}

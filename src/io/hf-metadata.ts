import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { VerifiedRecord } from '../core/outcome.ts';
import { asOutputError, syncFolder, type WrittenFile, withFile } from './atomic.ts';
import { jsonLines } from './records.ts';
import type { SinkSample } from './shard.ts';
import { readShardLog } from './shard-log.ts';

/** What `ImageFolder` of Hugging Face's datasets looks for, below the output folder. */
export const HF_METADATA = 'metadata.jsonl';

/** A row of `metadata.jsonl`: the path of the image, then our public columns, of the same types in every row. */
export function hfMetadataRow(record: VerifiedRecord, cls: string | undefined): Record<string, unknown> {
  const { face, body, plate, text } = record.counts;
  return {
    file_name: record.file,
    key: record.key,
    width: record.width,
    height: record.height,
    sha256: record.out_sha256,
    faces: face,
    bodies: body,
    plates: plate,
    texts: text,
    ...(cls === undefined ? {} : { cls: Number(cls) }),
    ...(record.source_id === undefined ? {} : { source_id: record.source_id }),
  };
}

/**
 * Writes a row for every published image of the shards, from their redaction logs.
 *
 * @throws OutputError
 */
export async function writeHfMetadata(
  out: string,
  shards: Iterable<string>,
  at: (index: number) => SinkSample,
): Promise<WrittenFile> {
  const path = join(out, HF_METADATA);
  const temporary = `${path}.tmp`;
  const digest = createHash('sha256');
  try {
    await rm(temporary, { force: true });
    await withFile(temporary, 'wx', async (handle) => {
      let index = 0;
      for (const shard of shards) {
        const samples = (await readShardLog(out, shard)).map((record) => ({ record, index: index++ }));
        const rows = jsonLines(
          samples.flatMap(({ record, index }) =>
            record.status === 'verified' ? [hfMetadataRow(record, at(index).cls)] : [],
          ),
        );
        digest.update(rows);
        await handle.writeFile(rows);
      }
      await handle.sync();
    });
    await rename(temporary, path);
    await syncFolder(out);
  } catch (error) {
    throw asOutputError(path, error);
  }
  return { path: HF_METADATA, sha256: digest.digest('hex') };
}

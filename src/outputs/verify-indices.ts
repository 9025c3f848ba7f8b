import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RedactionRecord } from '../core/outcome.ts';
import { daliIndex } from '../io/dali-index.ts';
import { HF_METADATA, hfMetadataRow } from '../io/hf-metadata.ts';
import { skipBody, tarEntries } from '../io/tar-archive.ts';
import { type MemberPlace, memberLength } from '../io/tar-writer.ts';
import { sidecarOf } from '../io/target-names.ts';

/** Checks that there is an index for every shard, and that it tells where each member is. */
export async function checkDaliIndices(out: string, files: readonly string[], problems: string[]): Promise<void> {
  for (const file of files.filter((f) => /^\d+\.tar$/.test(f))) {
    const name = file.replace(/tar$/, 'idx');
    try {
      const index = await readFile(path.join(out, name), 'utf8');
      if (index !== daliIndex(await placesIn(path.join(out, file)))) {
        problems.push(`Expected ${name} to be the index of ${file}`);
      }
    } catch (error) {
      problems.push(`Expected ${file} with a readable ${name} but received: ${(error as Error).message}`);
    }
  }
}

async function placesIn(tar: string): Promise<MemberPlace[]> {
  const places: MemberPlace[] = [];
  let start = 0;
  for await (const entry of tarEntries(tar)) {
    const { name, size } = entry.header;
    places.push({ name, offset: start + memberLength(0), size });
    start += memberLength(size);
    await skipBody(entry);
  }
  return places;
}

/** Checks that the table has a row for every published image, as its record says. */
export async function checkHfMetadata(
  out: string,
  files: readonly string[],
  records: ReadonlyMap<string, RedactionRecord>,
  problems: string[],
): Promise<void> {
  const present = new Set(files);
  const expected: string[] = [];
  for (const record of records.values()) {
    if (record.status !== 'verified' || record.file === undefined) continue;
    const sidecar = sidecarOf(record.file, 'cls');
    const cls = present.has(sidecar) ? await readFile(path.join(out, sidecar), 'utf8') : undefined;
    expected.push(`${JSON.stringify(hfMetadataRow(record, cls))}\n`);
  }
  const text = await readFile(path.join(out, HF_METADATA), 'utf8').catch(() => undefined);
  if (text !== expected.join('')) problems.push(`Expected ${HF_METADATA} to agree with the redaction log`);
}

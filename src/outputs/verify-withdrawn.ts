import type { RedactionRecord } from '../core/outcome.ts';
import { readTombstones } from '../io/tombstones.ts';
import { digestOfSums, readVersions } from '../io/versions.ts';

/** Holds the list of withdrawn samples against the redaction log. */
export async function checkTombstones(
  out: string,
  records: ReadonlyMap<string, { readonly key: string; readonly status: RedactionRecord['status'] }>,
  problems: string[],
): Promise<void> {
  let listed: Set<string>;
  try {
    listed = new Set((await readTombstones(out)).map(({ key }) => key));
  } catch {
    problems.push('Expected withdrawn.jsonl as this tool writes it but received another form');
    return;
  }
  for (const key of listed) {
    if (records.get(key)?.status !== 'withdrawn')
      problems.push(`Expected ${key} to be withdrawn but it is not in the log`);
  }
  for (const { key, status } of records.values()) {
    if (status === 'withdrawn' && !listed.has(key))
      problems.push(`Expected ${key} in withdrawn.jsonl but it is missing`);
  }
}

/** Holds the last version of the history against the checksums. */
export async function checkVersions(out: string, problems: string[]): Promise<void> {
  try {
    const last = (await readVersions(out)).at(-1);
    if (last !== undefined && last.sha256sums !== (await digestOfSums(out))) {
      problems.push('Expected the checksums of the last version in versions.jsonl but they differ');
    }
  } catch {
    problems.push('Expected versions.jsonl as this tool writes it but received another form');
  }
}

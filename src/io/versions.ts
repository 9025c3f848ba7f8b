import { join } from 'node:path';
import * as v from 'valibot';
import { sha256OfFile, writeFileAtomic } from './atomic.ts';
import { readClosedLines } from './closed-lines.ts';
import { jsonLines } from './records.ts';
import { SUMS_FILE, VERSIONS } from './run-log.ts';

const number = v.pipe(v.number(), v.integer(), v.minValue(1));
const day = v.pipe(v.string(), v.isoDate());
const sums = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** A closed schema: nothing else may be told of a change. */
const versionSchema = v.variant('change', [
  v.strictObject({ version: v.literal(1), change: v.literal('published'), sha256sums: sums }),
  v.strictObject({
    version: number,
    change: v.literal('withdrawn'),
    /** UTC; not more exact, so that it cannot be held against when somebody asked. */
    date: day,
    samples: number,
    shards: v.array(v.pipe(v.string(), v.regex(/^\d+$/))),
    sha256sums: sums,
  }),
  v.strictObject({ version: number, change: v.literal('completed'), sha256sums: sums }),
]);

/** A state of an output: what was changed in it, and the SHA-256 of its SHA256SUMS then. */
export type Version = v.InferOutput<typeof versionSchema>;
type Change = Version extends infer T ? (T extends Version ? Omit<T, 'version' | 'sha256sums'> : never) : never;

/** @returns none when an output is as it was first published. @throws UsageError for another content. */
export function readVersions(out: string): Promise<Version[]> {
  return readClosedLines(join(out, VERSIONS), versionSchema);
}

/** SHA-256 of the SHA256SUMS of an output, hex. @throws Error when there are none. */
export function digestOfSums(out: string): Promise<string> {
  return sha256OfFile(join(out, SUMS_FILE));
}

/** Appends a version, also the first one. @throws OutputError */
export async function appendVersion(out: string, change: Change, first?: string): Promise<void> {
  const sha256sums = await digestOfSums(out);
  const versions = await readVersions(out);
  if (versions.length === 0 && first !== undefined)
    versions.push({ version: 1, change: 'published', sha256sums: first });
  versions.push({ version: versions.length + 1, ...change, sha256sums } as Version);
  await writeFileAtomic(join(out, VERSIONS), jsonLines(versions));
}

/** Appends a version to the history of an output that has one, unless its checksums are those of the last. */
export async function recordVersion(out: string, change: Change): Promise<void> {
  const last = (await readVersions(out)).at(-1);
  if (last !== undefined && last.sha256sums !== (await digestOfSums(out))) await appendVersion(out, change);
}

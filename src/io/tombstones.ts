import { join } from 'node:path';
import * as v from 'valibot';
import { writeFileAtomic } from './atomic.ts';
import { readClosedLines } from './closed-lines.ts';
import { readPrivateWithdrawn } from './private-withdrawn.ts';
import { jsonLines } from './records.ts';
import { TOMBSTONES } from './run-log.ts';
import type { Seal } from './seal.ts';

/** A closed schema: no name, and no time of day. */
const tombstoneSchema = v.strictObject({
  key: v.pipe(v.string(), v.regex(/^\d{9,15}$/)),
  /** Version of the output from which on the sample is not in it. */
  version: v.pipe(v.number(), v.integer(), v.minValue(2)),
  /** UTC. */
  date: v.pipe(v.string(), v.isoDate()),
});

/** Says in public that a sample was withdrawn, for those who have an earlier version. */
export type Tombstone = v.InferOutput<typeof tombstoneSchema>;

/** @throws UsageError for another content. */
export function readTombstones(out: string): Promise<Tombstone[]> {
  return readClosedLines(join(out, TOMBSTONES), tombstoneSchema);
}

/** Adds those of which there is none yet, in the order of keys. @throws OutputError */
export async function addTombstones(out: string, added: readonly Tombstone[]): Promise<void> {
  const all = new Map([...added, ...(await readTombstones(out))].map((tombstone) => [tombstone.key, tombstone]));
  const sorted = [...all.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  await writeFileAtomic(join(out, TOMBSTONES), jsonLines(sorted));
}

/** Samples that must not come back, by what the output says and what the private folder says. */
export async function withdrawnSamples(out: string, privateDir: string, seal: Seal | undefined): Promise<Set<number>> {
  const tombstones = await readTombstones(out);
  return new Set([...tombstones.map(({ key }) => Number(key)), ...(await readPrivateWithdrawn(privateDir, seal))]);
}

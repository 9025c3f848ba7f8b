import type {
  PublishedOutcome,
  RecordRegion,
  RejectedOutcome,
  RejectedRecord,
  VerifiedRecord,
  WithdrawnRecord,
} from '../core/outcome.ts';
import { CLASSES, type ClassName } from '../core/types.ts';
import { sha256 } from './atomic.ts';
import type { KeptMembers } from './inputs/kept.ts';

/** A region, copied field by field: what is not in the schema must not reach a public file. */
export function publicRegion<O>(region: Omit<RecordRegion, 'origin'> & { readonly origin: O }) {
  const { track, box, shape, mode, requested, cells, sigma, origin } = region;
  return {
    ...(track === undefined ? {} : { track }),
    class: region.class,
    ...(box === undefined ? {} : { box }),
    shape,
    mode,
    ...(requested === undefined ? {} : { requested }),
    ...(cells === undefined ? {} : { cells }),
    ...(sigma === undefined ? {} : { sigma }),
    origin,
  };
}

/**
 * The public record of a published sample. Copied field by field: this is the last edge before
 * public files, and what is not in the schema must not cross it.
 */
export function verifiedRecord(
  key: string,
  file: string | undefined,
  record: PublishedOutcome['record'],
): VerifiedRecord {
  return {
    v: 1,
    key,
    ...(file === undefined ? {} : { file }),
    status: 'verified',
    width: record.width,
    height: record.height,
    policy: record.policy,
    models: [...record.models],
    counts: Object.fromEntries(CLASSES.map((name) => [name, record.counts[name]])) as Record<ClassName, number>,
    regions: record.regions.map(publicRegion),
    ...(record.protected === undefined ? {} : { protected: record.protected }),
    stripped: [...record.stripped],
    ...(record.kept === undefined ? {} : { kept: { ...record.kept } }),
    out_sha256: record.out_sha256,
    ...(record.source_id === undefined ? {} : { source_id: record.source_id }),
  };
}

/** SHA-256 of what is published with an image, by extension, for its record; nothing when nothing is. */
export function keptDigests(kept: KeptMembers | undefined): Pick<VerifiedRecord, 'kept'> {
  if (kept === undefined || kept.size === 0) return {};
  const sorted = [...kept].sort(([a], [b]) => (a < b ? -1 : 1));
  return { kept: Object.fromEntries(sorted.map(([extension, bytes]) => [extension, sha256(bytes)])) };
}

/** A reason that may be published: one that is no code is withheld. */
export function publicReason(reason: string): string {
  return /^[a-z0-9_:-]{1,64}$/.test(reason) ? reason : 'unspecified';
}

/** The public record of a sample that was not published. */
export function rejectedRecord(
  key: string,
  { status, stage, reason }: Pick<RejectedOutcome, 'status' | 'stage' | 'reason'>,
): RejectedRecord {
  return { v: 1, key, status, stage, reason: publicReason(reason) };
}

/** The public record of a sample that was withdrawn. */
export function withdrawnRecord(key: string): WithdrawnRecord {
  return { v: 1, key, status: 'withdrawn' };
}

/**
 * The record as the `.json` of its sample. What may be an empty list is JSON text there: Hugging Face's datasets take the
 * type of every field from the first five samples, where an empty list has none, and refuse what comes later.
 */
export function sampleRecord(record: VerifiedRecord): string {
  const { regions, stripped } = record;
  // In the place that they have in the log.
  return JSON.stringify({ ...record, regions: JSON.stringify(regions), stripped: JSON.stringify(stripped) });
}

/** One object per line. */
export function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

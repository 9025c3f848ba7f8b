import * as v from 'valibot';
import type { RejectedRecord, WithdrawnRecord } from '../core/outcome.ts';
import { type ClassName, ORIGINS } from '../core/types.ts';
import { publicRegion } from '../io/records.ts';
import { regionSchema } from '../outputs/record-schema.ts';
import type { AudioMode } from '../video/types.ts';
import type { ClipRegion } from '../worker/clip.ts';

/** First line of the public log of a published clip; a line for every frame follows. */
export interface VerifiedClip {
  readonly v: 1;
  readonly key: string;
  readonly kind: 'clip';
  /** Path below the output folder. */
  readonly file: string;
  readonly status: 'verified';
  /** Pixels of the upright frame. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** Hash of every setting that decides what is redacted and how. */
  readonly policy: string;
  readonly models: readonly string[];
  /** Tracks of each class. */
  readonly counts: Readonly<Record<ClassName, number>>;
  readonly audio: AudioMode;
  /** Kinds of streams that the source had and the output has not. */
  readonly stripped: readonly string[];
  readonly out_sha256: string;
  /** HMAC-SHA256 of the source's bytes, hex, under a key that only the private folder has; absent unless asked for. */
  readonly source_id?: string;
}

/** What was redacted in one frame. */
export interface FrameRecord {
  readonly frame: number;
  readonly regions: readonly ClipRegion[];
}

export type ClipRecord = VerifiedClip | RejectedRecord | WithdrawnRecord;

const length = v.pipe(v.number(), v.integer(), v.minValue(0));
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const key = v.pipe(v.string(), v.regex(/^\d{9,}$/));
const code = v.pipe(v.string(), v.regex(/^[a-z0-9_:-]{1,64}$/));

/** The first line of a clip's log as a closed schema. */
export const clipRecordSchema = v.variant('status', [
  v.strictObject({
    v: v.literal(1),
    key,
    kind: v.literal('clip'),
    file: v.string(),
    status: v.literal('verified'),
    width: length,
    height: length,
    frames: length,
    policy: hash,
    models: v.array(v.pipe(v.string(), v.regex(/^[a-z]+:[a-z0-9.-]+@(sha256:[0-9a-f]{64}|interim|given)$/))),
    counts: v.strictObject({ face: length, body: length, plate: length, text: length }),
    audio: v.picklist(['drop', 'keep', 'mask']),
    stripped: v.array(code),
    out_sha256: hash,
    source_id: v.optional(hash),
  }),
  v.strictObject({
    v: v.literal(1),
    key,
    status: v.picklist(['quarantined', 'failed_to_anonymize']),
    stage: v.picklist(['read', 'decode', 'detect', 'redact', 'encode', 'verify', 'worker']),
    reason: code,
  }),
  v.strictObject({ v: v.literal(1), key, status: v.literal('withdrawn') }),
]);

/** Every other line. */
export const frameRecordSchema = v.strictObject({
  frame: length,
  regions: v.array(
    v.strictObject({
      ...regionSchema.entries,
      track: length,
      origin: v.picklist([...ORIGINS, 'interpolated']),
    }),
  ),
});

/** A region as a line of the log tells it. */
export function publicClipRegion(region: ClipRegion): ClipRegion {
  return { track: region.track, ...publicRegion(region) };
}

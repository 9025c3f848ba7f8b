import * as v from 'valibot';
import { CLASSES, MODES, ORIGINS } from '../core/types.ts';

const length = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Of an image, or of a frame of a clip. */
const key = v.pipe(v.string(), v.regex(/^\d{9,}(_\d{9,})?$/));
const code = v.pipe(v.string(), v.regex(/^[a-z0-9_:-]{1,64}$/));

const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** A region of an image; those of a frame of a clip have a track. */
export const regionSchema = v.strictObject({
  track: v.optional(length),
  class: v.picklist(CLASSES),
  box: v.optional(v.tuple([length, length, length, length])),
  shape: v.picklist(['box', 'ellipse', 'polygon']),
  mode: v.picklist(MODES),
  requested: v.optional(v.literal('synthetic')),
  cells: v.optional(v.number()),
  sigma: v.optional(v.number()),
  origin: v.picklist([...ORIGINS, 'interpolated']),
});

/** The public redaction record as a closed schema: a field that is not listed is an error. */
export const recordSchema = v.variant('status', [
  v.strictObject({
    v: v.literal(1),
    key,
    file: v.optional(v.string()),
    status: v.literal('verified'),
    width: length,
    height: length,
    policy: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    models: v.array(v.pipe(v.string(), v.regex(/^[a-z]+:[a-z0-9.-]+@(sha256:[0-9a-f]{64}|interim|given)$/))),
    counts: v.strictObject({ face: length, body: length, plate: length, text: length }),
    regions: v.array(regionSchema),
    protected: v.optional(length),
    stripped: v.array(code),
    kept: v.optional(v.record(v.pipe(v.string(), v.regex(/^[a-z0-9_.]{1,128}$/)), digest)),
    out_sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    source_id: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
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

import type { Stage } from '../errors.ts';
import type { LabelLoss } from './labels.ts';
import type { ClassName, Detection, ImageFormat, Mode, Origin, RegionShape } from './types.ts';

/** One redacted region as the public log shows it. */
export interface RecordRegion {
  /** In a frame of a clip: number of the thing that is followed. */
  readonly track?: number;
  readonly class: ClassName;
  /** x, y, width, height in pixels of the output image, grown and snapped; absent with `--log-geometry none`. */
  readonly box?: readonly [number, number, number, number];
  readonly shape: RegionShape;
  readonly mode: Mode;
  /** The mode that was asked for, when `mode` had to stand in for it. */
  readonly requested?: 'synthetic';
  /** Mean cells across the bounded side, for `blur` and `pixelate`. */
  readonly cells?: number;
  /** Standard deviation in pixels, for `gaussian`. */
  readonly sigma?: number;
  /** `interpolated`: in a frame of a clip, inferred from frames before and after. */
  readonly origin: Origin | 'interpolated';
}

/** Public redaction record of a published sample: a closed schema, nothing of the source in it. */
export interface VerifiedRecord {
  readonly v: 1;
  readonly key: string;
  /** Path below the output folder; only with `--format folder`, where names are public anyway. */
  readonly file?: string;
  readonly status: 'verified';
  readonly width: number;
  readonly height: number;
  /** Hash of every setting that decides what is redacted and how. */
  readonly policy: string;
  /** `class:id@sha256:…` of each model that looked at the image. */
  readonly models: readonly string[];
  readonly counts: Readonly<Record<ClassName, number>>;
  readonly regions: readonly RecordRegion[];
  /** Detections that were left as they are, since they lie in objects that labels protect; absent when none are. */
  readonly protected?: number;
  /** Kinds of metadata that the source carried and the output does not. */
  readonly stripped: readonly string[];
  /** SHA-256 of what was published with the image as it was given, by extension; absent when nothing was. */
  readonly kept?: Readonly<Record<string, string>>;
  /** SHA-256 of the published image bytes. */
  readonly out_sha256: string;
  /** HMAC-SHA256 of the source bytes, hex, under a key that only the private folder has; absent unless asked for. */
  readonly source_id?: string;
}

/** Public record of a sample that was not published. */
export interface RejectedRecord {
  readonly v: 1;
  readonly key: string;
  readonly status: RejectedStatus;
  readonly stage: Stage;
  readonly reason: string;
}

/** Public record of a sample that was withdrawn after it was published, or was not: nothing of it is told. */
export interface WithdrawnRecord {
  readonly v: 1;
  readonly key: string;
  readonly status: 'withdrawn';
}

export type RedactionRecord = VerifiedRecord | RejectedRecord | WithdrawnRecord;

/**
 * `quarantined`: the sample itself is at fault (unreadable, refused, failed verification).
 * `failed_to_anonymize`: the processing was (worker died, time limit, unexpected error).
 */
export type RejectedStatus = 'quarantined' | 'failed_to_anonymize';

export interface PublishedOutcome {
  readonly status: 'verified';
  /** The encoded, re-opened image. */
  readonly bytes: Uint8Array;
  readonly format: ImageFormat;
  /** The public record but for what only the sink knows. */
  readonly record: Omit<VerifiedRecord, 'key' | 'file'>;
  /** For the private directory only: tight boxes, scores, polygons. */
  readonly detections: readonly Detection[];
  /** For the private directory only: labelled objects and what they lost; absent without labels. */
  readonly labels?: readonly LabelLoss[];
  /** For the private directory only: SHA-256 of the bytes that came in. */
  readonly sourceSha256?: string;
  /** Milliseconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

export interface RejectedOutcome {
  readonly status: RejectedStatus;
  readonly stage: Stage;
  /** Stable public code, such as `truncated`. */
  readonly reason: string;
  /** For the private directory only. */
  readonly message: string;
}

/** What became of one sample. */
export type Outcome = PublishedOutcome | RejectedOutcome;

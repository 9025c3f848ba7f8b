import type { Config } from '../config.ts';
import type { Correction } from '../core/corrections.ts';
import type { SampleLabels } from '../core/labels.ts';
import type { Outcome, RejectedOutcome } from '../core/outcome.ts';
import type { SampleRef } from '../core/sample.ts';
import type { ClassName, Detection } from '../core/types.ts';
import type { GuideSetup } from '../detect/guides/index.ts';
import type { DetectSetup } from '../detect/pipeline.ts';
import type { Policy } from '../redact/plan.ts';
import type { DetectedSegment, DetectSegment, RedactedSegment, RedactSegment, StoppedSegment } from './clip.ts';
import type { PosedSegment, PoseSegment } from './clip-poses.ts';
import type { FrameSegment, RedactedFrames } from './frames.ts';
import type { PassedClip, SinglePass } from './single-pass.ts';

/** Everything a worker needs to know. Plain data: it crosses threads once, when the worker starts. */
export interface Job
  extends Pick<
    Config,
    | 'fill'
    | 'bodyFill'
    | 'textFill'
    | 'seed'
    | 'encode'
    | 'jpegQuality'
    | 'logGeometry'
    | 'limitPixels'
    | 'timeLimit'
    | 'device'
  > {
  /** Without networks, every sample comes with its detections. */
  readonly detect: DetectSetup;
  /** Categories of labelled objects in which only faces are redacted. */
  readonly protectLabels: readonly string[];
  /** Networks that replacements follow. */
  readonly guides: GuideSetup;
  /** File of the appearance model from which synthetic faces are drawn; absent when there are none. */
  readonly faces?: string;
  readonly policy: Policy;
  /** `class:id@sha256:…`, for the public record. */
  readonly models: readonly string[];
  readonly policyHash: string;
  /** Hex; with it every record tells the HMAC-SHA256 of the bytes that came in. */
  readonly sourceIdKey?: string;
  /** A photograph with at least this many instances of each class, all of which must be found. */
  readonly selfCheck: { readonly path: string; readonly expect: Readonly<Partial<Record<ClassName, number>>> };
}

/** What is known of a sample before anybody looks at it. */
export interface Known {
  /** Taken instead of what detectors would find: of an earlier run, or boxes that came with the images. */
  readonly detections?: readonly Detection[];
  /** SHA-256 of the bytes in which they were found: other bytes are another image. */
  readonly sourceSha256?: string;
  /** Labelled objects of the image. */
  readonly labels?: SampleLabels;
  /** What a person says about what was found. */
  readonly corrections?: readonly Correction[];
}

export type Task =
  | { readonly kind: 'check' }
  /** Samples of one group get the same replacements. */
  | { readonly kind: 'sample'; readonly ref: SampleRef; readonly group: number; readonly known: Known }
  | { readonly kind: 'detect'; readonly ref: SampleRef }
  | { readonly kind: 'single-pass'; readonly pass: SinglePass }
  | SegmentTask;

/** Work on a part of a clip. */
export type SegmentTask =
  | { readonly kind: 'detect-segment'; readonly segment: DetectSegment }
  | { readonly kind: 'pose-segment'; readonly segment: PoseSegment }
  | { readonly kind: 'redact-segment'; readonly segment: RedactSegment }
  | { readonly kind: 'frame-segment'; readonly segment: FrameSegment };

/** What the networks saw in one sample, before anything is redacted. */
export interface DetectedSample {
  readonly status: 'detected';
  /** Pixels of the upright image. */
  readonly width: number;
  readonly height: number;
  readonly detections: readonly Detection[];
  /** Milliseconds: `decode`, then every stage of detection. */
  readonly timings: Readonly<Record<string, number>>;
}

/** What became of a part of a clip. */
export type SegmentOutcome =
  | DetectedSegment
  | PosedSegment
  | RedactedSegment
  | RedactedFrames
  | StoppedSegment
  | RejectedOutcome;

/** What became of a clip that was read once. */
export type SinglePassOutcome = PassedClip | StoppedSegment | RejectedOutcome;

/** Errors lose their class between threads, so a reply says what happened. */
export type Reply =
  | { readonly kind: 'ready'; readonly providers: readonly string[] }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'detected'; readonly outcome: DetectedSample | RejectedOutcome }
  | { readonly kind: 'segment'; readonly outcome: SegmentOutcome }
  | { readonly kind: 'passed'; readonly outcome: SinglePassOutcome }
  /** The worker cannot be trusted with any sample. */
  | { readonly kind: 'fatal'; readonly message: string };

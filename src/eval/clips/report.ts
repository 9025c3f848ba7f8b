import type { ClassName } from '../../core/types.ts';
import type { FailedImage, Group, ImageMeasures, ObjectMeasures } from '../report.ts';
import type { Share } from '../statistics.ts';
import type { ClipLabelFormat } from './labels.ts';

/** Labelled frames in a row in which one thing is not covered. */
export interface UncoveredRun {
  /** Name of the clip below the data folder. */
  readonly clip: string;
  readonly class: ClassName;
  readonly id: string;
  /** First frame of the run, and its length. */
  readonly from: number;
  readonly frames: number;
  /** Least share of the thing's pixels that is redacted by its own class in a frame of the run. */
  readonly coverage: number;
  /** Labelled frames of the thing. */
  readonly of: number;
}

/**
 * One class over all clips. `objects` are labelled boxes, each in its frame, `images` the things that they belong to:
 * intervals are over things. Boxes without an id count as one thing a clip.
 */
export interface ClipClassReport extends ObjectMeasures, Pick<ImageMeasures, 'background' | 'unlabelled'> {
  readonly class: ClassName;
  /** `id@sha256:…` */
  readonly model: string;
  readonly threshold: number;
  readonly grow: number;
  readonly ignored: number;
  /** Labelled boxes that lie outside the picture. */
  readonly outside: number;
  /** Share of the labelled frames that show the class in which all of it is covered. */
  readonly wholeFrames: Share;
  /** Things with an id, and those of them that are covered in every labelled frame. */
  readonly things: Share;
  /** Frames of the longest run of any thing. */
  readonly longestRun: number;
  /** The longest run of each thing that has one, longest first. */
  readonly runs: readonly UncoveredRun[];
  readonly byHeight: readonly Group[];
  /** By clip. */
  readonly bySource: readonly (Group & Pick<ImageMeasures, 'background' | 'unlabelled'>)[];
}

export interface ClipEvaluationReport {
  readonly v: 1;
  readonly kind: 'clips';
  readonly version: string;
  readonly data: string;
  readonly formats: readonly ClipLabelFormat[];
  /** Category names that stand for no class, with the number of their boxes. */
  readonly unmapped: Readonly<Record<string, number>>;
  /** Videos without labels: not measured. */
  readonly unlabelled: readonly string[];
  readonly quality: string;
  readonly detectEvery: number;
  readonly device: readonly string[];
  readonly workers: number;
  /** Clips that were measured, all of their frames, and the labelled ones. */
  readonly clips: number;
  readonly frames: number;
  readonly labelledFrames: number;
  readonly failed: readonly FailedImage[];
  readonly seconds: number;
  /** Share of the labelled frames that show anything in which everything is covered: by its own class, by any class. */
  readonly wholeFrames: Share;
  readonly wholeFramesAnyClass: Share;
  readonly classes: readonly ClipClassReport[];
}

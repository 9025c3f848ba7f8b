import type { Box, ClassName, Detection, Origin } from '../../core/types.ts';

/** What was found in one frame that was looked at; a frame that nobody looked at is not listed. */
export interface FrameDetections {
  readonly frame: number;
  /** Pixels of the upright frame, in any order. */
  readonly detections: readonly Detection[];
}

/** When the frames of a clip are shown and where its scenes begin. */
export interface Timeline {
  /** Pixels of the upright frame. */
  readonly width: number;
  readonly height: number;
  /** Of every frame, in steps: 1 is the usual time between two frames of the clip. Strictly increasing. */
  readonly times: readonly number[];
  /** First frames of scenes, increasing; the first of all may be missing. */
  readonly cuts: readonly number[];
}

export interface TrackingOptions {
  /** Least score of a detection that may begin a track. What is below may only continue one. */
  readonly thresholds: Readonly<Record<ClassName, number>>;
  /** Every how many frames somebody looked. */
  readonly detectEvery: number;
}

/** One thing that was followed: where it is redacted, frame by frame without gaps. */
export interface Track {
  /** 0, 1, 2… in the order of class, first frame and place: the same whatever the order of the detections. */
  readonly id: number;
  readonly class: ClassName;
  /** First frame. */
  readonly from: number;
  /** What to cover in frame `from + i`: at least what was detected there. Not clipped to the frame. Pixels. */
  readonly boxes: readonly Box[];
  /** Whether it was detected in frame `from + i`; otherwise the box is inferred from frames before and after. */
  readonly seen: readonly boolean[];
  /** Where somebody else has the word, in frame `from + i`: the thing is not there, or its box is theirs. */
  readonly said?: readonly (TrackWord | undefined)[];
}

/** `removed` by a person who looked; or a box that such a person has drawn, or that came with the clip. */
export type TrackWord = 'removed' | Exclude<Origin, 'detector'>;

/** A box that was detected, or several that are one. */
export interface Sighting {
  readonly frame: number;
  readonly box: Box;
}

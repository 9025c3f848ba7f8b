import type { ClassName } from '../../core/types.ts';
import type { LabelledObject } from '../labels/types.ts';

/** One labelled thing in one frame. */
export interface ClipObject extends LabelledObject {
  /** The same over the frames of a clip; absent where the labels give none. */
  readonly id?: string;
}

export const CLIP_LABEL_FORMATS = ['frames', 'mot'] as const;
export type ClipLabelFormat = (typeof CLIP_LABEL_FORMATS)[number];

/** What a label file says of a clip. */
export interface ClipLabels {
  readonly format: ClipLabelFormat;
  /** Classes of which every visible instance is labelled in the labelled frames. */
  readonly labelled: readonly ClassName[];
  /** By frame, from 0 on. Frames that are not in it are not labelled, unless `areAllLabelled`. */
  readonly frames: ReadonlyMap<number, readonly ClipObject[]>;
  /** Whether frames without an entry show nothing, rather than being unlabelled. */
  readonly areAllLabelled: boolean;
}

import type { Box, Point } from './types.ts';

/** One labelled object of whatever category. */
export interface LabelledArea {
  readonly category: string;
  readonly box: Box;
  /** The outline where the labels give one; not necessarily convex. */
  readonly polygon?: readonly Point[];
}

/** What labels say of one image: of the upright image, as all pixels here are. */
export interface SampleLabels {
  /** Of boxes and outlines: pixels, or fractions of width and height. */
  readonly unit: 'pixel' | 'fraction';
  /** Pixels that the labels say the image has. Others mean that they are of another image, or of one not upright. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly areas: readonly LabelledArea[];
}

/** A labelled object in pixels and the share of its area that was redacted, 0 to 1. */
export interface LabelLoss extends LabelledArea {
  readonly lost: number;
}

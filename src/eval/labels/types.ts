import type { Box, ClassName, Point } from '../../core/types.ts';

/** One labelled instance, in pixels of the upright image. */
export interface LabelledObject {
  readonly class: ClassName;
  /** As labelled: it may reach over the image's border and need not be integral. */
  readonly box: Box;
  /** The outline where the labels give one; not necessarily convex. */
  readonly polygon?: readonly Point[];
  /** Neither a miss when it stays visible nor a false alarm when it is redacted (crowds, unreadable text). */
  readonly ignore: boolean;
  /** What else the labels say, such as `skin: "II"` or `mask: "with_mask"`. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface LabelledImage {
  /** Absolute path. */
  readonly file: string;
  /** Path below the data folder, POSIX separators; for people who look for the image. */
  readonly name: string;
  /** Where the photograph comes from, to be reported separately; the folder's name when labels do not say. */
  readonly source: string;
  /** Classes of which every visible instance is labelled. Other classes say nothing about this image. */
  readonly labelled: readonly ClassName[];
  readonly objects: readonly LabelledObject[];
}

export const LABEL_FORMATS = ['native', 'coco', 'yolo', 'voc'] as const;
export type LabelFormat = (typeof LABEL_FORMATS)[number];

export interface LabelSet {
  /** Sorted by `name`. */
  readonly images: readonly LabelledImage[];
  /** The formats that were found, in the order of `LABEL_FORMATS`. */
  readonly formats: readonly LabelFormat[];
  /** Category names that stand for no class of ours, with the number of their objects. */
  readonly unmapped: Readonly<Record<string, number>>;
}

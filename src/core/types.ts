/** What can be found and redacted, in the order in which tables and logs list it. */
export const CLASSES = ['face', 'body', 'plate', 'text'] as const;
export type ClassName = (typeof CLASSES)[number];

/** What a detector may report: a class, or evidence that guides another class and is never redacted. */
export type Label = ClassName | 'vehicle';

export const MODES = ['blur', 'gaussian', 'pixelate', 'solid', 'none'] as const;
export type Mode = (typeof MODES)[number];

/** Image formats that can be read and published. */
export const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'tiff', 'gif'] as const;
export type ImageFormat = (typeof FORMATS)[number];

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Axis-aligned box, xyxy, in pixels of the upright image, origin at its top left corner.
 * Half-open: a pixel column `x` is inside when `x1 <= x < x2`. Not necessarily integral.
 */
export interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Upright sRGB image, 8 bits, HWC interleaved RGB: `data.length === width * height * 3`. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** One instance that a model reports, in pixels of the upright image. */
export interface Detection {
  readonly label: Label;
  readonly box: Box;
  /** 0…1, comparable only within one model. */
  readonly score: number;
  /** Convex outline, clockwise on screen, when the model gives more than a box. */
  readonly polygon?: readonly Point[];
  /** Id of the model that found it. */
  readonly model: string;
}

export type RegionShape = 'box' | 'ellipse' | 'polygon';

/** One area to redact, already grown. Every pixel that its shape touches loses its content. */
export interface Region {
  readonly class: ClassName;
  /**
   * Integral bounding box of what is redacted (without the feather), clipped to the image.
   * For `ellipse`, the ellipse is defined by `core`.
   */
  readonly box: Box;
  readonly shape: RegionShape;
  /** The grown, unclipped box that must be covered whole. An ellipse circumscribes it. */
  readonly core: Box;
  /** Convex, clockwise on screen, unclipped; only for `polygon`. */
  readonly polygon?: readonly Point[];
  readonly mode: Exclude<Mode, 'none'>;
  /** Length in pixels of the side that bounds the strength: the short side, or a text line's height. */
  readonly shortSide: number;
}

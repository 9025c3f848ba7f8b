/** What can be found and redacted, in the order in which tables and logs list it. */
export const CLASSES = ['face', 'body', 'plate', 'text'] as const;
export type ClassName = (typeof CLASSES)[number];

/** What a detector may report: a class, or evidence that guides another class and is never redacted. */
export type Label = ClassName | 'vehicle';

export const MODES = ['blur', 'gaussian', 'pixelate', 'solid', 'inpaint', 'synthetic', 'none'] as const;
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

/** Who says that there is something to redact: a detector, boxes that came with the images, or a person who looked. */
export const ORIGINS = ['detector', 'given', 'review'] as const;
export type Origin = (typeof ORIGINS)[number];

/** One instance that a model reports, in pixels of the upright image. */
export interface Detection {
  readonly label: Label;
  readonly box: Box;
  /** 0…1, comparable only within one model. */
  readonly score: number;
  /** Convex outline, clockwise on screen, when the model gives more than a box. */
  readonly polygon?: readonly Point[];
  /** Id of the model that found it; the origin when no model did. */
  readonly model: string;
  /** Absent for `detector`. */
  readonly origin?: Exclude<Origin, 'detector'>;
  /** In a clip: number of the thing that is followed over its frames. */
  readonly track?: number;
}

/** The points of a face in the order of iBUG 300-W (68: jaw 0–16, brows 17–26, nose 27–35, eyes 36–47, mouth 48–67), pixels. */
export interface FaceGuide {
  readonly kind: 'face';
  readonly landmarks: readonly Point[];
  /** Where the eyes look, coarsely: −1 left or up in the image, 0 ahead, 1 right or down. Absent when they are too small. */
  readonly gaze?: { readonly x: -1 | 0 | 1; readonly y: -1 | 0 | 1 };
}

/** How a face is turned, how large it is and where (weak perspective). */
export interface FacePose {
  /** Radians: to a side, down, and clockwise on screen. */
  readonly turn: number;
  readonly nod: number;
  readonly tilt: number;
  /** Pixels of the image per pixel of the face model's frame. */
  readonly scale: number;
  /** Where the middle of the face lies in the image, pixels. */
  readonly shift: Point;
}

/** What a photograph is like at its finest. */
export interface Grain {
  /** Standard deviation of its noise, 0…255. */
  readonly noise: number;
  /** Standard deviation of the blur of its sharpest edges, pixels. */
  readonly blur: number;
}

/** What is followed of a face over the frames of a clip: no point of it, so that it may be evened out between frames. */
export interface FollowedFaceGuide {
  readonly kind: 'followed-face';
  readonly pose: FacePose;
  /** Coarse, in the order of the face model's movements. */
  readonly expression: readonly number[];
  readonly gaze?: FaceGuide['gaze'];
  /** Logarithm of the brightness of its skin: whoever is drawn stays the same in more or less light. */
  readonly complexion: number;
  /** Of what surrounds the face, so that it is drawn as sharp in every frame. */
  readonly grain: Grain;
}

/** The joints of a body in the order of COCO (17: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles), pixels. */
export interface PoseGuide {
  readonly kind: 'pose';
  /** `score`: 0…1, how sure the network is of the joint. */
  readonly keypoints: readonly (Point & { readonly score: number })[];
}

/** What is followed over the frames of a clip, and evened out between them. */
export type FollowedGuide = FollowedFaceGuide | PoseGuide;

/** What a replacement follows. It describes a person and is never written anywhere. */
export type Guide = FaceGuide | FollowedFaceGuide | PoseGuide;

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
  /** The mode that was asked for, when it could not be carried out and `mode` stands in for it. */
  readonly requested?: 'synthetic';
  /** Length in pixels of the side that bounds the strength: the short side, or a text line's height. */
  readonly shortSide: number;
  /** Of the detection; absent for `detector`. */
  readonly origin?: Exclude<Origin, 'detector'>;
  /** What `synthetic` follows; without one, it has nothing to go by. */
  readonly guide?: Guide;
  /** Of the detection: regions of one track look alike from frame to frame. */
  readonly track?: number;
}

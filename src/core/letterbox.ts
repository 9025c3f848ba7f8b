import type { Box, Point } from './types.ts';

/** Where an image lies inside a model's input. All values in pixels of the model's input unless said otherwise. */
export interface Letterbox {
  /** Size of the model's input. */
  readonly width: number;
  readonly height: number;
  /** Model pixels per image pixel, per axis (equal up to rounding to whole pixels). */
  readonly scaleX: number;
  readonly scaleY: number;
  /** Top left corner and size of the image's content. */
  readonly left: number;
  readonly top: number;
  readonly contentWidth: number;
  readonly contentHeight: number;
}

export interface LetterboxOptions {
  /** Fixed input size, or the length the image's long side is scaled to. */
  readonly size: { readonly width: number; readonly height: number } | { readonly longSide: number };
  /** Dynamic inputs are padded up to a multiple of this. */
  readonly multiple: number;
  readonly align: 'top-left' | 'center';
  /** Pixels of the model per pixel of the image; default and upper limit: as large as the size allows. */
  readonly scale?: number;
}

/** Plans a letterbox: aspect ratio kept, the rest padded. */
export function planLetterbox(width: number, height: number, options: LetterboxOptions): Letterbox {
  const { size, multiple } = options;
  const largest =
    'longSide' in size ? size.longSide / Math.max(width, height) : Math.min(size.width / width, size.height / height);
  const scale = Math.min(options.scale ?? largest, largest);
  const contentWidth = Math.max(1, Math.round(width * scale));
  const contentHeight = Math.max(1, Math.round(height * scale));
  const padded = (n: number): number => Math.ceil(n / multiple) * multiple;
  const inputWidth = 'longSide' in size ? padded(contentWidth) : size.width;
  const inputHeight = 'longSide' in size ? padded(contentHeight) : size.height;
  const centred = options.align === 'center';
  return {
    width: inputWidth,
    height: inputHeight,
    scaleX: contentWidth / width,
    scaleY: contentHeight / height,
    left: centred ? Math.floor((inputWidth - contentWidth) / 2) : 0,
    top: centred ? Math.floor((inputHeight - contentHeight) / 2) : 0,
    contentWidth,
    contentHeight,
  };
}

/** A box in pixels of the model's input → pixels of the image (not clipped). */
export function boxToImage(box: Box, lb: Letterbox): Box {
  return {
    x1: (box.x1 - lb.left) / lb.scaleX,
    y1: (box.y1 - lb.top) / lb.scaleY,
    x2: (box.x2 - lb.left) / lb.scaleX,
    y2: (box.y2 - lb.top) / lb.scaleY,
  };
}

export function pointToImage(point: Point, lb: Letterbox): Point {
  return { x: (point.x - lb.left) / lb.scaleX, y: (point.y - lb.top) / lb.scaleY };
}

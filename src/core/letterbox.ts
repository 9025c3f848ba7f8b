import type { Box, Point, RgbImage } from './types.ts';

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
}

/** Plans a letterbox: aspect ratio kept, the rest padded. */
export function planLetterbox(width: number, height: number, options: LetterboxOptions): Letterbox {
  const { size, multiple } = options;
  const scale =
    'longSide' in size ? size.longSide / Math.max(width, height) : Math.min(size.width / width, size.height / height);
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

/** How pixel values enter a tensor: `(value - mean) / std` per tensor channel, value in 0…255. */
export interface TensorFormat {
  readonly layout: 'nchw' | 'nhwc';
  readonly channels: 'rgb' | 'bgr';
  /** In the order of the tensor's channels. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Value of the padding before normalisation, 0…255. */
  readonly pad: number;
}

interface Axis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/** Half-pixel-centre bilinear sampling positions of `out` pixels over `size` source pixels, times `stride`. */
function axis(out: number, size: number, stride: number): Axis {
  const low = new Int32Array(out);
  const high = new Int32Array(out);
  const weight = new Float32Array(out);
  for (let i = 0; i < out; i++) {
    const at = Math.min(size - 1, Math.max(0, ((i + 0.5) * size) / out - 0.5));
    const base = Math.floor(at);
    low[i] = base * stride;
    high[i] = Math.min(size - 1, base + 1) * stride;
    weight[i] = at - base;
  }
  return { low, high, weight };
}

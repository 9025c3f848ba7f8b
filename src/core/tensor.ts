import type { Letterbox } from './letterbox.ts';
import type { RgbImage } from './types.ts';

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

/**
 * Averages blocks of `factor` × `factor` pixels (fewer at the right and bottom edge), so that a
 * bilinear sample taken afterwards does not skip source pixels.
 */
export function reduceByBlocks(image: RgbImage, factor: number): RgbImage {
  const width = Math.ceil(image.width / factor);
  const height = Math.ceil(image.height / factor);
  const data = new Uint8Array(width * height * 3);
  const sums = new Uint32Array(width * 3);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    const rows = Math.min(factor, image.height - y * factor);
    for (let r = 0; r < rows; r++) {
      let at = (y * factor + r) * image.width * 3;
      for (let x = 0; x < width; x++) {
        const columns = Math.min(factor, image.width - x * factor);
        let red = 0;
        let green = 0;
        let blue = 0;
        for (let c = 0; c < columns; c++) {
          red += image.data[at++] as number;
          green += image.data[at++] as number;
          blue += image.data[at++] as number;
        }
        sums[x * 3] = (sums[x * 3] as number) + red;
        sums[x * 3 + 1] = (sums[x * 3 + 1] as number) + green;
        sums[x * 3 + 2] = (sums[x * 3 + 2] as number) + blue;
      }
    }
    for (let x = 0; x < width; x++) {
      const count = rows * Math.min(factor, image.width - x * factor);
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = Math.round((sums[x * 3 + c] as number) / count);
    }
  }
  return { data, width, height };
}

interface Axis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/**
 * Bilinear sampling positions (half-pixel centres) of `out` pixels over a source that is `extent`
 * pixels long and stored in `size` pixels of `stride` elements each.
 */
function samplingAxis(out: number, extent: number, size: number, stride: number): Axis {
  const low = new Int32Array(out);
  const high = new Int32Array(out);
  const weight = new Float32Array(out);
  for (let i = 0; i < out; i++) {
    const at = Math.min(size - 1, Math.max(0, ((i + 0.5) * extent) / out - 0.5));
    const base = Math.floor(at);
    low[i] = base * stride;
    high[i] = Math.min(size - 1, base + 1) * stride;
    weight[i] = at - base;
  }
  return { low, high, weight };
}

/** Whole-number reduction that brings an image within a factor of two of its letterboxed size. */
export function reductionFactor(lb: Letterbox): number {
  return Math.max(1, Math.floor(1 / Math.max(lb.scaleX, lb.scaleY)));
}

/**
 * Resizes, pads, normalises and reorders in one pass: RGB8 HWC → float32, shape [1,3,H,W] or [1,H,W,3].
 * `image` may be the original or its `reduceByBlocks` by `factor`. Writes and returns `into`, which
 * must hold `lb.width * lb.height * 3` values.
 */
export function letterboxTensor(
  image: RgbImage,
  lb: Letterbox,
  format: TensorFormat,
  into: Float32Array,
  factor = 1,
): Float32Array {
  const plane = lb.width * lb.height;
  if (into.length !== plane * 3) {
    throw new RangeError(`Expected a tensor of ${plane * 3} values but received ${into.length}`);
  }
  const nchw = format.layout === 'nchw';
  const channelStep = nchw ? plane : 1;
  const pixelStep = nchw ? 1 : 3;
  const sourceWidth = lb.contentWidth / lb.scaleX / factor;
  const sourceHeight = lb.contentHeight / lb.scaleY / factor;
  const xs = samplingAxis(lb.contentWidth, sourceWidth, image.width, 3);
  const ys = samplingAxis(lb.contentHeight, sourceHeight, image.height, image.width * 3);
  const { data } = image;
  if (lb.contentWidth !== lb.width || lb.contentHeight !== lb.height) fillPadding(into, format, plane);
  for (let c = 0; c < 3; c++) {
    const source = format.channels === 'rgb' ? c : 2 - c;
    const gain = 1 / (format.std[c] as number);
    const offset = -(format.mean[c] as number) * gain;
    for (let y = 0; y < lb.contentHeight; y++) {
      const top = (ys.low[y] as number) + source;
      const bottom = (ys.high[y] as number) + source;
      const wy = ys.weight[y] as number;
      let at = c * channelStep + ((y + lb.top) * lb.width + lb.left) * pixelStep;
      for (let x = 0; x < lb.contentWidth; x++) {
        const left = xs.low[x] as number;
        const right = xs.high[x] as number;
        const wx = xs.weight[x] as number;
        const a = data[top + left] as number;
        const b = data[bottom + left] as number;
        const upper = a + ((data[top + right] as number) - a) * wx;
        const lower = b + ((data[bottom + right] as number) - b) * wx;
        into[at] = (upper + (lower - upper) * wy) * gain + offset;
        at += pixelStep;
      }
    }
  }
  return into;
}

function fillPadding(into: Float32Array, format: TensorFormat, plane: number): void {
  for (let c = 0; c < 3; c++) {
    const value = (format.pad - (format.mean[c] as number)) / (format.std[c] as number);
    if (format.layout === 'nchw') into.fill(value, c * plane, (c + 1) * plane);
    else for (let i = c; i < into.length; i += 3) into[i] = value;
  }
}

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
  // Columns are summed over the block's rows first: one running pass over memory.
  const columns = new Uint32Array(image.width * 3);
  for (let y = 0; y < height; y++) {
    const rows = Math.min(factor, image.height - y * factor);
    sumRows(image, y * factor, rows, columns);
    let at = y * width * 3;
    for (let x = 0, from = 0; x < width; x++) {
      const to = Math.min(from + factor * 3, columns.length);
      let red = 0;
      let green = 0;
      let blue = 0;
      for (; from < to; from += 3) {
        red += columns[from] as number;
        green += columns[from + 1] as number;
        blue += columns[from + 2] as number;
      }
      const share = 1 / (rows * Math.min(factor, image.width - x * factor));
      data[at++] = red * share + 0.5;
      data[at++] = green * share + 0.5;
      data[at++] = blue * share + 0.5;
    }
  }
  return { data, width, height };
}

function sumRows({ data, width }: RgbImage, first: number, rows: number, columns: Uint32Array): void {
  const stride = width * 3;
  const start = first * stride;
  if (rows === 2) {
    for (let i = 0; i < stride; i++) columns[i] = (data[start + i] as number) + (data[start + stride + i] as number);
    return;
  }
  columns.fill(0);
  for (let row = 0; row < rows; row++) {
    const at = start + row * stride;
    for (let i = 0; i < stride; i++) columns[i] = (columns[i] as number) + (data[at + i] as number);
  }
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
  const pixelStep = nchw ? 1 : 3;
  // Where each source channel goes in the tensor, and how it is scaled.
  const [red, green, blue] = [0, 1, 2].map((source) => {
    const c = format.channels === 'rgb' ? source : 2 - source;
    const gain = 1 / (format.std[c] as number);
    return { offset: c * (nchw ? plane : 1), gain, bias: -(format.mean[c] as number) * gain };
  }) as [Lane, Lane, Lane];
  const sourceWidth = lb.contentWidth / lb.scaleX / factor;
  const sourceHeight = lb.contentHeight / lb.scaleY / factor;
  const xs = samplingAxis(lb.contentWidth, sourceWidth, image.width, 3);
  const ys = samplingAxis(lb.contentHeight, sourceHeight, image.height, image.width * 3);
  const { data } = image;
  if (lb.contentWidth !== lb.width || lb.contentHeight !== lb.height) fillPadding(into, format, plane);
  for (let y = 0; y < lb.contentHeight; y++) {
    const top = ys.low[y] as number;
    const bottom = ys.high[y] as number;
    const wy = ys.weight[y] as number;
    let at = ((y + lb.top) * lb.width + lb.left) * pixelStep;
    for (let x = 0; x < lb.contentWidth; x++, at += pixelStep) {
      const left = xs.low[x] as number;
      const right = xs.high[x] as number;
      const wx = xs.weight[x] as number;
      const a = top + left;
      const b = top + right;
      const c = bottom + left;
      const d = bottom + right;
      const r = mix(data[a] as number, data[b] as number, data[c] as number, data[d] as number, wx, wy);
      const g = mix(data[a + 1] as number, data[b + 1] as number, data[c + 1] as number, data[d + 1] as number, wx, wy);
      const u = mix(data[a + 2] as number, data[b + 2] as number, data[c + 2] as number, data[d + 2] as number, wx, wy);
      into[at + red.offset] = r * red.gain + red.bias;
      into[at + green.offset] = g * green.gain + green.bias;
      into[at + blue.offset] = u * blue.gain + blue.bias;
    }
  }
  return into;
}

interface Lane {
  readonly offset: number;
  readonly gain: number;
  readonly bias: number;
}

/** Bilinear mean of four neighbours: `a b` above `c d`. */
function mix(a: number, b: number, c: number, d: number, wx: number, wy: number): number {
  const upper = a + (b - a) * wx;
  return upper + (c + (d - c) * wx - upper) * wy;
}

function fillPadding(into: Float32Array, format: TensorFormat, plane: number): void {
  for (let c = 0; c < 3; c++) {
    const value = (format.pad - (format.mean[c] as number)) / (format.std[c] as number);
    if (format.layout === 'nchw') into.fill(value, c * plane, (c + 1) * plane);
    else for (let i = c; i < into.length; i += 3) into[i] = value;
  }
}

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

/** Where one source channel goes in the tensor, and how it is scaled. */
interface Lane {
  readonly offset: number;
  readonly gain: number;
  readonly bias: number;
}

/**
 * Places, pads, normalises and reorders in one pass: RGB8 HWC → float32, shape [1,3,H,W] or [1,H,W,3].
 * `content` is the image scaled to the letterbox's content size. Writes and returns `into`, which must
 * hold `lb.width * lb.height * 3` values. `mirrored` swaps left and right within the content.
 *
 * @throws RangeError when a size does not fit the letterbox.
 */
export function packTensor(
  content: RgbImage,
  lb: Letterbox,
  format: TensorFormat,
  into: Float32Array,
  mirrored = false,
): Float32Array {
  const plane = lb.width * lb.height;
  if (into.length !== plane * 3) {
    throw new RangeError(`Expected a tensor of ${plane * 3} values but received ${into.length}`);
  }
  if (content.width !== lb.contentWidth || content.height !== lb.contentHeight) {
    throw new RangeError(
      `Expected content of ${lb.contentWidth} × ${lb.contentHeight} but received ${content.width} × ${content.height}`,
    );
  }
  const nchw = format.layout === 'nchw';
  const pixelStep = nchw ? 1 : 3;
  const [red, green, blue] = [0, 1, 2].map((source) => {
    const c = format.channels === 'rgb' ? source : 2 - source;
    const gain = 1 / (format.std[c] as number);
    return { offset: c * (nchw ? plane : 1), gain, bias: -(format.mean[c] as number) * gain };
  }) as [Lane, Lane, Lane];
  if (lb.contentWidth !== lb.width || lb.contentHeight !== lb.height) fillPadding(into, format, plane);
  const { data } = content;
  // Locals, since reading objects in the loop would cost as much as the pixels.
  const { offset: r, gain: redGain, bias: redBias } = red;
  const { offset: g, gain: greenGain, bias: greenBias } = green;
  const { offset: b, gain: blueGain, bias: blueBias } = blue;
  const step = mirrored ? -pixelStep : pixelStep;
  const first = lb.left + (mirrored ? lb.contentWidth - 1 : 0);
  let from = 0;
  for (let y = 0; y < lb.contentHeight; y++) {
    let at = ((y + lb.top) * lb.width + first) * pixelStep;
    for (const end = from + lb.contentWidth * 3; from < end; from += 3) {
      into[at + r] = (data[from] as number) * redGain + redBias;
      into[at + g] = (data[from + 1] as number) * greenGain + greenBias;
      into[at + b] = (data[from + 2] as number) * blueGain + blueBias;
      at += step;
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

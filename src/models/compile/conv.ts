import { ModelError } from '../../errors.ts';
import type { GraphBuilder } from './builder.ts';
import { sizeOf, type Tensor, transpose } from './tensor.ts';

/** A convolution over NCHW activations. */
export interface Convolution {
  readonly name: string;
  /** Name of the input value. */
  readonly input: string;
  /** [outputs, inputs / groups, height, width]. */
  readonly filter: Tensor;
  /** [outputs] */
  readonly bias?: Tensor;
  /** Vertical, horizontal. */
  readonly strides: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly groups?: number;
  readonly padding: Padding;
}

/**
 * TensorFlow's padding. SAME gives `ceil(size / stride)` outputs; when the total padding is odd, the extra row or
 * column comes last, which is ONNX's SAME_UPPER.
 */
export type Padding = 'SAME' | 'VALID';

/** Adds a Conv node; returns the name of its output. */
export function addConvolution(builder: GraphBuilder, conv: Convolution): string {
  const inputs = [conv.input, builder.constant(`${conv.name}/filter`, conv.filter)];
  if (conv.bias !== undefined) inputs.push(builder.constant(`${conv.name}/bias`, conv.bias));
  return builder.node('Conv', conv.name, inputs, {
    ...windowAttributes(conv.filter.shape.slice(2), conv.strides, conv.padding),
    dilations: { ints: conv.dilations ?? [1, 1] },
    group: { int: conv.groups ?? 1 },
  });
}

/** What Conv and MaxPool nodes have in common. */
export function windowAttributes(kernel: readonly number[], strides: readonly number[], padding: Padding) {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    auto_pad: { string: padding === 'SAME' ? 'SAME_UPPER' : 'VALID' },
  };
}

/** Number of window positions along one axis. */
export function outputLength(size: number, kernel: number, stride: number, dilation: number, padding: Padding): number {
  if (padding === 'SAME') return Math.ceil(size / stride);
  const length = Math.floor((size - (kernel - 1) * dilation - 1) / stride) + 1;
  if (length < 1) throw new ModelError(`Expected an input of at least ${kernel} pixels but received ${size}`);
  return length;
}

/** TensorFlow's Conv2D filter [height, width, inputs, outputs] → ONNX's [outputs, inputs, height, width]. */
export function convFilter(hwio: Tensor): Tensor {
  return transpose(hwio, [3, 2, 0, 1]);
}

/** TensorFlow's depthwise filter [height, width, channels, multiplier] → [channels × multiplier, 1, height, width]. */
export function depthwiseFilter(hwcm: Tensor): Tensor {
  const { shape, data } = transpose(hwcm, [2, 3, 0, 1]);
  const [channels = 0, multiplier = 0, height = 0, width = 0] = shape;
  return { shape: [channels * multiplier, 1, height, width], data };
}

/** Per-channel statistics of a batch normalisation, each [channels]. */
export interface BatchNorm {
  readonly gamma: Tensor;
  readonly beta: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly epsilon: number;
}

/** Folds a batch normalisation into the bias-free convolution before it. */
export function foldBatchNorm(filter: Tensor, norm: BatchNorm): { filter: Tensor; bias: Tensor } {
  const channels = filter.shape[0] ?? 0;
  const perChannel = sizeOf(filter.shape.slice(1));
  const weights = Float32Array.from(filter.data);
  const bias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const gain = at(norm.gamma, c) / Math.sqrt(at(norm.variance, c) + norm.epsilon);
    bias[c] = at(norm.beta, c) - at(norm.mean, c) * gain;
    for (let i = c * perChannel; i < (c + 1) * perChannel; i++) weights[i] = at(filter, i) * gain;
  }
  return { filter: { shape: filter.shape, data: weights }, bias: { shape: [channels], data: bias } };
}

function at(tensor: Tensor, index: number): number {
  return tensor.data[index] as number;
}
